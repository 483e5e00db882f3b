//! From what was found to what is shown: whole tables and documents.

use agent_composer_model::{
    identity::{Family, Identity, Owner, StackId},
    ownership::{LOGICAL_ID, STACK_ID, Tags, VERSION},
};

use super::*;

const REGION: &str = "us-east-1";

fn stack(name: &str) -> String {
    format!("arn:aws:cloudformation:{REGION}:111122223333:stack/{name}/5f2c1b70-0001-11f0-8de9-0242ac120002")
}

fn tags(stack_name: &str, logical_id: &str, version: Option<&str>) -> Tags {
    let pairs = [(STACK_ID, stack(stack_name)), (LOGICAL_ID, logical_id.to_owned())];
    let version = version.map(|version| (VERSION, version.to_owned()));
    let all = pairs.into_iter().chain(version);
    all.map(|(key, value)| (key.to_owned(), value)).collect()
}

fn identity(stack_name: &str, logical_id: &str, family: &str) -> Identity {
    Identity {
        owner: Owner {
            stack_id: StackId::parse(&stack(stack_name)).unwrap(),
            logical_id: logical_id.to_owned(),
        },
        family: Family::parse(family).unwrap(),
    }
}

/// Everything that an agent has in an account.
fn add(found: &mut Found, stack_name: &str, logical_id: &str, family: &str, version: Option<&str>) {
    let identity = identity(stack_name, logical_id, family);
    let tags = tags(stack_name, logical_id, version);
    let roles = [
        ("/BuildkiteAgentExecution/", identity.execution_role_name()),
        ("/BuildkiteAgentTask/", identity.task_role_name()),
    ];
    let roles = roles.map(|(path, name)| FoundRole {
        arn: identity.role_arn(path, &name),
        name,
        boundary: Some("arn:aws:iam::111122223333:policy/Boundary".to_owned()),
        tags: tags.clone(),
    });
    found.revisions.push(FoundRevision {
        arn: format!("{}:3", identity.physical_id()),
        family: family.to_owned(),
        number: 3,
        image: Some(format!("registry.example.com/{family}:1")),
        roles: roles.iter().map(|role| role.arn.clone()).collect(),
        tags: tags.clone(),
    });
    found.groups.push(FoundGroup {
        name: identity.log_group_name(),
        tags,
    });
    found.roles.extend(roles);
    let status = StackState::of(Some("UPDATE_COMPLETE"));
    found.stacks.insert(stack(stack_name), status);
}

/// Agents that are current, behind in one stack of two, without a version, orphaned; and things of other people's.
fn account() -> Found {
    let mut found = Found::default();
    add(&mut found, "pipelines", "CargoPublish", "cargo-publish", Some("0.2.0"));
    add(&mut found, "pipelines", "Ruby2", "ruby2", Some("0.1.0"));
    add(&mut found, "pipelines", "Old", "old", None);
    add(&mut found, "docs", "Docs", "docs", Some("0.3.0"));
    add(&mut found, "gone", "Rails", "rails", Some("0.1.0"));
    found
        .stacks
        .insert(stack("gone"), StackState::of(Some("DELETE_COMPLETE")));
    found.revisions.push(FoundRevision {
        family: "web".to_owned(),
        arn: "arn:aws:ecs:us-east-1:111122223333:task-definition/web:1".to_owned(),
        number: 1,
        ..FoundRevision::default()
    });
    found.groups.push(FoundGroup {
        name: "/aws/ecs/containerinsights".to_owned(),
        tags: Tags::new(),
    });
    found
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn each_agent_has_a_row() {
    insta::assert_snapshot!(plain(&table(&agents(&account(), REGION, "0.2.0"))));
}

#[test]
fn without_agents_there_is_nothing_to_show() {
    let found = Found::default();
    assert_eq!(table(&agents(&found, REGION, "0.2.0")), "");
}

#[test]
fn each_agent_has_an_object() {
    let mut found = account();
    found.revisions.truncate(2);
    found.groups.truncate(2);
    found.roles.truncate(4);
    insta::assert_json_snapshot!(document(&agents(&found, REGION, "0.2.0"), REGION, "0.2.0"));
}

#[test]
fn what_to_do_is_reported_for_each_stack() {
    let agents = agents(&account(), REGION, "0.2.0");
    insta::assert_snapshot!([behind(&agents, "0.2.0"), orphans(&agents)].concat().join("\n"));
}

#[test]
fn whatever_is_left_of_an_orphan_is_one_agent() {
    let whole = || {
        let mut found = Found::default();
        add(&mut found, "gone", "Rails", "rails", Some("0.1.0"));
        found.stacks.clear();
        found
    };
    // What is left of it, and what is shown: family, revision, log group, how many roles.
    let without = |change: fn(&mut Found)| {
        let mut found = whole();
        change(&mut found);
        let all = agents(&found, REGION, "0.1.0");
        let [agent] = all.as_slice() else {
            panic!("{all:?}");
        };
        assert!(agent.is_orphan() && !agent.needs_refresh());
        let revision = agent.revision.as_ref().map(|revision| revision.number);
        (
            agent.family.clone(),
            revision,
            agent.log_group.is_some(),
            agent.roles.len(),
        )
    };
    let rails = "rails".to_owned();
    assert_eq!(without(|_| {}), (rails.clone(), Some(3), true, 2));
    assert_eq!(without(|found| found.revisions.clear()), (rails.clone(), None, true, 2));
    assert_eq!(
        without(|found| found.groups.clear()),
        (rails.clone(), Some(3), false, 2)
    );
    let roles_alone = |found: &mut Found| {
        found.revisions.clear();
        found.groups.clear();
    };
    assert_eq!(without(roles_alone), (rails.clone(), None, false, 2));
    let group_alone = |found: &mut Found| {
        found.revisions.clear();
        found.roles.clear();
    };
    assert_eq!(without(group_alone), (rails, None, true, 0));
}

#[test]
fn roles_of_other_regions_are_not_of_this_one() {
    let mut found = Found::default();
    add(&mut found, "gone", "Rails", "rails", Some("0.1.0"));
    found.revisions.clear();
    found.groups.clear();
    assert_eq!(agents(&found, "eu-west-1", "0.1.0"), []);
    assert_eq!(found.stack_ids("eu-west-1").len(), 0);
}

#[test]
fn the_version_is_what_the_last_update_wrote() {
    // Log group, roles, revision; and what counts.
    for (group, roles, revision, expected) in [
        (Some("0.2.0"), Some("0.2.0"), Some("0.1.0"), Some("0.2.0")),
        (None, Some("0.2.0"), Some("0.1.0"), Some("0.2.0")),
        (None, None, Some("0.1.0"), Some("0.1.0")),
        (None, None, None, None),
    ] {
        let mut found = Found::default();
        add(&mut found, "pipelines", "Ruby2", "ruby2", None);
        let set = |tags: &mut Tags, version: Option<&str>| {
            tags.extend(version.map(|version| (VERSION.to_owned(), version.to_owned())));
        };
        set(&mut found.groups[0].tags, group);
        found.roles.iter_mut().for_each(|role| set(&mut role.tags, roles));
        set(&mut found.revisions[0].tags, revision);
        let agents = agents(&found, REGION, "0.2.0");
        assert_eq!(agents[0].version.as_deref(), expected);
        assert_eq!(agents[0].is_behind, expected != Some("0.2.0"));
    }
}

#[test]
fn roles_are_looked_for_where_the_provider_puts_them() {
    let mut found = account();
    found.revisions[0].roles = vec![
        "arn:aws:iam::111122223333:role/ci/agents/a".to_owned(),
        "arn:aws:iam::111122223333:role/of-the-author".to_owned(),
    ];
    found.revisions.truncate(1);
    let paths = found.role_paths(&["/BuildkiteAgentTask/".to_owned()]);
    assert_eq!(
        paths.into_iter().collect::<Vec<_>>(),
        ["/BuildkiteAgentTask/", "/ci/agents/"]
    );
    let ids: Vec<String> = account().stack_ids(REGION).into_iter().collect();
    assert_eq!(ids, ["docs", "gone", "pipelines"].map(stack));
}
