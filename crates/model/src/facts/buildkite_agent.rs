//! What buildkite/agent reads, and what it keeps out of logs by itself.
//!
//! Source: `clicommand/agent_start.go` and `clicommand/global.go` of github.com/buildkite/agent, tag v3.137.0 (11 August
//! 2026) for version 3, and 5c219808 (4.0.0-beta.15, 21 August 2026) for version 4. Read in November 2026.

/// The patterns of variables whose values the agent redacts, in its own order: the same in version 3 since 3.128.0 and in
/// version 4. A list that is given takes its place, so one that is composed begins with it.
pub const REDACTED_VARS: [&str; 9] = [
    "*_PASSWORD",
    "*_SECRET",
    "*_TOKEN",
    "*_PRIVATE_KEY",
    "*_SSH_KEY",
    "*_ACCESS_KEY",
    "*_SECRET_KEY",
    "*_CONNECTION_STRING",
    "*_API_KEY",
];

/// The hooks that the agent looks for in its hooks path: those of a job in their order, then its own
/// (buildkite.com/docs/agent/v3/hooks).
pub const HOOKS: [&str; 13] = [
    "pre-bootstrap",
    "environment",
    "pre-checkout",
    "checkout",
    "post-checkout",
    "pre-command",
    "command",
    "post-command",
    "pre-artifact",
    "post-artifact",
    "pre-exit",
    "agent-startup",
    "agent-shutdown",
];

/// The variables that `buildkite-agent start` reads in version 3 and in version 4.
pub const IN_BOTH: [&str; 97] = [
    "BUILDKITE_ADDITIONAL_HOOKS_PATHS",
    "BUILDKITE_AGENT_ACQUIRE_JOB",
    "BUILDKITE_AGENT_CONFIG",
    "BUILDKITE_AGENT_DEBUG",
    "BUILDKITE_AGENT_DEBUG_HTTP",
    "BUILDKITE_AGENT_DEBUG_SIGNING",
    "BUILDKITE_AGENT_DISABLE_WARNINGS_FOR",
    "BUILDKITE_AGENT_DISCONNECT_AFTER_IDLE_TIMEOUT",
    "BUILDKITE_AGENT_DISCONNECT_AFTER_JOB",
    "BUILDKITE_AGENT_DISCONNECT_AFTER_UPTIME",
    "BUILDKITE_AGENT_ENDPOINT",
    "BUILDKITE_AGENT_EXPERIMENT",
    "BUILDKITE_AGENT_FAIL_ON_MISSING_TAGS",
    "BUILDKITE_AGENT_HEALTH_CHECK_ADDR",
    "BUILDKITE_AGENT_JOB_VERIFICATION_NO_SIGNATURE_BEHAVIOR",
    "BUILDKITE_AGENT_LOG_LEVEL",
    "BUILDKITE_AGENT_NAME",
    "BUILDKITE_AGENT_NO_COLOR",
    "BUILDKITE_AGENT_NO_FEATURE_REPORTING",
    "BUILDKITE_AGENT_PING_MODE",
    "BUILDKITE_AGENT_PRIORITY",
    "BUILDKITE_AGENT_PROFILE",
    "BUILDKITE_AGENT_QUEUE",
    "BUILDKITE_AGENT_REFLECT_EXIT_STATUS",
    "BUILDKITE_AGENT_SIGNING_AWS_KMS_KEY",
    "BUILDKITE_AGENT_SIGNING_GCP_KMS_KEY",
    "BUILDKITE_AGENT_SIGNING_JWKS_FILE",
    "BUILDKITE_AGENT_SIGNING_JWKS_KEY_ID",
    "BUILDKITE_AGENT_SPAWN",
    "BUILDKITE_AGENT_SPAWN_PER_CPU",
    "BUILDKITE_AGENT_SPAWN_WITH_PRIORITY",
    "BUILDKITE_AGENT_TAGS",
    "BUILDKITE_AGENT_TAGS_FROM_EC2_META_DATA",
    "BUILDKITE_AGENT_TAGS_FROM_EC2_META_DATA_PATHS",
    "BUILDKITE_AGENT_TAGS_FROM_EC2_TAGS",
    "BUILDKITE_AGENT_TAGS_FROM_ECS_META_DATA",
    "BUILDKITE_AGENT_TAGS_FROM_GCP_LABELS",
    "BUILDKITE_AGENT_TAGS_FROM_GCP_META_DATA",
    "BUILDKITE_AGENT_TAGS_FROM_GCP_META_DATA_PATHS",
    "BUILDKITE_AGENT_TAGS_FROM_HOST",
    "BUILDKITE_AGENT_TOKEN",
    "BUILDKITE_AGENT_TRACE_HTTP",
    "BUILDKITE_AGENT_VERIFICATION_JWKS_FILE",
    "BUILDKITE_AGENT_WAIT_FOR_EC2_META_DATA_TIMEOUT",
    "BUILDKITE_AGENT_WAIT_FOR_EC2_TAGS_TIMEOUT",
    "BUILDKITE_AGENT_WAIT_FOR_ECS_META_DATA_TIMEOUT",
    "BUILDKITE_AGENT_WAIT_FOR_GCP_LABELS_TIMEOUT",
    "BUILDKITE_ALLOWED_ENVIRONMENT_VARIABLES",
    "BUILDKITE_ALLOWED_PLUGINS",
    "BUILDKITE_ALLOWED_REPOSITORIES",
    "BUILDKITE_ARTIFACT_UPLOAD_CONCURRENCY",
    "BUILDKITE_BOOTSTRAP_SCRIPT_PATH",
    "BUILDKITE_BUILD_PATH",
    "BUILDKITE_CHECKOUT_ATTEMPTS",
    "BUILDKITE_CHECKOUT_OVERRIDE_MODE",
    "BUILDKITE_ENABLE_ENVIRONMENT_VARIABLE_ALLOWLIST",
    "BUILDKITE_ENABLE_JOB_LOG_TMPFILE",
    "BUILDKITE_GIT_CHECKOUT_FLAGS",
    "BUILDKITE_GIT_CHECKOUT_TIMEOUT",
    "BUILDKITE_GIT_CLEAN_FLAGS",
    "BUILDKITE_GIT_CLONE_FLAGS",
    "BUILDKITE_GIT_CLONE_MIRROR_FLAGS",
    "BUILDKITE_GIT_COMMIT_VERIFICATION",
    "BUILDKITE_GIT_FETCH_FLAGS",
    "BUILDKITE_GIT_MIRRORS_LOCK_TIMEOUT",
    "BUILDKITE_GIT_MIRRORS_PATH",
    "BUILDKITE_GIT_MIRRORS_SKIP_UPDATE",
    "BUILDKITE_GIT_MIRROR_CHECKOUT_MODE",
    "BUILDKITE_GIT_SKIP_FETCH_EXISTING_COMMITS",
    "BUILDKITE_GIT_SPARSE_CHECKOUT_MODE",
    "BUILDKITE_GIT_SPARSE_CHECKOUT_PATHS",
    "BUILDKITE_GIT_SUBMODULE_CLONE_CONFIG",
    "BUILDKITE_HOOKS_PATH",
    "BUILDKITE_HOOKS_SHELL",
    "BUILDKITE_JOB_CONTEXT_DIR",
    "BUILDKITE_JOB_LOGS_OTLP",
    "BUILDKITE_JOB_LOG_PATH",
    "BUILDKITE_KUBERNETES_CONTAINER_START_TIMEOUT",
    "BUILDKITE_KUBERNETES_EXEC",
    "BUILDKITE_LOG_FORMAT",
    "BUILDKITE_NO_COMMAND_EVAL",
    "BUILDKITE_NO_HTTP2",
    "BUILDKITE_NO_LOCAL_HOOKS",
    "BUILDKITE_NO_MULTIPART_ARTIFACT_UPLOAD",
    "BUILDKITE_NO_PLUGINS",
    "BUILDKITE_NO_PLUGIN_VALIDATION",
    "BUILDKITE_NO_PTY",
    "BUILDKITE_NO_SSH_KEYSCAN",
    "BUILDKITE_PLUGINS_ALWAYS_CLONE_FRESH",
    "BUILDKITE_PLUGINS_PATH",
    "BUILDKITE_REDACTED_VARS",
    "BUILDKITE_SHELL",
    "BUILDKITE_SKIP_CHECKOUT",
    "BUILDKITE_SOCKETS_PATH",
    "BUILDKITE_STRICT_SINGLE_HOOKS",
    "BUILDKITE_TRACING_PROPAGATE_TRACEPARENT",
    "BUILDKITE_WRITE_JOB_LOGS_TO_STDOUT",
];

/// The variables that version 4 does not read any more, each with what takes its place there, if anything does.
///
/// Source: `pages/agent/v3_v4_upgrade_guide.md` of github.com/buildkite/docs, 13dadbf3; for metrics and tracing, the
/// agent's commits 41d1fe39 ("Replace dogstatsd metrics with opentelemetry metrics") and d7cc45ff.
pub const ONLY_IN_3: [(&str, &[&str]); 19] = [
    (
        "BUILDKITE_AGENT_DISCONNECT_AFTER_JOB_TIMEOUT",
        &["BUILDKITE_AGENT_DISCONNECT_AFTER_IDLE_TIMEOUT"],
    ),
    ("BUILDKITE_AGENT_META_DATA", &["BUILDKITE_AGENT_TAGS"]),
    (
        "BUILDKITE_AGENT_META_DATA_EC2",
        &["BUILDKITE_AGENT_TAGS_FROM_EC2_META_DATA"],
    ),
    (
        "BUILDKITE_AGENT_META_DATA_EC2_TAGS",
        &["BUILDKITE_AGENT_TAGS_FROM_EC2_TAGS"],
    ),
    (
        "BUILDKITE_AGENT_META_DATA_GCP",
        &["BUILDKITE_AGENT_TAGS_FROM_GCP_META_DATA"],
    ),
    (
        "BUILDKITE_AGENT_TAGS_FROM_EC2",
        &["BUILDKITE_AGENT_TAGS_FROM_EC2_META_DATA"],
    ),
    (
        "BUILDKITE_AGENT_TAGS_FROM_GCP",
        &["BUILDKITE_AGENT_TAGS_FROM_GCP_META_DATA"],
    ),
    ("BUILDKITE_CANCEL_GRACE_PERIOD", &CANCEL_TIMEOUTS),
    ("BUILDKITE_KUBERNETES_LOG_COLLECTION_GRACE_PERIOD", &[]),
    ("BUILDKITE_METRICS_DATADOG", &["BUILDKITE_OPENTELEMETRY_METRICS"]),
    (
        "BUILDKITE_METRICS_DATADOG_DISTRIBUTIONS",
        &["BUILDKITE_OPENTELEMETRY_METRICS"],
    ),
    ("BUILDKITE_METRICS_DATADOG_HOST", &["BUILDKITE_OPENTELEMETRY_METRICS"]),
    ("BUILDKITE_NO_ANSI_TIMESTAMPS", &[]),
    (
        "BUILDKITE_NO_AUTOMATIC_SSH_FINGERPRINT_VERIFICATION",
        &["BUILDKITE_NO_SSH_KEYSCAN"],
    ),
    ("BUILDKITE_SIGNAL_GRACE_PERIOD_SECONDS", &CANCEL_TIMEOUTS),
    ("BUILDKITE_TIMESTAMP_LINES", &[]),
    ("BUILDKITE_TRACE_CONTEXT_ENCODING", &[]),
    ("BUILDKITE_TRACING_BACKEND", &["BUILDKITE_OPENTELEMETRY_TRACING"]),
    ("BUILDKITE_TRACING_SERVICE_NAME", &["BUILDKITE_TELEMETRY_SERVICE_NAME"]),
];

const CANCEL_TIMEOUTS: [&str; 2] = ["BUILDKITE_CANCEL_SIGNAL_TIMEOUT", "BUILDKITE_CANCEL_CLEANUP_TIMEOUT"];

/// The variables that version 3 does not know yet.
pub const ONLY_IN_4: [&str; 7] = [
    "BUILDKITE_CANCEL_CLEANUP_TIMEOUT",
    "BUILDKITE_CANCEL_SIGNAL_TIMEOUT",
    "BUILDKITE_DISABLE_GIT_SUBMODULES",
    "BUILDKITE_NO_GIT_SUBMODULES",
    "BUILDKITE_OPENTELEMETRY_METRICS",
    "BUILDKITE_OPENTELEMETRY_TRACING",
    "BUILDKITE_TELEMETRY_SERVICE_NAME",
];

/// Which versions of the agent read a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBy {
    /// Version 3 and version 4.
    Both,
    /// Version 3 alone.
    Version3,
    /// Version 4 alone.
    Version4,
}

/// Which versions of the agent read `variable`; `None` if neither does.
#[must_use]
pub fn read_by(variable: &str) -> Option<ReadBy> {
    if IN_BOTH.contains(&variable) {
        Some(ReadBy::Both)
    } else if in_place_of(variable).is_some() {
        Some(ReadBy::Version3)
    } else if ONLY_IN_4.contains(&variable) {
        Some(ReadBy::Version4)
    } else {
        None
    }
}

/// What version 4 reads in place of `variable`; `None` if it is not one that version 4 has dropped.
#[must_use]
pub fn in_place_of(variable: &str) -> Option<&'static [&'static str]> {
    let dropped = ONLY_IN_3.iter().find(|(dropped, _)| *dropped == variable);
    dropped.map(|(_, instead)| *instead)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// What is named in the source, the documents and the examples, and is not an option of the agent.
    const EXCUSED: [(&str, &str); 2] = [
        (
            "BUILDKITE_ABOUT_PLATFORM",
            "no agent reads it: a hook of the sidecar's image prints it at the start of a job",
        ),
        ("BUILDKITE_COMMIT", "a variable of the job, not an option"),
    ];

    fn variables_below(path: &Path, found: &mut BTreeSet<String>) {
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                variables_below(&entry.unwrap().path(), found);
            }
        } else if !path.ends_with("facts/buildkite_agent.rs") {
            // What is not text names no variable.
            let text = fs::read_to_string(path).unwrap_or_default();
            let starts = text.match_indices("BUILDKITE_").map(|(start, _)| &text[start..]);
            let names = starts.map(|rest| {
                let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
                rest[..end.unwrap_or(rest.len())].to_owned()
            });
            found.extend(names.filter(|name| !name.ends_with('_')));
        }
    }

    #[test]
    fn every_variable_that_is_named_here_is_read_by_an_agent_or_excused() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut found = BTreeSet::new();
        for part in [
            "README.md",
            "docs",
            "examples",
            "src",
            "crates",
            "local",
            "template.yml",
            "tests",
        ] {
            variables_below(&root.join(part), &mut found);
        }
        assert!(found.len() >= 15, "{found:?}");
        let excused = |name: &str| EXCUSED.iter().any(|(excused, _)| *excused == name);
        let unknown: Vec<&String> = (found.iter())
            .filter(|name| read_by(name).is_none() && !excused(name))
            .collect();
        assert!(unknown.is_empty(), "no agent reads {unknown:?}");
        for (name, _) in EXCUSED {
            assert!(found.contains(name), "nothing names {name}: it needs no excuse");
        }
    }

    #[test]
    fn what_takes_a_variables_place_is_read_by_version_4() {
        for (dropped, instead) in ONLY_IN_3 {
            for variable in instead {
                let read_by = read_by(variable);
                assert!(
                    matches!(read_by, Some(ReadBy::Both | ReadBy::Version4)),
                    "{dropped}: {variable} is read by {read_by:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_composed_for_one_version_has_its_counterpart_in_the_other() {
        assert_eq!(read_by("BUILDKITE_CANCEL_GRACE_PERIOD"), Some(ReadBy::Version3));
        assert_eq!(read_by("BUILDKITE_CANCEL_SIGNAL_TIMEOUT"), Some(ReadBy::Version4));
        assert_eq!(read_by("BUILDKITE_CANCEL_CLEANUP_TIMEOUT"), Some(ReadBy::Version4));
        assert_eq!(read_by("BUILDKITE_AGENT_QUEUE"), Some(ReadBy::Both));
        assert_eq!(read_by("BUILDKITE_ABOUT_PLATFORM"), None);
    }
}
