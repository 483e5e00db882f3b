//! An account with agents in it, and the command that looks at it.

use std::process::{Command, Stdio};

use agent_composer_model::identity::{Family, Identity, Owner, StackId};
use fake_aws::{Account, Service};
use serde_json::{Value, json};

/// The boundary of every role that is planted.
pub(crate) const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/Boundary";

/// What an agent has, as the provider would have made it.
pub(crate) struct Planted {
    pub(crate) identity: Identity,
    tags: Vec<(String, String)>,
}

impl Planted {
    /// An agent of that stack, whose family is its logical id in lower case; nothing of it is there yet but its stack.
    pub(crate) fn new(account: &Account, stack: &str, logical_id: &str, version: &str) -> Self {
        let id = account.stack_id(stack, "5f2c1b70-0001-11f0-8de9-0242ac120002");
        account.set_stack(&id, "CREATE_COMPLETE");
        let owner = Owner {
            stack_id: StackId::parse(&id).unwrap(),
            logical_id: logical_id.to_owned(),
        };
        let tags = [
            ("agent-composer:stack-id", id.as_str()),
            ("agent-composer:logical-id", logical_id),
            ("agent-composer:version", version),
        ];
        Self {
            identity: Identity {
                owner,
                family: Family::of_logical_id(logical_id),
            },
            tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        }
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        pairs.collect()
    }

    /// Everything of it.
    pub(crate) fn whole(self, account: &Account) -> Self {
        self.log_group(account).roles(account).revision(account)
    }

    pub(crate) fn log_group(self, account: &Account) -> Self {
        account.plant_log_group(&self.identity.log_group_name(), &self.pairs());
        self
    }

    pub(crate) fn roles(self, account: &Account) -> Self {
        for (path, name) in [
            ("/BuildkiteAgentExecution/", self.identity.execution_role_name()),
            ("/BuildkiteAgentTask/", self.identity.task_role_name()),
        ] {
            account.plant_role(path, &name, &self.pairs());
            let params = json!({"RoleName": name, "PermissionsBoundary": BOUNDARY});
            account.plant(Service::Iam, "PutRolePermissionsBoundary", params);
        }
        self
    }

    pub(crate) fn revision(self, account: &Account) -> Self {
        let containers = json!([
            {"name": "agent-init", "image": "buildkite/agent:3-sidecar", "essential": false},
            {"name": "agent", "image": "registry.example.com/ruby:3"},
        ]);
        self.revision_of(account, &containers)
    }

    pub(crate) fn revision_of(self, account: &Account, containers: &Value) -> Self {
        let tags = self.pairs().into_iter();
        let tags: Vec<_> = tags.map(|(key, value)| json!({"key": key, "value": value})).collect();
        let role = |path: &str, name: String| self.identity.role_arn(path, &name);
        let params = json!({
            "family": self.identity.family.as_str(),
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": role("/BuildkiteAgentExecution/", self.identity.execution_role_name()),
            "taskRoleArn": role("/BuildkiteAgentTask/", self.identity.task_role_name()),
            "containerDefinitions": containers,
            "tags": tags,
        });
        account.plant(Service::Ecs, "RegisterTaskDefinition", params);
        self
    }
}

/// Runs the command against an account: what it ends with and prints.
pub(crate) async fn run(account: &Account, arguments: &[&str]) -> (i32, String, String) {
    let server = account.serve().await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent-composer"));
    command
        .args(arguments)
        .args(["--region", "us-east-1", "--endpoint-url", &server.url])
        .stdin(Stdio::null())
        .env_remove("CLICOLOR_FORCE")
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Demands that the account was read and nothing else, with these actions alone.
pub(crate) fn was_read_with(account: &Account, allowed: &[&str]) {
    for record in account.calls() {
        assert!(record.call.is_read(), "{:?}", record.call);
        let action = record.call.action();
        assert!(allowed.contains(&action.as_str()), "{action} is not documented");
    }
}
