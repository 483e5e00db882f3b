//! The life of every agent of every example, within the rights that template.yml gives.

use std::{fs, path::PathBuf};

use agent_composer_cli::{
    plan::{Outcome, Plan},
    template::Given,
};
use serde_json::{Value, json};

use crate::{
    account::Service,
    granted::{BOUNDARY, policies_of},
    stack::{Stack, settings_of},
};

const SETTINGS: [(&str, &str); 3] = [
    ("PERMISSIONS_BOUNDARY_ARN", BOUNDARY),
    ("ALLOW_PRIVILEGED", "true"),
    ("STACK_TAGS", "true"),
];
const PARAMETERS: [(&str, &str); 2] = [("PermissionsBoundaryArn", BOUNDARY), ("AllowPrivileged", "true")];

/// The paths of all templates among the examples.
fn templates() -> Vec<PathBuf> {
    let mut directories = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))];
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The logical ids and properties of the agents of all examples, as CloudFormation would send them.
fn agents() -> Vec<(String, String, Value)> {
    let settings = settings_of(&SETTINGS).expect("settings");
    let given = Given {
        region: Some("us-east-1".to_owned()),
        account: Some("111122223333".to_owned()),
        ..Given::default()
    };
    let mut agents = Vec::new();
    for path in templates() {
        let text = fs::read_to_string(&path).expect("a template");
        let plan = Plan::of(&text, &given, &settings).expect("a plan");
        for agent in plan.agents {
            if let Outcome::Composed(composed) = agent.outcome {
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                agents.push((name, agent.logical_id, composed.properties.into()));
            }
        }
    }
    agents
}

#[tokio::test(start_paused = true)]
async fn every_agent_of_the_examples_comes_changes_and_goes_within_the_rights_of_the_template() {
    let granted = policies_of("HandlerRole", &PARAMETERS);
    let agents = agents();
    assert!(agents.len() > 15, "{}", agents.len());
    for (example, logical_id, properties) in agents {
        let stack = Stack::new().reconfigured(&SETTINGS);
        let own = properties["TaskRoleArn"].as_str().and_then(|arn| arn.rsplit_once('/'));
        if let Some((_, name)) = own {
            stack.account.plant_role("/BuildkiteAgentTask/", name, &[]);
            let boundary = json!({"RoleName": name, "PermissionsBoundary": BOUNDARY});
            stack
                .account
                .plant(Service::Iam, "PutRolePermissionsBoundary", boundary);
        }
        let before = stack.account.leftovers();
        stack.account.enforce_all(&granted);
        let mut changed = properties.clone();
        changed["Image"] = "example.com/another:1".into();
        changed["RepositoryCredentials"] = Value::Null;
        changed["Secrets"] = json!([{"Name": "ANOTHER", "ValueFrom": "/another"}]);
        let id = stack.create(&logical_id, &properties).await.success().id;
        stack.update(&logical_id, &id, &properties, &changed).await.success();
        stack.delete(&logical_id, &id, &changed).await.success();
        let denied = stack.account.denied_calls().into_iter().map(|call| call.to_string());
        // A look at a role that does not exist is denied, as it has no path; the provider reads that as absence.
        let denied: Vec<String> = denied.filter(|call| !call.contains("on resource: role ")).collect();
        assert_eq!(denied, [] as [String; 0], "{example}: {logical_id}");
        assert_eq!(stack.account.leftovers(), before, "{example}: {logical_id}");
    }
}
