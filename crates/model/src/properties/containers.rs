//! The author's containers and volumes, and how they are wired to the provider's own.

use super::{
    AGENT, AGENT_INIT, AGENT_PROGRAM, AgentContainer, ContainerDependency, Hook, Injection, MountPoint, Platform,
    SSH_AGENT, SSH_SOCKET_PATH, Sidecar, Volume, VolumeFrom, Words, container, hooks,
    images::Images,
    routing, sidecar,
    values::Values,
    vocabulary::{self, Site},
    volume,
    wire::Fields,
    wiring::{self, Node},
};
use crate::Faults;

pub(super) struct Containers {
    /// What of the task is passed on.
    pub(super) words: Words,
    pub(super) agent: AgentContainer,
    pub(super) sidecars: Vec<Sidecar>,
    pub(super) injection: Injection,
    pub(super) hooks: Vec<Hook>,
    pub(super) volumes: Vec<Volume>,
    pub(super) mount_points: Vec<MountPoint>,
    pub(super) depends_on: Vec<ContainerDependency>,
}

impl Containers {
    pub(super) fn read(
        fields: &Fields<'_>,
        site: &Site<'_>,
        platform: Platform,
        images: &Images,
        values: &Values,
        faults: &mut Faults,
    ) -> Self {
        let of_task: Vec<&vocabulary::Key> = vocabulary::task::KEYS.iter().collect();
        let (words, _) = vocabulary::read(&of_task, fields, site, faults);
        let agent = AgentContainer::read(fields, site, faults);
        let sidecars = sidecar::read(fields, &[AGENT, AGENT_INIT, SSH_AGENT], site, faults);
        routing::check(&agent, &sidecars, &words, faults);
        let injection = Injection::read(fields, faults);
        let hooks = hooks::read(fields, injection, values.names(), faults);
        let volumes = volume::read(fields, &[SSH_AGENT, AGENT_INIT], site, faults);
        site.launch.check(platform, &sidecars, &volumes, site.settings, faults);
        let mount_points = container::mount_points(fields, faults);
        let depends_on = container::dependencies(fields, faults);
        check_wiring(
            &agent,
            &sidecars,
            &volumes,
            &mount_points,
            &depends_on,
            (images.with_init, images.with_ssh),
            faults,
        );
        Self {
            words,
            agent,
            sidecars,
            injection,
            hooks,
            volumes: without_paths(volumes),
            mount_points: without_paths(mount_points),
            depends_on: without_paths(depends_on),
        }
    }
}

fn without_paths<T>(pairs: Vec<(String, T)>) -> Vec<T> {
    pairs.into_iter().map(|(_, one)| one).collect()
}

/// The agent's containers among the author's.
fn check_wiring(
    agent: &AgentContainer,
    sidecars: &[Sidecar],
    volumes: &[(String, Volume)],
    mount_points: &[(String, MountPoint)],
    depends_on: &[(String, ContainerDependency)],
    (with_init, with_ssh): (bool, bool),
    faults: &mut Faults,
) {
    fn refs<T>(pairs: &[(String, T)]) -> Vec<(&str, &T)> {
        pairs.iter().map(|(path, one)| (path.as_str(), one)).collect()
    }
    fn sources(pairs: &[(String, VolumeFrom)]) -> Vec<(&str, &str)> {
        (pairs.iter())
            .map(|(path, from)| (path.as_str(), from.source_container.as_str()))
            .collect()
    }
    let ours = |name, essential, has_health_check| Node {
        name,
        essential,
        has_health_check,
        depends_on: Vec::new(),
        mount_points: Vec::new(),
        volumes_from: Vec::new(),
        waits: Vec::new(),
        needs: Vec::new(),
    };
    let init = with_init.then_some(((AGENT_INIT, "SUCCESS"), (AGENT_PROGRAM, "the agent")));
    let ssh = with_ssh.then_some(((SSH_AGENT, "HEALTHY"), (SSH_SOCKET_PATH, "ssh's socket")));
    let (waits, needs) = init.into_iter().chain(ssh).unzip();
    let mut nodes = vec![Node {
        depends_on: refs(depends_on),
        mount_points: refs(mount_points),
        volumes_from: sources(&agent.volumes_from),
        waits,
        needs,
        ..ours(AGENT, true, agent.health_check.is_some())
    }];
    nodes.extend(with_init.then(|| ours(AGENT_INIT, false, false)));
    nodes.extend(with_ssh.then(|| ours(SSH_AGENT, true, true)));
    nodes.extend(sidecars.iter().map(|sidecar| Node {
        depends_on: refs(&sidecar.depends_on),
        mount_points: refs(&sidecar.mount_points),
        volumes_from: sources(&sidecar.volumes_from),
        ..ours(&sidecar.name, sidecar.essential, sidecar.health_check.is_some())
    }));
    let mut names: Vec<&str> = volumes.iter().map(|(_, volume)| volume.name.as_str()).collect();
    names.extend(with_ssh.then_some(SSH_AGENT));
    wiring::check(&nodes, &names, faults);
}
