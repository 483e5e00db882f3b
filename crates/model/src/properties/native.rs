//! The words of ECS, IAM and CloudWatch Logs that are not properties here, each with what to do instead.

/// What somebody who knows `AWS::ECS::TaskDefinition`, `RunTask`, `AWS::IAM::Role` or `AWS::Logs::LogGroup` may write.
const OF_A_TASK: [(&str, &str); 36] = [
    ("Family", "is `TaskFamily` here"),
    ("Cpu", "is `TaskCpu` here"),
    ("Memory", "is `TaskMemory` here"),
    (
        "RuntimePlatform",
        "is two properties here: `CpuArchitecture` and `OperatingSystemFamily`",
    ),
    (
        "ContainerDefinitions",
        "is not for you to write: `Image` and its companions are the agent's container, and `Sidecars` are further ones",
    ),
    (
        "ExecutionRoleArn",
        "is not for you to give: the execution role is made here, with exactly the rights for the images, secrets and logs of this agent; leave it out",
    ),
    (
        "InferenceAccelerators",
        "is not supported: AWS has ended Elastic Inference; leave it out",
    ),
    (
        "Command",
        "is the provider's: the agent's container runs `buildkite-agent start`, and the scheduler overrides that; leave it out",
    ),
    (
        "EntryPoint",
        "is the provider's: the agent's container runs `buildkite-agent`; leave it out",
    ),
    (
        "Name",
        "is not for you to give: the agent's container is `agent`; for the task definition's name write `TaskFamily`",
    ),
    (
        "Essential",
        "is not for you to say: the task ends with its agent; leave it out",
    ),
    (
        "StopTimeout",
        "is the provider's: the agent has 120 seconds, the longest that Fargate gives; leave it out",
    ),
    ("LaunchType", SCHEDULER),
    ("Cluster", SCHEDULER),
    ("CapacityProviderStrategy", SCHEDULER),
    ("PlatformVersion", SCHEDULER),
    ("NetworkConfiguration", SCHEDULER),
    ("AwsvpcConfiguration", SCHEDULER),
    ("Subnets", SCHEDULER),
    ("SecurityGroups", SCHEDULER),
    ("AssignPublicIp", SCHEDULER),
    ("PlacementStrategy", SCHEDULER),
    ("Overrides", SCHEDULER),
    ("Count", SCHEDULER),
    ("DesiredCount", SCHEDULER),
    ("PropagateTags", SCHEDULER),
    ("EnableECSManagedTags", SCHEDULER),
    (
        "TaskDefinition",
        "is what this resource makes; other resources name it with `!Ref`",
    ),
    ("Policies", "is `TaskRolePolicies` here"),
    ("ManagedPolicyArns", "is `TaskRoleManagedPolicyArns` here"),
    (
        "PermissionsBoundary",
        "is said once for all roles, when the provider is deployed: its parameter `PermissionsBoundaryArn`",
    ),
    (
        "AssumeRolePolicyDocument",
        "is the provider's: only tasks of ECS may assume the roles; leave it out",
    ),
    (
        "RoleName",
        "is not for you to give: a role's name is made of the family, and `!GetAtt …TaskRoleName` tells it",
    ),
    (
        "LogGroupName",
        "is not for you to give: the log group is `/aws/ecs/FAMILY`, and `!GetAtt …LogGroupName` tells it",
    ),
    ("RetentionInDays", "is `LogRetentionInDays` here"),
    (
        "KmsKeyId",
        "is `LogGroupKmsKeyId` for the log group, and `SecretsKmsKeyArns` for secrets",
    ),
];

const SCHEDULER: &str =
    "is not a property of a task definition: who starts the task says it, so configure your scheduler";

/// What to do instead of one of these words at the top of the properties, in ECS's own casing or CloudFormation's.
pub(super) fn of_a_task(name: &str) -> Option<String> {
    let (_, instead) = OF_A_TASK.iter().find(|(native, _)| native.eq_ignore_ascii_case(name))?;
    Some((*instead).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::PROPERTIES;

    #[test]
    fn every_answer_names_a_property_that_exists_and_none_is_for_one() {
        let known: Vec<&str> = PROPERTIES.iter().map(|property| property.name).collect();
        for (name, instead) in OF_A_TASK {
            assert!(!known.contains(&name), "{name} is a property");
            let ours = instead.split('`').skip(1).step_by(2);
            for word in ours
                .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric()) && word.starts_with(char::is_uppercase))
            {
                assert!(
                    known.contains(&word) || word == "PermissionsBoundaryArn",
                    "{name}: {word}"
                );
            }
        }
    }
}
