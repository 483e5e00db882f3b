//! Sizes that only the composed documents show: AWS would refuse them after the first writes.

use super::{Composition, Container, Role};
use crate::{
    Faults,
    properties::{AGENT, AGENT_INIT, SSH_AGENT},
};

/// Inline policies of one role, in characters without white space (docs/internals/aws.md, "Names and quotas"). While
/// rights widen, the policy of before and the wanted one stand side by side, so one may take half.
const POLICY: usize = 10_240 / 2;

/// A task definition, in bytes (docs/internals/aws.md, "Names and limits"), less room for what ECS adds.
const TASK_DEFINITION: usize = 60_000;

/// The faults of a composition's sizes.
pub(super) fn faults(composition: &Composition) -> Faults {
    let mut faults = Faults::default();
    let length = |role: &Role| role.policy.as_ref().map_or(0, |policy| policy.document().len());
    let policy = composition.task_role.made().map_or(0, length);
    if policy > POLICY {
        faults.add(
            "TaskRolePolicies",
            format!(
                "make a policy of {policy} characters; at most {POLICY} are allowed, because an update keeps the old and the new policy side by side; \
                 put some into a managed policy and name it in `TaskRoleManagedPolicyArns`"
            ),
        );
    }
    let policy = length(&composition.execution_role);
    if policy > POLICY {
        faults.add(
            "Secrets",
            format!(
                "need a policy of {policy} characters; at most {POLICY} are allowed, because an update keeps the old and the new policy side by side; \
                 keep several values as keys of one Secrets Manager secret, or shorten the names"
            ),
        );
    }
    let task_definition = composition.task_definition.document().len();
    if task_definition > TASK_DEFINITION {
        let lengths = |container: &Container| {
            let environment: usize = container.environment.iter().map(|variable| variable.value.len()).sum();
            let secrets: usize = container.secrets.iter().map(|secret| secret.value_from.len()).sum();
            (environment, secrets)
        };
        let containers = &composition.task_definition.container_definitions;
        let all = containers.iter().map(|container| (container, lengths(container)));
        let largest = all.max_by_key(|(_, (environment, secrets))| environment + secrets);
        let path = match largest {
            Some((container, _)) if container.name == AGENT_INIT => "Hooks",
            Some((container, _)) if container.name == SSH_AGENT => "SshAgentEnvironment",
            Some((container, _)) if container.name != AGENT => "Sidecars",
            Some((_, (environment, secrets))) if secrets > environment => "Secrets",
            _ => "Environment",
        };
        faults.add(
            path,
            format!("makes a task definition of {task_definition} bytes, and {TASK_DEFINITION} fit; keep large values in a parameter, a file of the image or S3"),
        );
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{composition::tests::composed_with, properties::tests as written};

    fn paths(written: &Value) -> Vec<String> {
        let faults = faults(&composed_with(written, &written::settings()));
        faults.iter().map(|fault| fault.path.clone()).collect()
    }

    /// `written` gives properties with a text in them, and `length` that of the document which they make.
    fn assert_at_most(most: usize, path: &str, length: fn(&Composition) -> usize, written: fn(&str) -> Value) {
        let composed = |written: &Value| composed_with(written, &written::settings());
        let least = length(&composed(&written("a"))) - 1;
        let [longest, too_long] = [most, most + 1].map(|length| written(&"a".repeat(length - least)));
        assert_eq!(length(&composed(&longest)), most, "{path}");
        assert!(paths(&longest).is_empty(), "{path}");
        assert_eq!(paths(&too_long), [path]);
    }

    fn length(role: &Role) -> usize {
        role.policy.as_ref().unwrap().document().len()
    }

    #[test]
    fn a_document_may_be_as_long_as_fits_and_no_longer() {
        assert_at_most(
            60_000,
            "Environment",
            |composition| composition.task_definition.document().len(),
            |text| json!({"Image": "ruby", "Environment": [{"Name": "A", "Value": text}]}),
        );
        assert_at_most(
            5120,
            "TaskRolePolicies",
            |composition| length(composition.task_role.made().unwrap()),
            |text| {
                let resource = format!("arn:aws:s3:::{text}");
                let statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource});
                let document = json!({"Version": "2012-10-17", "Statement": statement});
                json!({"Image": "ruby", "TaskRolePolicies": [{"PolicyName": "one", "PolicyDocument": document}]})
            },
        );
        assert_at_most(
            5120,
            "Secrets",
            |composition| length(&composition.execution_role),
            |text| {
                let file = json!({"Type": "s3", "Value": format!("arn:aws:s3:::settings/{text}.env")});
                json!({"Image": "ruby", "AgentContainer": {"EnvironmentFiles": [file]}})
            },
        );
    }

    #[test]
    fn what_is_largest_is_named() {
        let value = |length: usize| json!([{"Name": "A", "Value": "x".repeat(length)}]);
        let secrets = |count: usize| {
            let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:all-AbC123";
            let secret = |n| json!({"Name": format!("S{n}"), "ValueFrom": format!("{secret}:{n:040}::")});
            (0..count).map(secret).collect::<Value>()
        };
        let backend = &written::written()["SshAgentBackend"];
        let sidecar = |environment: &Value, secrets: &Value| json!([{"Name": "one", "Image": "alpine", "Environment": environment, "Secrets": secrets}]);
        let copy = "COPY";
        for (written, path) in [
            (json!({"Environment": value(60_000)}), "Environment"),
            (json!({"Secrets": secrets(600)}), "Secrets"),
            (
                json!({"Environment": value(20_000), "Secrets": secrets(400)}),
                "Secrets",
            ),
            (
                json!({"Environment": value(40_000), "Secrets": secrets(200)}),
                "Environment",
            ),
            (json!({"Sidecars": sidecar(&value(60_000), &json!([]))}), "Sidecars"),
            (
                json!({"SshAgentBackend": backend, "SshAgentEnvironment": value(60_000)}),
                "SshAgentEnvironment",
            ),
            (
                json!({"BuildkiteAgentImage": "agent", "BuildkiteAgentInjection": copy, "Hooks": {"command": "x".repeat(60_000)}}),
                "Hooks",
            ),
            // Variables and secrets together count.
            (
                json!({"Environment": value(24_000), "Sidecars": sidecar(&value(20_000), &secrets(180))}),
                "Sidecars",
            ),
            (
                json!({"Environment": value(60_000), "Sidecars": sidecar(&value(10_000), &secrets(10))}),
                "Environment",
            ),
        ] {
            let mut written = written;
            written["Image"] = "ruby".into();
            assert_eq!(paths(&written), [path], "{:.200}", written.to_string());
        }
    }
}
