//! Every property and attribute, described once: for the schema, the reference and the nearest known name.

use super::vocabulary::{Key, task};

/// A property of `Custom::BuildkiteAgent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it is where it is absent; `required` where it may not be, empty where it is nothing.
    pub default: &'static str,
    /// What it is, in Markdown, as docs/reference/properties.md has it.
    pub description: &'static str,
}

const fn property(name: &'static str, default: &'static str, description: &'static str) -> Property {
    Property {
        name,
        default,
        description,
    }
}

/// A word of ECS's that is a property.
const fn word(key: Key) -> Property {
    property(key.name, "", key.about)
}

/// All properties, in the order in which an author meets them.
pub const PROPERTIES: [Property; 45] = [
    property(
        "Image",
        "required",
        "The main image, with the tools for command steps and plugins: [what it needs](#what-an-image-needs).",
    ),
    property(
        "RepositoryCredentials",
        "",
        r#"`{CredentialsParameter}`: name or ARN of a Secrets Manager secret, `{"username": …, "password": …}`, for the registry of `Image`. Not for ECR."#,
    ),
    property(
        "BuildkiteAgentImage",
        "",
        "Image with the injectable agent: `/buildkite/bin/buildkite-agent` in a volume `/buildkite`, and `/bin/sh`. Absent: the main image has `buildkite-agent` on its path.",
    ),
    property(
        "BuildkiteAgentImageRepositoryCredentials",
        "",
        "The same as `RepositoryCredentials`, for `BuildkiteAgentImage`.",
    ),
    property(
        "BuildkiteAgentInjection",
        "VOLUME",
        "`VOLUME` takes the volume of `BuildkiteAgentImage`, as its `-sidecar` variants have it. `COPY` copies the agent into an empty volume: [for any image that has one](#how-the-agent-gets-in).",
    ),
    property(
        "Hooks",
        "",
        "`{environment: SCRIPT, pre-command: SCRIPT, …}`: [hooks of the agent](containers.md#hooks), written into its volume. Needs `COPY`. Not for secrets.",
    ),
    property(
        "CancelOnStop",
        "false",
        "Whether a stop of the task, also that of Fargate Spot, [cancels the job](#stopping). It needs `/bin/sh` in `Image`.",
    ),
    property(
        "SshAgentBackend",
        "",
        "ARN of an iam-ssh-agent API Gateway stage, `arn:PARTITION:execute-api:REGION:ACCOUNT:API/STAGE`. It may be in another Region or account.",
    ),
    property(
        "SshAgentImage",
        "the provider's SshAgentImage",
        "Image of the `ssh-agent` container.",
    ),
    property(
        "SshAgentImageRepositoryCredentials",
        "",
        "The same as `RepositoryCredentials`, for `SshAgentImage`.",
    ),
    property(
        "SshAgentEnvironment",
        "",
        "List of `{Name, Value}` for the `ssh-agent` container, such as the `HTTPS_PROXY` through which it reaches the backend.",
    ),
    property(
        "Secrets",
        "",
        "List of `{Name, ValueFrom}`. `ValueFrom` is the name or ARN of an SSM parameter, or the ARN of a Secrets Manager secret, with or without `:json-key:version-stage:version-id`.",
    ),
    property(
        "SecretsKmsKeyArns",
        "",
        "The KMS keys of your own under which the secrets are, by ARN. Then nothing else may decrypt them; absent: any key of their region and account, for these secrets alone.",
    ),
    property(
        "Environment",
        "",
        "List of `{Name, Value}` for the container of `Image`. Not for secrets: anybody who may look at the task definition can read it.",
    ),
    property(
        "AgentConfiguration",
        "",
        "[Options of the agent](#configuring-the-agent): `{Queue, Tags, Endpoint, Shell, HooksPath, AdditionalHooksPaths, GitMirrorsPath, CancelGracePeriod, NoPlugins, NoCommandEval, NoLocalHooks, AllowedRepositories, AllowedPlugins, RedactedVars, OpenTelemetryTracing, TracingServiceName, Experiments}`.",
    ),
    property(
        "SigningKey",
        "",
        "ARN of a KMS key with which the agent signs the steps that it uploads, and verifies its jobs: [signed pipelines](#signed-pipelines).",
    ),
    property(
        "AgentContainer",
        "",
        "[What else the agent's container has](containers.md): `{User, Ulimits, LinuxParameters, …}`, as in CloudFormation's `ContainerDefinition`.",
    ),
    property(
        "Sidecars",
        "",
        "[Containers of your own](#containers-of-your-own), as in CloudFormation's `ContainerDefinition`.",
    ),
    property(
        "Volumes",
        "",
        "List of `{Name, EFSVolumeConfiguration, Host, DockerVolumeConfiguration, ConfiguredAtLaunch}`, as in CloudFormation's `Volume`: [each is one of them](containers.md#volumes), or an empty directory of the task.",
    ),
    property(
        "MountPoints",
        "",
        "List of `{SourceVolume, ContainerPath, ReadOnly}`: which of `Volumes` the agent has.",
    ),
    property(
        "DependsOn",
        "",
        "List of `{ContainerName, Condition}`: which of `Sidecars` come before the agent.",
    ),
    property(
        "TaskFamily",
        "the logical id in lower case",
        "The task definition's name, unique for the account and region. Pipelines ask for it: `task-definition: NAME`.",
    ),
    property(
        "RequiresCompatibilities",
        "FARGATE",
        "List of `FARGATE`, `EC2`, `MANAGED_INSTANCES`, `EXTERNAL`: [where tasks may run](#where-tasks-run).",
    ),
    property(
        "NetworkMode",
        "awsvpc",
        "`awsvpc`, `bridge`, `host` or `none`, as far as all of `RequiresCompatibilities` have it. `EXTERNAL` has no `awsvpc`; there the default is `bridge`.",
    ),
    property(
        "Privileged",
        "false",
        "Whether the agent's container is privileged. Not on Fargate.",
    ),
    word(task::PID_MODE),
    word(task::IPC_MODE),
    word(task::PLACEMENT_CONSTRAINTS),
    word(task::ENABLE_FAULT_INJECTION),
    word(task::PROXY_CONFIGURATION),
    property("TaskMemory", "512", "MiB, or `2 GB`."),
    property(
        "TaskCpu",
        "256",
        "CPU units, 1024 of which are one vCPU, or `1 vCPU`. On Fargate a [pair that it has][fargate] with `TaskMemory`.",
    ),
    property(
        "OperatingSystemFamily",
        "LINUX",
        "`LINUX`. Windows containers share no volume that could bring the agent.",
    ),
    property(
        "CpuArchitecture",
        "X86_64",
        "`X86_64` or `ARM64`. ARM64 with `SshAgentBackend` needs an `SshAgentImage` for it.",
    ),
    property(
        "EphemeralStorage",
        "",
        "`{SizeInGiB}`, 21 to 200; Fargate has 20 without it, and elsewhere it can't be set.",
    ),
    property(
        "TaskRoleArn",
        "",
        "A task role of your own, of this account and under the provider's `TaskRolePath`. It is looked at and never changed. Absent: one is made.",
    ),
    property(
        "TaskRolePolicies",
        "",
        "List of `{PolicyName, PolicyDocument}` for the role that is made. Needs a provider [with a boundary](#rights-of-your-own).",
    ),
    property(
        "TaskRoleManagedPolicyArns",
        "",
        "Up to 5 managed policies for the role that is made. Needs a provider with a boundary.",
    ),
    property(
        "EnableExecuteCommand",
        "false",
        "Gives the role that is made the rights for [ECS Exec][exec], a shell in its containers.",
    ),
    property(
        "BuildkiteAgentTokenParameterPath",
        "the provider's AgentTokenParameterPath",
        "SSM parameter of the agent token, a name or an ARN. A token in Secrets Manager: `/aws/reference/secretsmanager/NAME`.",
    ),
    property(
        "LogRetentionInDays",
        "the provider's LogRetentionInDays",
        "How long the log group keeps its events; the days that CloudWatch Logs knows.",
    ),
    property(
        "LogGroupClass",
        "STANDARD",
        "`STANDARD` or `INFREQUENT_ACCESS`. It is fixed when the group is made.",
    ),
    property(
        "LogGroupKmsKeyId",
        "",
        "ARN of a KMS key under which the log group's events are. The key's own policy must let CloudWatch Logs use it.",
    ),
    property(
        "Tags",
        "",
        "List of `{Key, Value}`, up to 30, for revision and log group; on roles only the keys that the [provider allows](provider.md#parameters).",
    ),
    property(
        "Refresh",
        "",
        "Any text. A new one changes nothing itself, but CloudFormation sends an update, in which the provider brings everything to its own newest version.",
    ),
];

/// What `Fn::GetAtt` gives, and what each is, in Markdown, as docs/reference/properties.md has it.
pub const ATTRIBUTES: [(&str, &str); 8] = [
    (
        "TaskDefinitionArn",
        "The newest revision's ARN, with the revision. It changes with the content: better not exported.",
    ),
    ("Revision", "The revision's number."),
    (
        "TaskFamily",
        "The task definition's name, by which pipelines ask for it.",
    ),
    ("TaskRoleArn", "The task role's ARN, your own or the one that was made."),
    ("TaskRoleName", "The task role's name."),
    (
        "TaskRoleId",
        "The task role's unique id, `AROA…`, by which iam-ssh-agent grants keys.",
    ),
    ("ExecutionRoleArn", "The execution role's ARN."),
    ("LogGroupName", "The agents' log group."),
];
