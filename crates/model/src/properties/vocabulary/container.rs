//! The words of ECS's `ContainerDefinition` that are passed on: for sidecars, and for the agent's own container.

use serde_json::{Map, Value};

use super::{
    forms::{ABSOLUTE, ADDRESS, ANY, HOST, PORT, text},
    read::Site,
    shape::{Key, Rule, Shape, key, list, object},
};
use crate::{Faults, quoted};

/// Nowhere but on instances that their owner looks after.
const OWN_INSTANCES: &[Rule] = &[Rule::Not("FARGATE"), Rule::Not("MANAGED_INSTANCES")];

/// The same, and with a network of the instance's.
const OWN_NETWORK: &[Rule] = &[
    Rule::Not("FARGATE"),
    Rule::Not("MANAGED_INSTANCES"),
    Rule::Not("awsvpc"),
];

/// All of them.
pub const KEYS: &[Key] = &[
    key("WorkingDirectory", ABSOLUTE).about("Where the program starts, an absolute path."),
    key("User", ANY).about("The user that it runs as: `USER`, `UID`, or either with `:GROUP` or `:GID`."),
    key("ReadonlyRootFilesystem", Shape::Switch).about("Whether it may not write to its own disk, volumes apart."),
    key("LinuxParameters", object(LINUX_PARAMETERS)).about(
        "`{Capabilities: {Add, Drop}, Devices, InitProcessEnabled, MaxSwap, SharedMemorySize, Swappiness, Tmpfs}`. \
         On Fargate no capability but `SYS_PTRACE` is added; `Devices`, `MaxSwap` and `Swappiness` are for EC2 and EXTERNAL. \
         The agent has an init unless this is `false`.",
    ),
    key("Ulimits", list("{Name, SoftLimit, HardLimit}", &ULIMIT)).about("List of `{Name, SoftLimit, HardLimit}`; -1 means unlimited."),
    key("SystemControls", list("{Namespace, Value}", &SYSTEM_CONTROL))
        .about("List of `{Namespace, Value}`: kernel parameters of the container's own, `net.*`, `fs.mqueue.*` and those of IPC."),
    key("DockerLabels", Shape::Map).about("`{NAME: VALUE}`: labels of the container."),
    key("PortMappings", list("{ContainerPort, …}", &PORT_MAPPING)).about(
        "List of `{ContainerPort, HostPort, ContainerPortRange, Protocol, Name, AppProtocol}`. With `awsvpc` and `host`, a \
         `HostPort` is the `ContainerPort`, or absent.",
    ),
    key("ExtraHosts", list("{Hostname, IpAddress}", &EXTRA_HOST))
        .rules(OWN_NETWORK)
        .about("List of `{Hostname, IpAddress}` for `/etc/hosts`. On EC2 and EXTERNAL, not with `awsvpc`."),
    key("DnsServers", list("addresses", &ADDRESS))
        .rules(OWN_INSTANCES)
        .about("List of DNS servers, by address. On EC2 and EXTERNAL."),
    key("DnsSearchDomains", list("domains", &HOST))
        .rules(OWN_INSTANCES)
        .about("List of domains in which names are looked up. On EC2 and EXTERNAL."),
    key("Hostname", HOST)
        .rules(OWN_NETWORK)
        .about("The container's name in its own network. On EC2 and EXTERNAL, not with `awsvpc`."),
    key("DockerSecurityOptions", list("options", &SECURITY_OPTION))
        .rules(OWN_INSTANCES)
        .about("List of `no-new-privileges`, `apparmor:PROFILE` or `label:VALUE`. On EC2 and EXTERNAL."),
    key(
        "EnvironmentFiles",
        Shape::List {
            of: "{Type, Value}",
            each: &ENVIRONMENT_FILE,
            most: 10,
        },
    )
    .about(
        "Up to 10 of `{Type: s3, Value}`: the ARN of an object in S3 whose name ends in `.env`, with a variable in each line. \
         The execution role may read exactly these. A variable of `Environment` wins.",
    ),
    key("LogConfiguration", LOG_CONFIGURATION).about(
        "`{LogDriver, Options, SecretOptions}`; absent: the resource's log group. Options of `awslogs` that are not given are \
         the provider's. The execution role may write to the `awslogs-group` that is named, and fetch `SecretOptions`.",
    ),
    key("FirelensConfiguration", FIRELENS).about(
        "`{Type, Options}` makes this container the router of those whose log driver is `awsfirelens`. The rights to send \
         logs on are the task role's: `TaskRolePolicies`.",
    ),
    key("ResourceRequirements", list("{Type, Value}", &RESOURCE_REQUIREMENT))
        .rules(&[Rule::Not("FARGATE")])
        .about("List of `{Type: GPU, Value}`: how many GPUs it has. Not on Fargate."),
    key("Interactive", Shape::Switch).about("Whether its standard input stays open."),
    key("PseudoTerminal", Shape::Switch).about("Whether it has a terminal."),
    key("VersionConsistency", Shape::Word(&["enabled", "disabled"])).about(
        "`disabled` pulls the image by its tag each time; else a service's tasks keep the digest that the tag had first.",
    ),
    RESTART_POLICY,
];

/// Not for the agent: it would start again for a job that it has done (docs/internals/aws.md, "Start, stop and init").
pub const RESTART_POLICY: Key = key("RestartPolicy", object(RESTART_POLICY_KEYS)).about(
    "`{Enabled, IgnoredExitCodes, RestartAttemptPeriod}`: whether it starts again when it ends. Not for the agent, which \
     would start for a job that it has done.",
);

/// The options of Linux.
pub const LINUX_PARAMETERS: &[Key] = &[
    key("Capabilities", object(CAPABILITIES)),
    key("Devices", list("{HostPath, …}", &DEVICE)).rules(OWN_INSTANCES),
    key("InitProcessEnabled", Shape::Switch),
    key("MaxSwap", whole("MiB", 0, i32::MAX)).rules(OWN_INSTANCES),
    key("SharedMemorySize", whole("MiB", 1, i32::MAX)),
    key("Swappiness", whole("as swappiness", 0, 100)).rules(OWN_INSTANCES),
    key("Tmpfs", list("{ContainerPath, Size, MountOptions}", &TMPFS)),
];

const fn whole(unit: &'static str, least: i32, most: i32) -> Shape {
    Shape::Whole { unit, least, most }
}

const CAPABILITIES: &[Key] = &[
    key("Add", list("capabilities", &Shape::Word(&CAPABILITY))).rules(&[Rule::Only("FARGATE", &["SYS_PTRACE"])]),
    key("Drop", list("capabilities", &Shape::Word(&CAPABILITY))),
];

/// Those of `KernelCapabilities`.
const CAPABILITY: [&str; 38] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];

const DEVICE: Shape = object(&DEVICE_KEYS);
const DEVICE_KEYS: [Key; 3] = [
    key("HostPath", ABSOLUTE).required(),
    key("ContainerPath", ABSOLUTE),
    key(
        "Permissions",
        list("permissions", &Shape::Word(&["read", "write", "mknod"])),
    ),
];

const TMPFS: Shape = object(&TMPFS_KEYS);
const TMPFS_KEYS: [Key; 3] = [
    key("ContainerPath", ABSOLUTE).required(),
    key("Size", whole("MiB", 1, i32::MAX)).required(),
    key("MountOptions", list("options", &MOUNT_OPTION)),
];
const MOUNT_OPTION: Shape = text(
    r"^[a-z_]+(=[^\s,]+)?$",
    "write an option of mount's, such as noexec or mode=1777",
);

const ULIMIT: Shape = Shape::Object {
    keys: &ULIMIT_KEYS,
    together: soft_within_hard,
};
const ULIMIT_KEYS: [Key; 3] = [
    key("Name", Shape::Word(&ULIMIT_NAMES)).required(),
    key("SoftLimit", whole("(no limit)", -1, i32::MAX)).required(),
    key("HardLimit", whole("(no limit)", -1, i32::MAX)).required(),
];
const ULIMIT_NAMES: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

fn soft_within_hard(path: &str, ulimit: &Map<String, Value>, _: &Site<'_>, faults: &mut Faults) {
    let limit = |name: &str| match ulimit.get(name).and_then(Value::as_i64) {
        Some(-1) | None => i64::MAX,
        Some(limit) => limit,
    };
    if limit("softLimit") > limit("hardLimit") {
        faults.add(
            format!("{path}.SoftLimit"),
            format!(
                "is {}, more than `HardLimit`, {}",
                ulimit["softLimit"], ulimit["hardLimit"]
            ),
        );
    }
}

const SYSTEM_CONTROL: Shape = Shape::Object {
    keys: &SYSTEM_CONTROL_KEYS,
    together: of_its_own_network,
};
const SYSTEM_CONTROL_KEYS: [Key; 2] = [
    key(
        "Namespace",
        text(
            r"^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+|net\..+)$",
            "legal: net.*, fs.mqueue.*, and of kernel.* msgmax, msgmnb, msgmni, sem, shmall, shmmax, shmmni and shm_rmid_forced",
        ),
    )
    .required(),
    key("Value", ANY).required(),
];

/// A container in the instance's network may not change it.
fn of_its_own_network(path: &str, control: &Map<String, Value>, site: &Site<'_>, faults: &mut Faults) {
    let namespace = control.get("namespace").and_then(Value::as_str).unwrap_or_default();
    if namespace.starts_with("net.") && site.is_in("host") {
        faults.add(
            format!("{path}.Namespace"),
            format!("is {namespace}, of the network, which with `NetworkMode` host is the instance's"),
        );
    }
}

const PORT_MAPPING: Shape = Shape::Object {
    keys: &PORT_MAPPING_KEYS,
    together: one_port,
};
const PORT_MAPPING_KEYS: [Key; 6] = [
    key("ContainerPort", PORT),
    key(
        "ContainerPortRange",
        text("^[0-9]{1,5}-[0-9]{1,5}$", "write two ports, FIRST-LAST"),
    )
    .rules(&[Rule::Not("host"), Rule::Not("none")]),
    key("HostPort", whole("as a port", 0, 65535)),
    key("Protocol", Shape::Word(&["tcp", "udp"])),
    key(
        "Name",
        text(
            "^[a-z0-9_][a-z0-9_-]{0,63}$",
            "legal: 1 to 64 lower-case letters, digits, `_` and `-`, not beginning with `-`",
        ),
    ),
    key("AppProtocol", Shape::Word(&["http", "http2", "grpc"])),
];

fn one_port(path: &str, mapping: &Map<String, Value>, site: &Site<'_>, faults: &mut Faults) {
    let port = |name: &str| mapping.get(name).and_then(Value::as_i64);
    let range = mapping.get("containerPortRange").and_then(Value::as_str);
    match (port("containerPort"), range) {
        (None, None) => faults.add(path, "names no port; write `ContainerPort` or `ContainerPortRange`"),
        (Some(_), Some(_)) => faults.add(
            format!("{path}.ContainerPortRange"),
            "is given together with `ContainerPort`; leave one of the two out",
        ),
        (None, Some(range)) => {
            let (first, last) = range.split_once('-').unwrap_or_default();
            let ports = [first, last].map(|port| port.parse().unwrap_or(u32::MAX));
            if ports[0] == 0 || ports[0] >= ports[1] || ports[1] > 65535 {
                faults.add(
                    format!("{path}.ContainerPortRange"),
                    format!(
                        "is {range}; legal: 1 to 65535, the first less than the last",
                        range = quoted(range)
                    ),
                );
            }
            if mapping.contains_key("hostPort") {
                faults.add(
                    format!("{path}.HostPort"),
                    "is given together with `ContainerPortRange`, for which ECS chooses the ports; leave it out",
                );
            }
        }
        (Some(inside), None) => {
            let outside = port("hostPort").filter(|outside| *outside != inside);
            if let Some(outside) = outside.filter(|_| site.is_in("awsvpc") || site.is_in("host")) {
                faults.add(
                    format!("{path}.HostPort"),
                    format!("is {outside}; with awsvpc and host it is the `ContainerPort`, {inside}: leave it out"),
                );
            }
        }
    }
}

const EXTRA_HOST: Shape = object(&EXTRA_HOST_KEYS);
const EXTRA_HOST_KEYS: [Key; 2] = [key("Hostname", HOST).required(), key("IpAddress", ADDRESS).required()];

const SECURITY_OPTION: Shape = text(
    "^(no-new-privileges(:(true|false))?|apparmor:.+|label:.+)$",
    "write no-new-privileges, apparmor:PROFILE or label:VALUE",
);

const ENVIRONMENT_FILE: Shape = Shape::Object {
    keys: &ENVIRONMENT_FILE_KEYS,
    together: of_the_partition,
};
const ENVIRONMENT_FILE_KEYS: [Key; 2] = [
    key("Type", Shape::Word(&["s3"])).required(),
    key(
        "Value",
        // Without what would be a pattern in a policy.
        text(
            r"^arn:[a-z0-9-]+:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^*?$]*\.env$",
            "write arn:PARTITION:s3:::BUCKET/KEY.env",
        ),
    )
    .required(),
];

fn of_the_partition(path: &str, file: &Map<String, Value>, site: &Site<'_>, faults: &mut Faults) {
    let arn = file.get("value").and_then(Value::as_str).unwrap_or_default();
    let partition = &site.stack.partition;
    if arn.split(':').nth(1) != Some(partition) {
        faults.add(
            format!("{path}.Value"),
            format!(
                "is of another partition: {arn}; write arn:{partition}:s3:::BUCKET/KEY.env",
                arn = quoted(arn)
            ),
        );
    }
}

const LOG_CONFIGURATION: Shape = Shape::Object {
    keys: &LOG_CONFIGURATION_KEYS,
    together: a_group_by_name,
};
const LOG_CONFIGURATION_KEYS: [Key; 3] = [
    key(
        "LogDriver",
        Shape::Word(&[
            "awslogs",
            "awsfirelens",
            "splunk",
            "fluentd",
            "gelf",
            "json-file",
            "journald",
            "syslog",
        ]),
    )
    .required()
    .rules(&[
        Rule::Only("FARGATE", &["awslogs", "splunk", "awsfirelens"]),
        Rule::Only("MANAGED_INSTANCES", &["awslogs", "splunk", "awsfirelens", "json-file"]),
    ]),
    key("Options", Shape::Map),
    key("SecretOptions", Shape::Secrets),
];

/// What is in the execution role's rights names one group: neither a pattern nor something else.
fn a_group_by_name(path: &str, logs: &Map<String, Value>, _: &Site<'_>, faults: &mut Faults) {
    const LEGAL: &str = "legal: letters, digits and `-_./#`";
    let option = |name: &str| logs.get("options").and_then(|options| options[name].as_str());
    let wrong = |name: &str, more: &str| {
        option(name).filter(|text| {
            text.is_empty()
                || !text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || more.contains(c))
        })
    };
    if logs["logDriver"] != "awslogs" {
        return;
    }
    if let Some(group) = wrong("awslogs-group", "_./#") {
        faults.add(
            format!("{path}.Options.awslogs-group"),
            format!(
                "is not a valid name for a log group: {group}; {LEGAL}",
                group = quoted(group)
            ),
        );
    }
    if let Some(region) = wrong("awslogs-region", "") {
        faults.add(
            format!("{path}.Options.awslogs-region"),
            format!(
                "is not a Region: {region}; write one like us-east-1",
                region = quoted(region)
            ),
        );
    }
}

const FIRELENS: Shape = Shape::Object {
    keys: &FIRELENS_KEYS,
    together: a_file_on_fargate,
};
const FIRELENS_KEYS: [Key; 2] = [
    key("Type", Shape::Word(&["fluentbit", "fluentd"])).required(),
    key("Options", Shape::Map),
];

/// A configuration in S3 is not for Fargate, and elsewhere it is an object of the partition's.
fn a_file_on_fargate(path: &str, firelens: &Map<String, Value>, site: &Site<'_>, faults: &mut Faults) {
    let option = |name: &str| firelens.get("options").and_then(|options| options[name].as_str());
    if option("config-file-type") != Some("s3") {
        return;
    }
    if site.is_in("FARGATE") {
        faults.add(
            format!("{path}.Options.config-file-type"),
            "is \"s3\"; legal for FARGATE: file, in the image of this container",
        );
    }
    let value = option("config-file-value").unwrap_or_default();
    let object = value.strip_prefix(&format!("arn:{}:s3:::", site.stack.partition));
    let is_one = |object: &str| {
        let (bucket, name) = object.split_once('/').unwrap_or_default();
        !bucket.is_empty() && !name.is_empty() && !object.contains(['*', '?', '$'])
    };
    if !object.is_some_and(is_one) {
        faults.add(
            format!("{path}.Options.config-file-value"),
            format!(
                "is not an S3 object: {value}; write arn:{}:s3:::BUCKET/KEY",
                site.stack.partition,
                value = quoted(value)
            ),
        );
    }
}

const RESOURCE_REQUIREMENT: Shape = object(&RESOURCE_REQUIREMENT_KEYS);
const RESOURCE_REQUIREMENT_KEYS: [Key; 2] = [
    key("Type", Shape::Word(&["GPU"])).required(),
    key("Value", text("^[1-9][0-9]*$", "write how many, a whole number")).required(),
];

const RESTART_POLICY_KEYS: &[Key] = &[
    key("Enabled", Shape::Switch).required(),
    key(
        "IgnoredExitCodes",
        Shape::List {
            of: "exit codes",
            each: &EXIT_CODE,
            most: 50,
        },
    ),
    key("RestartAttemptPeriod", whole("seconds", 60, 1800)),
];
const EXIT_CODE: Shape = whole("as an exit code", 0, 255);
