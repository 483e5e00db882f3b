//! The words of ECS's `Volume` that are passed on: all but its name and a file system of EFS.

use serde_json::{Map, Value};

use super::{
    forms::{ABSOLUTE, ANY},
    read::Site,
    shape::{Key, Rule, Shape, key},
};
use crate::{Faults, quoted};

/// All of them; of one volume, one at most.
pub const KEYS: &[Key] = &[
    key("Host", HOST).about("`{SourcePath}`: a directory of the instance; without it, an empty directory of the task."),
    key("DockerVolumeConfiguration", DOCKER)
        .rules(&[Rule::Not("FARGATE"), Rule::Not("MANAGED_INSTANCES")])
        .about(
            "`{Scope, Autoprovision, Driver, DriverOpts, Labels}`: a volume that Docker makes. On EC2 and EXTERNAL.",
        ),
    key("ConfiguredAtLaunch", Shape::Switch)
        .rules(&[Rule::Not("EXTERNAL")])
        .about("`true`: an EBS volume that is configured when the task is started. At most one for each task."),
];

const HOST: Shape = Shape::Object {
    keys: &HOST_KEYS,
    together: where_instances_have_files,
};
const HOST_KEYS: [Key; 1] = [key("SourcePath", ABSOLUTE).rules(&[Rule::Not("FARGATE")])];

/// The instance's own files are below `/var` on Managed Instances (docs/internals/aws.md, "Order of containers").
fn where_instances_have_files(path: &str, host: &Map<String, Value>, site: &Site<'_>, faults: &mut Faults) {
    let source = host.get("sourcePath").and_then(Value::as_str).unwrap_or_default();
    let allowed = ["/var", "/tmp"];
    let is_below = |top: &&str| (source.strip_prefix(top)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if site.is_in("MANAGED_INSTANCES") && !allowed.iter().any(is_below) {
        faults.add(
            format!("{path}.SourcePath"),
            format!(
                "is {source}; legal for MANAGED_INSTANCES: what is below /var or /tmp",
                source = quoted(source)
            ),
        );
    }
}

const DOCKER: Shape = Shape::Object {
    keys: &DOCKER_KEYS,
    together: shared_if_provisioned,
};
const DOCKER_KEYS: [Key; 5] = [
    key("Scope", Shape::Word(&["task", "shared"])),
    key("Autoprovision", Shape::Switch),
    key("Driver", ANY),
    key("DriverOpts", Shape::Map),
    key("Labels", Shape::Map),
];

fn shared_if_provisioned(path: &str, docker: &Map<String, Value>, _: &Site<'_>, faults: &mut Faults) {
    if docker.contains_key("autoprovision") && docker.get("scope").is_none_or(|scope| scope != "shared") {
        faults.add(
            format!("{path}.Autoprovision"),
            "is for `Scope` shared alone; leave it out, or write `Scope: shared`",
        );
    }
}
