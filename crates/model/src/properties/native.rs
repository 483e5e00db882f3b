//! Settings of ECS, IAM and CloudWatch Logs that authors may try here, each with what to write instead.

use super::{
    PROPERTIES, agent_container,
    vocabulary::{self, left_out::LEFT_OUT},
};

/// What somebody who knows `AWS::ECS::TaskDefinition`, `RunTask`, `AWS::IAM::Role` or `AWS::Logs::LogGroup` may write.
const OF_A_TASK: [(&str, &str); 35] = [
    ("Family", "is `TaskFamily` here"),
    ("Cpu", "is `TaskCpu` here"),
    ("Memory", "is `TaskMemory` here"),
    (
        "RuntimePlatform",
        "is two properties here: `CpuArchitecture` and `OperatingSystemFamily`",
    ),
    (
        "ContainerDefinitions",
        "can't be set: `Image` and its companions are the agent's container, and `Sidecars` are further ones",
    ),
    (
        "ExecutionRoleArn",
        "can't be set: the execution role is made here, with exactly the rights for the images, secrets and logs of this agent; leave it out",
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
        "can't be set: the agent's container is `agent`; for the task definition's name write `TaskFamily`",
    ),
    ("Essential", "can't be set: the task ends with its agent; leave it out"),
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
        "is set once for all roles, when the provider is deployed, by its parameter `PermissionsBoundaryArn`",
    ),
    (
        "AssumeRolePolicyDocument",
        "is the provider's: only tasks of ECS may assume the roles; leave it out",
    ),
    (
        "RoleName",
        "can't be set: a role's name is made from the family; read it with `!GetAtt …TaskRoleName`",
    ),
    (
        "LogGroupName",
        "can't be set: the log group is `/aws/ecs/FAMILY`; read it with `!GetAtt …LogGroupName`",
    ),
    ("RetentionInDays", "is `LogRetentionInDays` here"),
    (
        "KmsKeyId",
        "is `LogGroupKmsKeyId` for the log group, and `SecretsKmsKeyArns` for secrets",
    ),
];

const SCHEDULER: &str =
    "is not a property of a task definition: it belongs to the call that starts the task, so configure your scheduler";

/// What to do instead of one of these words at the top of the properties, in ECS's own casing or CloudFormation's.
pub(super) fn of_a_task(name: &str) -> Option<String> {
    let native = OF_A_TASK.iter().find(|(native, _)| native.eq_ignore_ascii_case(name));
    native
        .map(|(_, instead)| (*instead).to_owned())
        .or_else(|| left_out("RegisterTaskDefinitionRequest", name))
        .or_else(|| {
            let keys = agent_container::words();
            let words = keys.iter().map(|key| key.name).chain(agent_container::KNOWN);
            let word = words.into_iter().find(|word| word.eq_ignore_ascii_case(name))?;
            Some(format!(
                "is a key of a container: write `AgentContainer.{word}` for the agent's, or give it to one of `Sidecars`"
            ))
        })
        .or_else(|| of_linux(name, "AgentContainer.LinuxParameters"))
        .or_else(|| left_out("ContainerDefinition", name))
        .or_else(|| {
            let restart = vocabulary::container::RESTART_POLICY.name;
            restart.eq_ignore_ascii_case(name).then(|| NOT_FOR_THE_AGENT.to_owned())
        })
}

/// The same for one of `Sidecars`.
pub(super) fn of_a_container(name: &str) -> Option<String> {
    left_out("ContainerDefinition", name)
        .or_else(|| of_linux(name, "LinuxParameters"))
        .or_else(|| {
            let property = property(name)?;
            Some(format!(
                "is a property of the resource, for the whole task or for the agent: write `{property}` beside `Sidecars`"
            ))
        })
}

/// The same for `AgentContainer`.
pub(super) fn of_the_agent(name: &str) -> Option<String> {
    if vocabulary::container::RESTART_POLICY.name.eq_ignore_ascii_case(name) {
        return Some(NOT_FOR_THE_AGENT.to_owned());
    }
    left_out("ContainerDefinition", name)
        .or_else(|| of_linux(name, "LinuxParameters"))
        .or_else(|| {
            let property = property(name)?;
            Some(format!(
                "is a property of the resource: write `{property}` beside `AgentContainer`"
            ))
        })
        .or_else(|| {
            let native = OF_A_TASK.iter().find(|(native, _)| native.eq_ignore_ascii_case(name))?;
            Some(native.1.to_owned())
        })
}

/// The same for one of `Volumes`.
pub(super) fn of_a_volume(name: &str) -> Option<String> {
    left_out("Volume", name)
}

const NOT_FOR_THE_AGENT: &str =
    "is for `Sidecars` alone: the agent would start again for a job that it has done; leave it out";

fn left_out(structure: &str, name: &str) -> Option<String> {
    let one = LEFT_OUT
        .iter()
        .find(|one| one.structure == structure && one.name.eq_ignore_ascii_case(name))?;
    Some(one.why.to_owned())
}

fn property(name: &str) -> Option<&'static str> {
    let mut names = PROPERTIES.iter().map(|property| property.name);
    names.find(|property| property.eq_ignore_ascii_case(name))
}

/// A Linux option outside of the object in which they are.
fn of_linux(name: &str, object: &str) -> Option<String> {
    let mut options = vocabulary::container::LINUX_PARAMETERS.iter().map(|key| key.name);
    let option = options.find(|option| option.eq_ignore_ascii_case(name))?;
    Some(format!("is a Linux option: write `{object}.{option}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_another_place_is_answered_with_its_own() {
        for (answer, place) in [
            (of_a_task("portMappings"), "`AgentContainer.PortMappings`"),
            (of_a_task("Tmpfs"), "`AgentContainer.LinuxParameters.Tmpfs`"),
            (of_a_task("RestartPolicy"), "`Sidecars` alone"),
            (of_a_task("InferenceAccelerators"), "Elastic Inference"),
            (of_a_container("TaskRoleArn"), "`TaskRoleArn` beside `Sidecars`"),
            (
                of_a_container("InitProcessEnabled"),
                "`LinuxParameters.InitProcessEnabled`",
            ),
            (of_the_agent("Image"), "`Image` beside `AgentContainer`"),
            (of_the_agent("EntryPoint"), "is the provider's"),
            (of_the_agent("restartPolicy"), "`Sidecars` alone"),
            (of_a_volume("FSxWindowsFileServerVolumeConfiguration"), "Windows"),
        ] {
            let answer = answer.unwrap();
            assert!(answer.contains(place), "{answer}");
        }
        assert_eq!(of_a_container("Colour"), None);
    }

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
