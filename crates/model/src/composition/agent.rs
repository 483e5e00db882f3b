//! The container `agent`: its program, its variables, and what it shares with the others.

use serde_json::{Value, json};

use super::{
    TaskRole,
    container::{Container, KeyValue, LONGEST_WAIT, Secret, bare, fetched, in_the_clear, words},
    sidecars::{copies, injected, ssh_directory},
};
use crate::facts::buildkite_agent;
use crate::properties::{
    AGENT, AGENT_INIT, AGENT_PROGRAM, AGENT_TOKEN, ContainerDependency, Properties, SIGNING_KEY, SSH_AGENT, SSH_SOCKET,
    SSH_SOCKET_PATH, VolumeFrom,
};

/// What the agent keeps out of logs.
const REDACTED_VARS: &str = "BUILDKITE_REDACTED_VARS";

/// Where the agent is, with its directories.
const AGENT_DIRECTORY: &str = "/buildkite";

pub(super) fn agent(properties: &Properties, task_role: &TaskRole, logs: &Value) -> Container {
    let with_sidecar = properties.buildkite_agent_image.is_some();
    let with_ssh = properties.ssh_agent_backend.is_some();
    let dependency = |wanted: bool, container_name: &str, condition| {
        wanted.then(|| ContainerDependency {
            container_name: container_name.to_owned(),
            condition,
        })
    };
    let own = &properties.agent_container;
    let token = Secret {
        name: AGENT_TOKEN.to_owned(),
        value_from: properties.agent_token.value_from.clone(),
    };
    let first = [
        // SUCCESS: with COMPLETE, a sidecar that failed would still start an agent that is not there (docs/internals/aws.md, "Order of containers").
        dependency(with_sidecar, AGENT_INIT, "SUCCESS"),
        dependency(with_ssh, SSH_AGENT, "HEALTHY"),
    ];
    // The author may say the same of ours, and nothing else: then that counts in its place.
    let authors = &properties.depends_on;
    let ours = first.into_iter().flatten().filter(|ours| {
        !authors
            .iter()
            .any(|authors| authors.container_name == ours.container_name)
    });
    Container {
        entry_point: entry_point(properties),
        command: words(&["start"]),
        environment: environment(properties, task_role),
        secrets: std::iter::once(token).chain(fetched(&properties.secrets)).collect(),
        depends_on: ours.chain(authors.iter().cloned()).collect(),
        mount_points: [
            copies(properties).then(|| injected(AGENT_DIRECTORY)),
            with_ssh.then(ssh_directory),
        ]
        .into_iter()
        .flatten()
        .chain(properties.mount_points.iter().cloned())
        .collect(),
        volumes_from: (with_sidecar && !copies(properties))
            .then(|| VolumeFrom {
                source_container: AGENT_INIT.to_owned(),
                read_only: false,
            })
            .into_iter()
            .chain(own.volumes_from.iter().map(|(_, from)| from.clone()))
            .collect(),
        health_check: own.health_check.clone(),
        // The agent is not an init: without one, a job's orphans stay and signals end nothing (docs/internals/aws.md, "Start, stop and init").
        linux_parameters: Some(json!({"initProcessEnabled": true})),
        start_timeout: own.start_timeout,
        privileged: properties.launch.privileged.then_some(true),
        // The agent takes SIGTERM as "finish the job" (docs/internals/aws.md, "Start, stop and init"): the longest that Fargate gives.
        stop_timeout: Some(LONGEST_WAIT),
        ..bare(
            AGENT,
            &properties.image,
            properties.repository_credentials.as_ref(),
            logs,
        )
    }
    .with_share(own.share)
    .with_words(&own.words)
}

/// The agent itself; or, to cancel the job at a stop, a line for the image's shell that sends the agent SIGQUIT, which
/// every version from 3.12 to 4 takes for that. ECS sends SIGTERM once (docs/internals/aws.md, "Start, stop and init"). The command follows as the line's
/// arguments.
fn entry_point(properties: &Properties) -> Vec<String> {
    let agent = if properties.buildkite_agent_image.is_some() {
        AGENT_PROGRAM
    } else {
        "buildkite-agent"
    };
    if properties.cancel_on_stop {
        words(&["/bin/sh", "-c", CANCEL_ON_STOP, agent])
    } else {
        words(&[agent])
    }
}

/// The trap comes first: a TERM before the agent has started ends the container. Nothing is assigned before the agent
/// starts, so that it gets the author's variables. A `wait` ends when a signal comes, so it is done again until the agent
/// has ended; the last `wait` alone knows the status of one that ended while the trap ran, and answers 127 for one
/// whose status an earlier `wait` has given.
const CANCEL_ON_STOP: &str = r#"trap '[ "$!" ] || exit 143; kill -QUIT "$!" 2>/dev/null' TERM; "$0" "$@" & while :; do wait "$!"; status=$?; kill -0 "$!" 2>/dev/null || break; done; wait "$!" 2>/dev/null; last=$?; [ "$last" = 127 ] || status=$last; exit "$status""#;

/// The provider's variables, unless the author sets them, then the author's.
fn environment(properties: &Properties, task_role: &TaskRole) -> Vec<KeyValue> {
    let mut ours: Vec<(&str, String)> = Vec::new();
    if properties.buildkite_agent_image.is_some() {
        // The sidecar's configuration file is not where the agent would look (docs/internals/aws.md, "Official images").
        ours.push(("BUILDKITE_BUILD_PATH", "/buildkite/builds".to_owned()));
        ours.push(("BUILDKITE_HOOKS_PATH", "/buildkite/hooks".to_owned()));
        ours.push(("BUILDKITE_PLUGINS_PATH", "/buildkite/plugins".to_owned()));
    }
    if copies(properties) {
        // Its default is below the home directory, which a user of the image may not be able to write to (docs/internals/aws.md, "Official images").
        ours.push(("BUILDKITE_SOCKETS_PATH", "/buildkite/sockets".to_owned()));
    }
    if properties.cancel_on_stop {
        // What fits the stop timeout, in version 3's name and version 4's (docs/internals/aws.md, "The agent").
        ours.push(("BUILDKITE_CANCEL_GRACE_PERIOD", "90".to_owned()));
        ours.push(("BUILDKITE_CANCEL_SIGNAL_TIMEOUT", "90s".to_owned()));
        ours.push(("BUILDKITE_CANCEL_CLEANUP_TIMEOUT", "10s".to_owned()));
    }
    if !properties.secrets.is_empty() {
        ours.push((REDACTED_VARS, redacted(properties, "")));
    }
    ours.extend(properties.signing_key.iter().map(|key| (SIGNING_KEY, key.clone())));
    if properties.ssh_agent_backend.is_some() {
        ours.push((SSH_SOCKET, SSH_SOCKET_PATH.to_owned()));
    }
    ours.push((
        "BUILDKITE_ABOUT_PLATFORM",
        format!(
            "ECS Task\nTask Family: {}\nImage: {}\nRole: {}",
            properties.family,
            properties.image.reference,
            task_role.arn()
        ),
    ));
    ours.push(("BUILDKITE_AGENT_TAGS_FROM_ECS_META_DATA", "true".to_owned()));

    let set_by_author = |name: &str| {
        properties.agent_configuration.iter().any(|(given, _)| *given == name)
            || properties.environment.iter().any(|variable| variable.name == name)
            || properties.secrets.iter().any(|secret| secret.name == name)
    };
    ours.into_iter()
        .filter(|(name, _)| !set_by_author(name))
        .chain(properties.agent_configuration.iter().map(|(name, value)| match *name {
            REDACTED_VARS => (REDACTED_VARS, redacted(properties, value)),
            _ => (*name, value.clone()),
        }))
        .map(|(name, value)| KeyValue {
            name: name.to_owned(),
            value,
        })
        .chain(in_the_clear(&properties.environment))
        .collect()
}

/// The agent's own list of what it keeps out of logs, what the author adds to
/// it, and every secret's name: a list that is given takes the place of the agent's.
fn redacted(properties: &Properties, added: &str) -> String {
    let added = added.split(',').filter(|pattern| !pattern.is_empty());
    let names = properties.secrets.iter().map(|secret| secret.name.as_str());
    let mut all: Vec<&str> = Vec::new();
    for pattern in buildkite_agent::REDACTED_VARS.into_iter().chain(added).chain(names) {
        if !all.contains(&pattern) {
            all.push(pattern);
        }
    }
    all.join(",")
}
