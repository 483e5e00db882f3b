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
                "make a policy of {policy} characters, and {POLICY} fit, so that an update's old and new rights fit together; \
                 put some into a managed policy and name it in `TaskRoleManagedPolicyArns`"
            ),
        );
    }
    let policy = length(&composition.execution_role);
    if policy > POLICY {
        faults.add(
            "Secrets",
            format!(
                "need a policy of {policy} characters, and {POLICY} fit, so that an update's old and new rights fit together; \
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
