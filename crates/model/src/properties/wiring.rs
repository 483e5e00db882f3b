//! How containers and volumes refer to each other: what is named must be there, and an order must be possible.

use std::collections::{BTreeMap, BTreeSet};

use super::{ContainerDependency, MountPoint, list};
use crate::{Faults, quoted};

/// A container, as far as others may refer to it.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) name: &'a str,
    pub(super) essential: bool,
    pub(super) has_health_check: bool,
    pub(super) depends_on: Vec<(&'a str, &'a ContainerDependency)>,
    pub(super) mount_points: Vec<(&'a str, &'a MountPoint)>,
    /// The containers whose volumes it has, each with its path.
    pub(super) volumes_from: Vec<(&'a str, &'a str)>,
    /// The containers that it waits for by default, and for which condition of theirs.
    pub(super) waits: Vec<(&'static str, &'static str)>,
    /// The files that it has from others, and what they are.
    pub(super) needs: Vec<(&'static str, &'static str)>,
}

/// How many containers a task may have (docs/internals/aws.md, "Names and limits").
pub(super) const CONTAINERS: usize = 10;

/// Checks what ECS would refuse, or what would never start (docs/internals/aws.md, "Order of containers").
pub(super) fn check(nodes: &[Node<'_>], volumes: &[&str], faults: &mut Faults) {
    if nodes.len() > CONTAINERS {
        faults.add(
            "Sidecars",
            format!(
                "make {} containers together with the agent's own; ECS allows {CONTAINERS}",
                nodes.len()
            ),
        );
    }
    let by_name: BTreeMap<&str, &Node<'_>> = nodes.iter().map(|node| (node.name, node)).collect();
    let names: Vec<&str> = nodes.iter().map(|node| node.name).collect();
    for node in nodes {
        for (index, (path, dependency)) in node.depends_on.iter().enumerate() {
            check_dependency(path, dependency, node, &by_name, &names, faults);
            let mut before = node.depends_on[..index].iter();
            if let Some((first, _)) = before.find(|(_, other)| other.container_name == dependency.container_name) {
                faults.add(
                    format!("{path}.ContainerName"),
                    format!(
                        "is {}, which {first} already names; leave one of the two out",
                        quoted(&dependency.container_name)
                    ),
                );
            }
        }
        for (path, source) in &node.volumes_from {
            if !by_name.contains_key(source) || *source == node.name {
                faults.add(
                    format!("{path}.SourceContainer"),
                    format!(
                        "is {source}, which is not another container of the task; there are {}",
                        list(&names),
                        source = quoted(source)
                    ),
                );
            }
        }
        check_mount_points(node, volumes, faults);
    }
    if let Some(cycle) = cycle(nodes, &by_name) {
        let path = nodes
            .iter()
            .filter(|node| cycle.contains(&node.name))
            .flat_map(|node| {
                let of_order = node.depends_on.iter().map(|(path, _)| path);
                of_order.chain(node.volumes_from.iter().map(|(path, _)| path))
            })
            .map(|path| path.rsplit_once('[').map_or(*path, |(list, _)| list))
            .next();
        faults.add(
            path.unwrap_or("Sidecars"),
            format!(
                "form a cycle, so none of these containers would start: {}; remove one dependency",
                cycle.join(" → ")
            ),
        );
    }
}

fn check_mount_points(node: &Node<'_>, volumes: &[&str], faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (path, mount) in &node.mount_points {
        if !volumes.contains(&mount.source_volume.as_str()) {
            let known = if volumes.is_empty() {
                "`Volumes` names none".to_owned()
            } else {
                format!("there are {}", list(volumes))
            };
            faults.add(
                format!("{path}.SourceVolume"),
                format!(
                    "is {}, which is not a volume of the task; {known}",
                    quoted(&mount.source_volume)
                ),
            );
        }
        let directories = directories(&mount.container_path);
        let hidden = (node.needs.iter()).find(|(file, _)| self::directories(file).starts_with(&directories));
        let problem = match hidden {
            _ if directories.is_empty() => "where the container's own files are; mount it below".to_owned(),
            Some((file, what)) => format!("which would hide {what} at {file}; mount it elsewhere"),
            None if !seen.insert(directories) => "where another volume is mounted".to_owned(),
            None => continue,
        };
        faults.add(
            format!("{path}.ContainerPath"),
            format!("is {}, {problem}", quoted(&mount.container_path)),
        );
    }
}

/// The directories along an absolute path, as Docker would follow them.
fn directories(path: &str) -> Vec<&str> {
    let mut directories = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(directories.pop()),
            name => directories.push(name),
        }
    }
    directories
}

fn check_dependency(
    path: &str,
    dependency: &ContainerDependency,
    node: &Node<'_>,
    by_name: &BTreeMap<&str, &Node<'_>>,
    names: &[&str],
    faults: &mut Faults,
) {
    let ContainerDependency {
        container_name,
        condition,
    } = dependency;
    let Some(first) = by_name
        .get(container_name.as_str())
        .filter(|_| container_name != node.name)
    else {
        faults.add(
            format!("{path}.ContainerName"),
            format!(
                "is {container_name}, which is not another container of the task; there are {}",
                list(names),
                container_name = quoted(container_name)
            ),
        );
        return;
    };
    let waits = (node.waits.iter()).find(|(name, waited_for)| name == container_name && waited_for != condition);
    let problem = match *condition {
        _ if waits.is_some() => {
            let waited_for = waits.map(|(_, waited_for)| *waited_for).unwrap_or_default();
            format!(
                "is {condition}, but `{}` always waits for {waited_for} of `{container_name}`; leave it out",
                node.name
            )
        }
        "COMPLETE" | "SUCCESS" if first.essential => format!(
            "is {condition}, but `{container_name}` is essential, so that the task ends with it; give it `Essential: false`, or wait for START or HEALTHY"
        ),
        "HEALTHY" if !first.has_health_check => {
            format!("is HEALTHY, but `{container_name}` has no `HealthCheck`; ECS does not read the image's")
        }
        _ => return,
    };
    faults.add(format!("{path}.Condition"), problem);
}

/// The names along a circle, the first one again at its end. Who has another's volumes also waits for it: ECS's agent
/// makes a dependency of that.
fn cycle<'a>(nodes: &[Node<'a>], by_name: &BTreeMap<&'a str, &Node<'a>>) -> Option<Vec<&'a str>> {
    fn follow<'a>(
        at: &Node<'a>,
        by_name: &BTreeMap<&'a str, &Node<'a>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(start) = way.iter().position(|name| *name == at.name) {
            let mut circle = way[start..].to_vec();
            circle.push(at.name);
            return Some(circle);
        }
        if done.contains(at.name) {
            return None;
        }
        way.push(at.name);
        let of_order = (at.depends_on.iter()).map(|(_, dependency)| dependency.container_name.as_str());
        let of_volumes = at.volumes_from.iter().map(|(_, source)| *source);
        for name in of_order.chain(of_volumes) {
            let next = by_name.get(name);
            // One that depends on itself is a fault already.
            if let Some(next) = next.filter(|next| next.name != at.name)
                && let Some(circle) = follow(next, by_name, way, done)
            {
                return Some(circle);
            }
        }
        way.pop();
        done.insert(at.name);
        None
    }
    let mut done = BTreeSet::new();
    nodes
        .iter()
        .find_map(|node| follow(node, by_name, &mut Vec::new(), &mut done))
}
