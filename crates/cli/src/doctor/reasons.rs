//! Why a task stopped, and what to do: the table of docs/operations/troubleshooting.md, "An agent does not start".

use super::{
    facts::{StoppedContainer, StoppedTask},
    finding::Outcome,
};

/// What a task's end means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) outcome: Outcome,
    pub(super) advice: Option<&'static str>,
}

/// Words that a reason has all of, in lower case; the first row that fits counts.
const REASONS: [(&[&str], &str); 18] = [
    (
        &["cannotpull", "guardduty"],
        "GuardDuty Runtime Monitoring adds a container, and pulls its image with the execution role, which may pull the agent's own \
         images only: attach a policy with the four `ecr` actions to it",
    ),
    (
        &["cannotpull", "toomanyrequests"],
        "Docker Hub limits pulls: give `RepositoryCredentials`, or keep the image in ECR",
    ),
    (
        &["cannotpull", "timeout"],
        "the task has no route to the registry: give its subnets a NAT gateway or endpoints, or the task a public address",
    ),
    (
        &["cannotpull", "dial tcp"],
        "the task has no route to the registry: give its subnets a NAT gateway or endpoints, or the task a public address",
    ),
    (
        &["cannotpull", "not found"],
        "the image or its tag does not exist: push it, or correct the agent's properties",
    ),
    (
        &["cannotpull", "platform"],
        "the image is of another architecture: set `CpuArchitecture`, or build it for both",
    ),
    (
        &["cannotpull"],
        "look at the findings about images; the first pull through a pull-through cache also needs `ecr:BatchImportUpstreamImage`",
    ),
    (
        &["pull secrets", "timeout"],
        "the task has no route to SSM or Secrets Manager: give its subnets a NAT gateway or endpoints",
    ),
    (
        &["pull secrets", "deadline exceeded"],
        "the task has no route to SSM or Secrets Manager: give its subnets a NAT gateway or endpoints",
    ),
    (
        &["pull secrets"],
        "look at the findings about secrets; a key's own policy also has to let the role decrypt. ECS asks in batches: one that is \
         denied stops all",
    ),
    (
        &["retrieve secret"],
        "look at the findings about secrets; a key's own policy also has to let the role decrypt. ECS asks in batches: one that is \
         denied stops all",
    ),
    (
        &["assume the role"],
        "for about half a minute, IAM does not know a new role everywhere. If it goes on longer, somebody deleted the role: give the \
         agent's `Refresh` a new text",
    ),
    (
        &["log group does not exist"],
        "somebody deleted the log group: give the agent's `Refresh` a new text",
    ),
    (
        &["outofmemory"],
        "the container used all of the task's memory: raise `TaskMemory`",
    ),
    (
        &["exec format error"],
        "the image is of another architecture: set `CpuArchitecture`, or build it for both",
    ),
    (
        &["no space left on device"],
        "the disk is full: raise `EphemeralStorage`",
    ),
    (
        &["capacity is unavailable"],
        "AWS has no Fargate capacity there at the moment: use more subnets, or another size or capacity provider",
    ),
    (&["unable to pull"], "look at the findings about images and secrets"),
];

/// What the agent ended with where its command was not found.
const NOT_FOUND: i32 = 127;

/// What a killed process ends with.
const KILLED: i32 = 137;

pub(super) fn meaning(task: &StoppedTask) -> Meaning {
    let wrong = |advice| Meaning {
        outcome: Outcome::Wrong,
        advice: Some(advice),
    };
    let note = |advice| Meaning {
        outcome: Outcome::Note,
        advice,
    };
    let of_containers = task
        .containers
        .iter()
        .filter_map(|container| container.reason.as_deref());
    let all: Vec<&str> = task.reason.as_deref().into_iter().chain(of_containers).collect();
    let all = all.join("\n").to_ascii_lowercase();
    let fits = |words: &&[&str]| words.iter().all(|word| all.contains(word));
    if let Some((_, advice)) = REASONS.iter().find(|(words, _)| fits(words)) {
        return wrong(advice);
    }
    match task.code.as_deref() {
        Some("SpotInterruption" | "TerminationNotice") => {
            return note(Some(
                "AWS took the capacity back; with `CancelOnStop`, the job is cancelled and can be retried",
            ));
        }
        Some("UserInitiated" | "ServiceSchedulerInitiated") => return note(None),
        _ => {}
    }
    let agent = task.containers.iter().find(|container| container.name == "agent");
    match agent.and_then(|agent| agent.exit_code) {
        Some(0) => Meaning {
            outcome: Outcome::Fine,
            advice: None,
        },
        Some(NOT_FOUND) => wrong(
            "its one log line names what was not found: for `buildkite-agent`, no agent is in the image, or the sidecar keeps it outside \
             its volume; for `/bin/sh`, `CancelOnStop` with an image that has no shell",
        ),
        Some(KILLED) => {
            wrong("it was killed: for its memory, so raise `TaskMemory`, or 120 s after a stop while a job ran")
        }
        Some(_) => wrong("look at the log group for the agent's last lines"),
        None => wrong("see the stopped reason in ECS, and docs/operations/troubleshooting.md"),
    }
}

/// A task's end in one line.
pub(super) fn shown(task: &StoppedTask) -> String {
    let containers = task.containers.iter().filter_map(|container| {
        let StoppedContainer {
            name,
            exit_code,
            reason,
        } = container;
        match (exit_code.filter(|code| *code != 0), reason) {
            (None, None) => None,
            (Some(code), None) => Some(format!("`{name}` ended with {code}")),
            (None, Some(reason)) => Some(format!("`{name}`: {reason}")),
            (Some(code), Some(reason)) => Some(format!("`{name}` ended with {code}: {reason}")),
        }
    });
    let code = task.code.clone();
    let reason = task.reason.clone();
    let parts: Vec<String> = code.into_iter().chain(reason).chain(containers).collect();
    parts.join("; ")
}
