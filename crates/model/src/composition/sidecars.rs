//! The containers beside `agent`: `agent-init`, `ssh-agent`, and the author's own.

use serde_json::Value;

use super::container::{Container, KeyValue, LONGEST_WAIT, bare, fetched, in_the_clear, words};
use crate::properties::{
    AGENT_INIT, HealthCheck, Hook, Injection, MountPoint, Properties, SSH_AGENT, SSH_BACKEND_URL, SSH_SOCKET_PATH,
    Sidecar,
};

/// Where the socket's volume is mounted, in both containers.
const SSH_DIRECTORY: &str = "/ssh";

/// Whether the agent is copied into a volume of the task's.
pub(super) fn copies(properties: &Properties) -> bool {
    properties.buildkite_agent_image.is_some() && properties.injection == Injection::Copy
}

/// Copies the agent from wherever its image has it, with its hooks, for any user to run and read, and makes directories that any
/// user can write to.
const COPY: &str = r#"set -e; umask 022; cd /injection; mkdir -p bin builds hooks plugins sockets; agent=$(command -v buildkite-agent || echo /buildkite/bin/buildkite-agent); cp "$agent" bin/buildkite-agent; chmod 0755 bin/buildkite-agent; if [ -d /buildkite/hooks ]; then cp -R /buildkite/hooks/. hooks/; chmod -R a+rX hooks; fi; chmod 0777 builds plugins sockets;"#;

/// What `agent-init` says at its end.
const COPIED: &str = " echo the agent is in the volume";

/// The variable in which `agent-init` has a hook.
fn variable_of(hook: &Hook) -> String {
    format!("HOOK_{}", hook.name.to_ascii_uppercase().replace('-', "_"))
}

/// Writes a hook over that of the image, for every user to run.
fn written(hook: &Hook) -> String {
    let (name, variable) = (hook.name, variable_of(hook));
    format!(r#" printf '%s\n' "${variable}" >hooks/{name}; chmod 0755 hooks/{name};"#)
}

/// Makes the volume's directories writable for any user, where it has them and `agent-init` may do that.
const VOLUME: &str = "cd /buildkite && mkdir -p builds plugins && chmod 0777 builds plugins; echo the volume of buildkite-agent is ready";

/// Brings the agent into a volume, and ends.
pub(super) fn agent_init(properties: &Properties, logs: &Value) -> Option<Container> {
    let image = properties.buildkite_agent_image.as_ref()?;
    let credentials = properties.buildkite_agent_image_repository_credentials.as_ref();
    let (command, mount_points) = match properties.injection {
        Injection::Volume => (VOLUME.to_owned(), Vec::new()),
        // Not at its own place, where the volume would hide what the image has there.
        Injection::Copy => {
            let hooks: String = properties.hooks.iter().map(written).collect();
            (format!("{COPY}{hooks}{COPIED}"), vec![injected("/injection")])
        }
    };
    let hooks = properties.hooks.iter().map(|hook| KeyValue {
        name: variable_of(hook),
        value: hook.script.clone(),
    });
    Some(Container {
        essential: false,
        entry_point: words(&["/bin/sh", "-c"]),
        command: vec![command],
        environment: hooks.collect(),
        mount_points,
        start_timeout: Some(LONGEST_WAIT),
        ..bare(AGENT_INIT, image, credentials, logs)
    })
}

/// Starts the program with a socket that every user of the main image may open: by itself it would be root's alone.
const OPEN_SOCKET: &str = r#"umask 0; exec "$0" "$@""#;

pub(super) fn ssh_agent(properties: &Properties, logs: &Value) -> Option<Container> {
    let backend = properties.ssh_agent_backend.as_ref()?;
    let credentials = properties.ssh_agent_image_repository_credentials.as_ref();
    Some(Container {
        entry_point: words(&["/bin/sh", "-c", OPEN_SOCKET]),
        command: words(&["iam-ssh-agent", "daemon", &format!("--bind-to={SSH_SOCKET_PATH}")]),
        environment: std::iter::once(KeyValue {
            name: SSH_BACKEND_URL.to_owned(),
            value: backend.url.clone(),
        })
        .chain(in_the_clear(&properties.ssh_agent_environment))
        .collect(),
        mount_points: vec![ssh_directory()],
        // In `CMD` form, which alone is documented, and at the shortest interval: the agent waits for it
        // (docs/internals/aws.md, "Health checks").
        health_check: Some(HealthCheck {
            command: words(&["CMD", "test", "-S", SSH_SOCKET_PATH]),
            interval: 5,
            timeout: 2,
            retries: 10,
            start_period: None,
        }),
        start_timeout: Some(LONGEST_WAIT),
        ..bare(SSH_AGENT, &properties.ssh_agent_image, credentials, logs)
    })
}

/// One of the author's, with the agent's log.
pub(super) fn sidecar(sidecar: &Sidecar, logs: &Value) -> Container {
    let Sidecar {
        path: _,
        name,
        image,
        repository_credentials,
        essential,
        entry_point,
        command,
        environment,
        secrets,
        depends_on,
        mount_points,
        volumes_from,
        health_check,
        share,
        privileged,
        start_timeout,
        stop_timeout,
        words,
        log_secrets: _,
    } = sidecar;
    Container {
        essential: *essential,
        entry_point: entry_point.clone(),
        command: command.clone(),
        environment: in_the_clear(environment).collect(),
        secrets: fetched(secrets).collect(),
        depends_on: depends_on.iter().map(|(_, dependency)| dependency.clone()).collect(),
        mount_points: mount_points.iter().map(|(_, mount)| mount.clone()).collect(),
        volumes_from: volumes_from.iter().map(|(_, from)| from.clone()).collect(),
        health_check: health_check.clone(),
        privileged: privileged.then_some(true),
        start_timeout: *start_timeout,
        stop_timeout: *stop_timeout,
        ..bare(name, image, repository_credentials.as_ref(), logs)
    }
    .with_share(*share)
    .with_words(words)
}

/// The volume that the agent is copied into.
pub(super) fn injected(container_path: &str) -> MountPoint {
    MountPoint {
        source_volume: AGENT_INIT.to_owned(),
        container_path: container_path.to_owned(),
        read_only: false,
    }
}

pub(super) fn ssh_directory() -> MountPoint {
    MountPoint {
        source_volume: SSH_AGENT.to_owned(),
        container_path: SSH_DIRECTORY.to_owned(),
        read_only: false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::composition::{
        Container,
        tests::{composed_with, settings},
    };

    #[test]
    fn the_agent_is_in_its_images_volume_or_copied_into_one_of_the_tasks() {
        for (injection, is_copied) in [("", false), ("VOLUME", false), ("COPY", true)] {
            let written =
                json!({"Image": "ruby", "BuildkiteAgentImage": "sidecar", "BuildkiteAgentInjection": injection});
            let definition = composed_with(&written, &settings(&[])).task_definition;
            let volumes: Vec<&str> = definition.volumes.iter().map(|volume| volume.name.as_str()).collect();
            assert_eq!(volumes, ["agent-init"][..usize::from(is_copied)], "{injection}");
            let [agent, init] = &definition.container_definitions[..] else {
                unreachable!("the agent and what brings it");
            };
            let mounted = |container: &Container| {
                let paths = container.mount_points.iter().map(|mount| mount.container_path.clone());
                paths.collect::<Vec<_>>()
            };
            assert_eq!(mounted(agent), ["/buildkite"][..usize::from(is_copied)], "{injection}");
            assert_eq!(mounted(init), ["/injection"][..usize::from(is_copied)], "{injection}");
            assert_eq!(agent.volumes_from.len(), usize::from(!is_copied), "{injection}");
            let sockets = agent
                .environment
                .iter()
                .find(|variable| variable.name == "BUILDKITE_SOCKETS_PATH");
            assert_eq!(sockets.is_some(), is_copied, "{injection}");
        }
    }

    #[test]
    fn a_sidecar_is_privileged_if_its_property_says_so() {
        for (written, privileged) in [("true", Some(true)), ("false", None), ("", None)] {
            let sidecar = json!({"Name": "docker", "Image": "docker:dind", "Privileged": written});
            let written = json!({"Image": "ruby", "RequiresCompatibilities": ["EC2"], "Sidecars": [sidecar]});
            let composition = composed_with(&written, &settings(&[("ALLOW_PRIVILEGED", "true")]));
            let [agent, docker] = &composition.task_definition.container_definitions[..] else {
                unreachable!("the agent and one sidecar");
            };
            assert_eq!((agent.privileged, docker.privileged), (None, privileged));
        }
    }
}
