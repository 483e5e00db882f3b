//! What the agent may do: `TaskRolePolicies`, `TaskRoleManagedPolicyArns`, `EnableExecuteCommand`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    arn::Arn,
    wire::{Fields, Written},
};
use crate::{Faults, identity::StackId, settings::Settings};

/// How many managed policies are taken: a role may have ten, unless the account's quota is raised (aws.md 3.1), and
/// while rights widen, those of before and the wanted ones hang side by side.
pub(crate) const MANAGED: usize = 5;

/// The language of policies; the older one reads variables as text.
pub(crate) const VERSION: &str = "2012-10-17";

/// The rights of a task role that is made, beside those of its ssh backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskRoleRights {
    /// The statements of all `TaskRolePolicies`, as IAM takes them.
    pub statements: Vec<Value>,
    /// The ARNs of managed policies.
    pub managed_policy_arns: Vec<String>,
    /// Whether people may open a shell in the agent's containers, with ECS Exec.
    pub execute_command: bool,
}

impl TaskRoleRights {
    /// Reads all three. The provider makes roles with rights of its own, and nobody is asked for `CAPABILITY_IAM`: so
    /// an author may give rights only where a permissions boundary says how far.
    pub(super) fn read(
        fields: &Fields<'_>,
        has_own_role: bool,
        stack: &StackId,
        settings: &Settings,
        faults: &mut Faults,
    ) -> Self {
        let mut names = HashMap::new();
        let mut sids = HashMap::new();
        let policies = fields.list("TaskRolePolicies", POLICY, faults);
        let statements = policies
            .iter()
            .flat_map(|policy| read_policy(policy, &mut names, &mut sids, faults))
            .collect();
        let rights = Self {
            statements,
            managed_policy_arns: managed(fields, stack, faults),
            execute_command: fields.switch("EnableExecuteCommand", faults).unwrap_or_default(),
        };
        for name in ["TaskRolePolicies", "TaskRoleManagedPolicyArns"] {
            if fields.get(name).is_some() && settings.permissions_boundary.is_none() {
                faults.add(
                    name,
                    "gives rights, and the provider was deployed without a permissions boundary that says how far they may go: \
                     deploy it with `PermissionsBoundaryArn`, or name a role of your own as `TaskRoleArn`",
                );
            }
        }
        let wanted = [
            ("TaskRolePolicies", fields.get("TaskRolePolicies").is_some()),
            (
                "TaskRoleManagedPolicyArns",
                fields.get("TaskRoleManagedPolicyArns").is_some(),
            ),
            ("EnableExecuteCommand", rights.execute_command),
        ];
        for (name, _) in wanted.into_iter().filter(|(_, wanted)| has_own_role && *wanted) {
            faults.add(
                name,
                "is for the role that is made, and `TaskRoleArn` names your own: give that one the rights, or leave it out",
            );
        }
        rights
    }
}

const POLICY: &str = "{PolicyName, PolicyDocument}";

fn read_policy(
    policy: &Written<'_>,
    names: &mut HashMap<String, String>,
    sids: &mut HashMap<String, String>,
    faults: &mut Faults,
) -> Vec<Value> {
    let Some(fields) = policy.fields(&["PolicyName", "PolicyDocument"], POLICY, faults) else {
        return Vec::new();
    };
    let name = fields.required("PolicyName", "", faults).unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.len() > 128 || !name.chars().all(legal) {
        faults.add(
            fields.path("PolicyName"),
            format!("is no name of a policy: {name:?}; legal: 1 to 128 letters, digits and `_+=,.@-`"),
        );
    }
    if let Some(first) = names.insert(name.clone(), policy.path.clone()) {
        faults.add(fields.path("PolicyName"), format!("is {name:?}, as {first} is already"));
    }
    let Some(document) = fields.get("PolicyDocument") else {
        faults.add(fields.path("PolicyDocument"), "is required");
        return Vec::new();
    };
    let Some(document) = document.fields(&["Version", "Id", "Statement"], "{Version, Statement}", faults) else {
        return Vec::new();
    };
    if document
        .text("Version", faults)
        .is_none_or(|version| version != VERSION)
    {
        faults.add(document.path("Version"), format!("must be '{VERSION}'"));
    }
    let Some(written) = document.get("Statement") else {
        faults.add(document.path("Statement"), "is required");
        return Vec::new();
    };
    let statements = match written.value {
        Value::Object(_) => vec![written],
        _ => written.elements("statements", faults),
    };
    let mut read = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let Some(mut content) = read_statement(statement, faults) else {
            continue;
        };
        // All stand in one document, where a statement tells by its Sid which policy it is of.
        let of_policy = || {
            let of: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            format!("{of}{index}")
        };
        let sid = content
            .get("Sid")
            .and_then(Value::as_str)
            .map_or_else(of_policy, str::to_owned);
        if let Some(first) = sids.insert(sid.clone(), statement.path.clone()) {
            faults.add(
                format!("{}.Sid", statement.path),
                format!("is {sid:?}, as that of {first} is already; all policies stand in one document of the role"),
            );
        }
        content.insert("Sid".to_owned(), sid.into());
        read.push(Value::Object(content));
    }
    read
}

/// The grammar of a statement of an identity's policy.
fn read_statement(statement: &Written<'_>, faults: &mut Faults) -> Option<Map<String, Value>> {
    let known = [
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    let fields = statement.fields(&known, "{Sid, Effect, Action, Resource, Condition}", faults)?;
    if let Some(sid) = fields.text("Sid", faults)
        && !sid.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        faults.add(
            fields.path("Sid"),
            format!("is {sid:?}; legal: letters and digits alone"),
        );
    }
    if fields.get("Effect").is_none() {
        faults.add(fields.path("Effect"), "is required; legal: Allow, Deny");
    }
    let effect = fields.one_of("Effect", &["Allow", "Deny"], faults);
    let action = one_or_many(&fields, ["Action", "NotAction"], faults);
    for (path, action) in action.iter().flatten() {
        let legal = action == "*"
            || action
                .split_once(':')
                .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty() && !name.contains([' ', ':']));
        if !legal {
            faults.add(
                path,
                format!("is no action: {action:?}; write SERVICE:NAME, such as s3:GetObject"),
            );
        }
    }
    let resource = one_or_many(&fields, ["Resource", "NotResource"], faults);
    for (path, resource) in resource.iter().flatten() {
        if resource != "*" && !resource.starts_with("arn:") {
            faults.add(path, format!("is neither an ARN nor `*`: {resource:?}"));
        }
    }
    if let Some(condition) = fields.get("Condition")
        && !condition.value.is_object()
    {
        faults.add(condition.path, "must be {OPERATOR: {KEY: VALUE}}");
    }
    effect?;
    statement.value.as_object().cloned()
}

/// The strings of one of two fields, of which just one has to be there.
fn one_or_many(
    fields: &Fields<'_>,
    [name, not_name]: [&'static str; 2],
    faults: &mut Faults,
) -> Option<Vec<(String, String)>> {
    let (name, written) = match (fields.get(name), fields.get(not_name)) {
        (Some(written), None) => (name, written),
        (None, Some(written)) => (not_name, written),
        (one, _) => {
            let instead = if one.is_some() {
                format!("stands beside `{not_name}`; leave one of the two out")
            } else {
                "is required".to_owned()
            };
            faults.add(fields.path(name), instead);
            return None;
        }
    };
    match written.value {
        Value::Array(_) => Some(fields.texts(name, faults)),
        _ => Some(vec![(written.path.clone(), written.text(faults)?)]),
    }
}

fn managed(fields: &Fields<'_>, stack: &StackId, faults: &mut Faults) -> Vec<String> {
    let partition = &stack.partition;
    let mut arns: Vec<String> = Vec::new();
    for (path, arn) in fields.texts("TaskRoleManagedPolicyArns", faults) {
        let legal = Arn::parse(&arn).is_some_and(|parsed| {
            parsed.service == "iam"
                && parsed.partition == partition
                && parsed.region.is_empty()
                && (parsed.account == "aws" || parsed.account == stack.account)
                && (parsed.resource.strip_prefix("policy/")).is_some_and(|name| !name.is_empty())
        });
        if !legal {
            faults.add(
                path,
                format!(
                    "is no managed policy that a role of this account can have: {arn:?}; write arn:{partition}:iam::{}:policy/NAME or arn:{partition}:iam::aws:policy/NAME",
                    stack.account
                ),
            );
        } else if arns.contains(&arn) {
            faults.add(path, format!("is {arn:?}, which stands twice"));
        } else {
            arns.push(arn);
        }
    }
    if arns.len() > MANAGED {
        faults.add(
            "TaskRoleManagedPolicyArns",
            format!(
                "are {}; {MANAGED} fit, so that an update's old and new ones can hang on the role together",
                arns.len()
            ),
        );
    }
    arns
}
