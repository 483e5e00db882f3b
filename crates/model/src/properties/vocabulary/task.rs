//! The words of `RegisterTaskDefinition` itself that are passed on, each a property here.

use super::{
    forms::{ANY, NAME},
    shape::{Key, Rule, Shape, key, list, object},
};

/// Which of each other's processes the containers see.
pub const PID_MODE: Key = key("PidMode", Shape::Word(&["host", "task"]))
    .rules(&[Rule::Only("FARGATE", &["task"])])
    .about("`task`: the containers see each other's processes. `host`, not on Fargate: also those of the instance.");

/// Which IPC namespace they share.
pub const IPC_MODE: Key = key("IpcMode", Shape::Word(&["host", "task", "none"]))
    .rules(&[Rule::Not("FARGATE"), Rule::Not("MANAGED_INSTANCES")])
    .about("`task`, `host` or `none`: with whom the containers share memory and semaphores. On EC2 and EXTERNAL.");

/// The instances that it may run on.
pub const PLACEMENT_CONSTRAINTS: Key = key(
    "PlacementConstraints",
    Shape::List {
        of: "{Type, Expression}",
        each: &PLACEMENT_CONSTRAINT,
        most: 10,
    },
)
.rules(&[Rule::Not("FARGATE"), Rule::Not("MANAGED_INSTANCES")])
.about("Up to 10 of `{Type: memberOf, Expression}`: which instances may run the task. On EC2 and EXTERNAL.");

/// Whether AWS FIS may disturb the task.
pub const ENABLE_FAULT_INJECTION: Key = key("EnableFaultInjection", Shape::Switch)
    .about("Whether AWS Fault Injection Service may disturb the task's network and resources.");

/// The proxy of App Mesh.
pub const PROXY_CONFIGURATION: Key = key("ProxyConfiguration", object(&PROXY_CONFIGURATION_KEYS))
    .rules(&[
        Rule::Not("MANAGED_INSTANCES"),
        Rule::Not("EXTERNAL"),
        Rule::Not("bridge"),
        Rule::Not("host"),
        Rule::Not("none"),
    ])
    .about(
        "`{Type: APPMESH, ContainerName, ProxyConfigurationProperties}`: which of `Sidecars` is App Mesh's proxy. A proxy for \
         HTTP is something else: see `SshAgentEnvironment`.",
    );

/// All of them.
pub const KEYS: &[Key] = &[
    PID_MODE,
    IPC_MODE,
    PLACEMENT_CONSTRAINTS,
    ENABLE_FAULT_INJECTION,
    PROXY_CONFIGURATION,
];

const PLACEMENT_CONSTRAINT: Shape = object(&PLACEMENT_CONSTRAINT_KEYS);
const PLACEMENT_CONSTRAINT_KEYS: [Key; 2] = [
    key("Type", Shape::Word(&["memberOf"])).required(),
    key("Expression", ANY).required(),
];

const PROXY_CONFIGURATION_KEYS: [Key; 3] = [
    key("Type", Shape::Word(&["APPMESH"])),
    key("ContainerName", NAME).required(),
    key("ProxyConfigurationProperties", list("{Name, Value}", &PAIR)).in_api("properties"),
];
const PAIR: Shape = object(&PAIR_KEYS);
const PAIR_KEYS: [Key; 2] = [key("Name", ANY).required(), key("Value", ANY).required()];
