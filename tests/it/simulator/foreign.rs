//! What other people have in the account, which must stay as it is.

use serde_json::{Value, json};

use super::template::OWN_ROLE;
use crate::{
    account::{Account, LogGroupView, RevisionView, RoleView, Service},
    granted::BOUNDARY,
};

/// A stack of somebody else's.
const STACK: &str =
    "arn:aws:cloudformation:us-east-1:111122223333:stack/strangers/aaaaaaaa-0001-11f0-8de9-0242ac120002";

/// Other people's things, as they were at first.
pub struct Foreign {
    revisions: Vec<RevisionView>,
    roles: Vec<RoleView>,
    groups: Vec<LogGroupView>,
}

impl Foreign {
    /// Puts them there: a role of the user's own always, the rest if there are `neighbours`.
    pub fn plant(account: &Account, neighbours: bool) -> Self {
        let (path, name) = OWN_ROLE.rsplit_once('/').unwrap_or_default();
        let path = path.split_once(":role").map(|(_, path)| format!("{path}/"));
        account.plant_role(&path.unwrap_or_default(), name, &[("team", "platform")]);
        let boundary = json!({"RoleName": name, "PermissionsBoundary": BOUNDARY});
        account.plant(Service::Iam, "PutRolePermissionsBoundary", boundary);
        if neighbours {
            plant_neighbours(account);
        }
        let families = account.families();
        Self {
            revisions: families.iter().flat_map(|family| account.revisions(family)).collect(),
            roles: account.roles(),
            groups: account.log_groups(),
        }
    }

    /// Whether they have a log group or a revision of the family.
    pub fn uses(&self, family: &str) -> bool {
        let group = format!("/aws/ecs/{family}");
        self.groups.iter().any(|one| one.name == group) || self.revisions.iter().any(|one| one.family == family)
    }

    /// What of it is no longer as it was.
    pub fn changed(&self, account: &Account) -> Option<String> {
        let revision = self
            .revisions
            .iter()
            .find(|one| account.revision(&one.arn).as_ref() != Some(one));
        let role = self
            .roles
            .iter()
            .find(|one| account.role(&one.name).as_ref() != Some(one));
        let group = self
            .groups
            .iter()
            .find(|one| account.log_group(&one.name).as_ref() != Some(one));
        revision
            .map(|one| one.arn.clone())
            .or(role.map(|one| one.arn.clone()))
            .or(group.map(|one| one.name.clone()))
    }
}

fn plant_neighbours(account: &Account) {
    account.set_stack(STACK, "UPDATE_COMPLETE");
    let tags = [
        ("agent-composer:stack-id", STACK),
        ("agent-composer:logical-id", "Alpha"),
    ];
    account.plant_revision("strange", "theirs:1", &tags);
    account.plant_log_group("/aws/ecs/strange", &tags);
    account.plant_role("/BuildkiteAgentTask/", "strange-task-0123456789ab", &tags);
    // By hand, under a family and a log group that a stack may use later; and families that begin alike.
    account.plant_revision("beta", "by-hand:1", &[("team", "platform")]);
    account.plant_revision("alpha-too", "by-hand:1", &[]);
    account.plant_log_group("/aws/ecs/gamma", &[("team", "platform")]);
    let retention = json!({ "logGroupName": "/aws/ecs/gamma", "retentionInDays": 30 });
    let _: Value = account.plant(Service::Logs, "PutRetentionPolicy", retention);
}
