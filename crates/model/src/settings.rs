//! What the provider's own stack configures (`template.yml`), each with its default here: the binary runs with none set.

use std::collections::BTreeSet;

use crate::{
    Faults,
    facts::logs::RETENTION_DAYS,
    identity::Family,
    properties::{Image, Parameter},
};

/// The provider's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    /// SSM parameter of the agent token where a resource names none, as written: resolved for each stack.
    pub agent_token_parameter_path: String,
    /// Path of the execution roles. Fixed once a role was made: a role's path can't be changed (docs/internals/aws.md,
    /// "Roles").
    pub execution_role_path: String,
    /// Path of the task roles, likewise fixed, and the only one that `TaskRoleArn` may lie under.
    pub task_role_path: String,
    /// ARN of the permissions boundary that every role gets: the deployer's, else the one of `template.yml`.
    pub permissions_boundary: Option<String>,
    /// Whether the deployer chose the boundary. Only then may authors give rights of their own: the boundary of
    /// `template.yml` allows what the provider itself gives, and nothing else.
    pub has_chosen_boundary: bool,
    /// Image of the `ssh-agent` container.
    pub ssh_agent_image: Image,
    /// How long the agents' log groups keep their events, in days.
    pub log_retention_days: i32,
    /// Whether the execution role's trust policy asks for `aws:SourceAccount`. Off: AWS's documents show that key
    /// for task roles only, and one that ECS does not send would stop every agent (docs/internals/aws.md, "Trust
    /// policies").
    pub execution_role_source_account: bool,
    /// What every family begins with; mostly nothing.
    pub family_prefix: String,
    /// Whether a role given as `TaskRoleArn` must carry the permissions boundary, where there is one.
    pub task_role_arn_needs_boundary: bool,
    /// Whether containers may be privileged: root on the instance that they run on.
    pub allow_privileged: bool,
    /// The keys of an author's tags that roles may have, too: a role's tags are its sessions' tags, which policies of the
    /// account may ask for.
    pub role_tag_keys: BTreeSet<String>,
    /// Whether what is made gets the stack's tags. It takes a call of CloudFormation's with each Create and Update.
    pub stack_tags: bool,
}

/// What `PERMISSIONS_BOUNDARY_ARN` is where roles shall have no boundary.
const NO_BOUNDARY: &str = "none";

impl Settings {
    /// The variables that it is read from; each but `DEFAULT_BOUNDARY_ARN` is named like the parameter of `template.yml` that
    /// it has its value from.
    pub const VARIABLES: [&'static str; 13] = [
        "AGENT_TOKEN_PARAMETER_PATH",
        "EXECUTION_ROLE_PATH",
        "TASK_ROLE_PATH",
        "PERMISSIONS_BOUNDARY_ARN",
        "DEFAULT_BOUNDARY_ARN",
        "SSH_AGENT_IMAGE",
        "LOG_RETENTION_IN_DAYS",
        "EXECUTION_ROLE_SOURCE_ACCOUNT",
        "FAMILY_PREFIX",
        "TASK_ROLE_ARN_NEEDS_BOUNDARY",
        "ALLOW_PRIVILEGED",
        "ROLE_TAG_KEYS",
        "STACK_TAGS",
    ];

    /// Reads the settings from the variables that `template.yml` sets; absent or empty is the default.
    ///
    /// # Errors
    /// Every setting that can't be used.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let agent_token_parameter_path = token(&given, &mut faults);
        let (execution_role_path, task_role_path) = role_paths(&given, &mut faults);
        let chosen = boundary(&given, "PERMISSIONS_BOUNDARY_ARN", &mut faults);
        let default = boundary(&given, "DEFAULT_BOUNDARY_ARN", &mut faults);
        let wants_none = given("PERMISSIONS_BOUNDARY_ARN").as_deref() == Some(NO_BOUNDARY);
        let has_chosen_boundary = chosen.is_some();
        let permissions_boundary = chosen.or(default.filter(|_| !wants_none));
        let ssh_agent_image = given("SSH_AGENT_IMAGE").unwrap_or_else(|| "keithduncan/iam-ssh-agent:latest".to_owned());
        let ssh_agent_image = Image::parse(&ssh_agent_image)
            .map_err(|problem| faults.add("SSH_AGENT_IMAGE", problem))
            .ok();
        let log_retention_days = retention(&given, &mut faults);
        let execution_role_source_account = flag(&given, "EXECUTION_ROLE_SOURCE_ACCOUNT", false, &mut faults);
        let family_prefix = family_prefix(&given, &mut faults);
        let task_role_arn_needs_boundary = flag(&given, "TASK_ROLE_ARN_NEEDS_BOUNDARY", true, &mut faults);
        let allow_privileged = flag(&given, "ALLOW_PRIVILEGED", false, &mut faults);
        let stack_tags = flag(&given, "STACK_TAGS", false, &mut faults);
        let role_tag_keys = given("ROLE_TAG_KEYS").unwrap_or_default();
        let role_tag_keys = role_tag_keys.split(',').map(str::trim).filter(|key| !key.is_empty());
        let role_tag_keys = role_tag_keys.map(str::to_owned).collect();

        let settings = ssh_agent_image
            .zip(log_retention_days)
            .map(|(ssh_agent_image, log_retention_days)| Self {
                agent_token_parameter_path,
                execution_role_path,
                task_role_path,
                permissions_boundary,
                has_chosen_boundary,
                ssh_agent_image,
                log_retention_days,
                execution_role_source_account,
                family_prefix,
                task_role_arn_needs_boundary,
                allow_privileged,
                role_tag_keys,
                stack_tags,
            });
        faults.or(settings)
    }

    /// Whether a family begins as every family must, and is one that the handler has rights on.
    #[must_use]
    pub fn has_prefix(&self, family: &Family) -> bool {
        family.as_str().starts_with(&self.family_prefix)
    }
}

/// Reads the default of the agent token's path.
fn token(given: &impl Fn(&str) -> Option<String>, faults: &mut Faults) -> String {
    let path = given("AGENT_TOKEN_PARAMETER_PATH").unwrap_or_else(|| "/buildkite/agent-token".to_owned());
    if let Err(problem) = Parameter::check(&path) {
        faults.add("AGENT_TOKEN_PARAMETER_PATH", problem);
    }
    path
}

/// Reads the paths of execution roles and of task roles.
fn role_paths(given: &impl Fn(&str) -> Option<String>, faults: &mut Faults) -> (String, String) {
    let execution = role_path(given, "EXECUTION_ROLE_PATH", "/BuildkiteAgentExecution/", faults);
    let task = role_path(given, "TASK_ROLE_PATH", "/BuildkiteAgentTask/", faults);
    if execution.starts_with(&task) || task.starts_with(&execution) {
        faults.add(
            "TASK_ROLE_PATH",
            format!(
                "{task:?} and EXECUTION_ROLE_PATH {execution:?} are the same or one is inside the other, so that an execution \
                 role could be given as `TaskRoleArn`; set paths side by side"
            ),
        );
    }
    (execution, task)
}

fn role_path(given: &impl Fn(&str) -> Option<String>, name: &str, default: &str, faults: &mut Faults) -> String {
    let path = given(name).unwrap_or_else(|| default.to_owned());
    // IAM's rule for a path, docs/internals/aws.md, "Names and quotas"; `/` alone would be every role's path.
    if path == "/"
        || path.len() > 512
        || !path.starts_with('/')
        || !path.ends_with('/')
        || !path.bytes().all(|b| b.is_ascii_graphic())
    {
        faults.add(
            name,
            format!("is not a path of IAM roles: {path:?}; a path begins and ends with `/`, such as `{default}`"),
        );
    }
    path
}

/// Reads what every family begins with.
fn family_prefix(given: &impl Fn(&str) -> Option<String>, faults: &mut Faults) -> String {
    let prefix = given("FAMILY_PREFIX").unwrap_or_default();
    if !prefix.is_empty() && Family::parse(&prefix).is_none() {
        faults.add(
            "FAMILY_PREFIX",
            format!("is not the beginning of a family: {prefix:?}; legal: letters, digits, `-` and `_`"),
        );
    }
    prefix
}

/// Reads the default retention of log groups.
fn retention(given: &impl Fn(&str) -> Option<String>, faults: &mut Faults) -> Option<i32> {
    let Some(days) = given("LOG_RETENTION_IN_DAYS") else {
        return Some(1);
    };
    let legal = days.parse().ok().filter(|days| RETENTION_DAYS.contains(days));
    if legal.is_none() {
        faults.add(
            "LOG_RETENTION_IN_DAYS",
            format!(
                "is {days:?}, which CloudWatch Logs does not take; legal: {}",
                crate::properties::list(&RETENTION_DAYS)
            ),
        );
    }
    legal
}

/// Reads the ARN of a boundary.
fn boundary(given: &impl Fn(&str) -> Option<String>, name: &str, faults: &mut Faults) -> Option<String> {
    let arn = given(name).filter(|arn| arn != NO_BOUNDARY)?;
    if !is_policy_arn(&arn) {
        faults.add(
            name,
            format!(
                "is not the ARN of an IAM policy: {arn:?}; write arn:PARTITION:iam::ACCOUNT:policy/NAME, `{NO_BOUNDARY}` or nothing"
            ),
        );
    }
    Some(arn)
}

/// Reads `true` or `false`.
fn flag(given: &impl Fn(&str) -> Option<String>, name: &str, default: bool, faults: &mut Faults) -> bool {
    let value = given(name).map(|value| value.to_ascii_lowercase());
    match value.as_deref() {
        None => default,
        Some("true") => true,
        Some("false") => false,
        Some(other) => {
            faults.add(name, format!("is {other:?}; write `true` or `false`"));
            default
        }
    }
}

/// `arn:PARTITION:iam::ACCOUNT:policy/…`; AWS's own policies have `aws` for the account.
fn is_policy_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts[..], ["arn", _, "iam", "", account, policy]
        if (account == "aws" || crate::identity::is_account(account)) && policy.starts_with("policy/") && policy.len() > 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_set_is_the_default_and_so_is_empty() {
        let defaults = Settings::read(|_| None).unwrap();
        assert_eq!(Settings::read(|_| Some(String::new())).unwrap(), defaults);
        insta::assert_debug_snapshot!(defaults, @r#"
        Settings {
            agent_token_parameter_path: "/buildkite/agent-token",
            execution_role_path: "/BuildkiteAgentExecution/",
            task_role_path: "/BuildkiteAgentTask/",
            permissions_boundary: None,
            has_chosen_boundary: false,
            ssh_agent_image: Image {
                reference: "keithduncan/iam-ssh-agent:latest",
                ecr: None,
            },
            log_retention_days: 1,
            execution_role_source_account: false,
            family_prefix: "",
            task_role_arn_needs_boundary: true,
            allow_privileged: false,
            role_tag_keys: {},
            stack_tags: false,
        }
        "#);
    }

    #[test]
    fn a_chosen_boundary_goes_before_the_templates_and_none_is_none() {
        let (own, chosen) = (
            "arn:aws:iam::111122223333:policy/Own",
            "arn:aws:iam::111122223333:policy/Chosen",
        );
        for (given, default, expected) in [
            ("", "", (None, false)),
            ("", own, (Some(own), false)),
            ("none", own, (None, false)),
            (chosen, own, (Some(chosen), true)),
            (chosen, "", (Some(chosen), true)),
        ] {
            let settings = Settings::read(|name| match name {
                "PERMISSIONS_BOUNDARY_ARN" => Some(given.to_owned()),
                "DEFAULT_BOUNDARY_ARN" => Some(default.to_owned()),
                _ => None,
            })
            .unwrap();
            let found = (settings.permissions_boundary.as_deref(), settings.has_chosen_boundary);
            assert_eq!(found, expected, "{given:?} {default:?}");
        }
    }

    #[test]
    fn role_paths_inside_each_other_are_refused() {
        for (execution, task, fits) in [
            ("/a/", "/a/", false),
            ("/a/", "/a/b/", false),
            ("/a/b/", "/a/", false),
            ("/a/", "/ab/", true),
            ("/ci/execution/", "/ci/task/", true),
        ] {
            let settings = Settings::read(|name| match name {
                "EXECUTION_ROLE_PATH" => Some(execution.to_owned()),
                "TASK_ROLE_PATH" => Some(task.to_owned()),
                _ => None,
            });
            assert_eq!(settings.is_ok(), fits, "{execution} {task}: {settings:?}");
        }
    }

    #[test]
    fn a_role_path_is_one_that_iam_takes_and_never_the_root() {
        let of_length = |length: usize| format!("/{}/", "a".repeat(length - 2));
        for (path, fits) in [
            ("/a/".to_owned(), true),
            ("/a/b+c/".to_owned(), true),
            (of_length(512), true),
            (of_length(513), false),
            ("/".to_owned(), false),
            ("a/".to_owned(), false),
            ("/a".to_owned(), false),
            ("/a b/".to_owned(), false),
            ("/\u{e4}/".to_owned(), false),
        ] {
            let faults = Settings::read(|name| (name == "TASK_ROLE_PATH").then(|| path.clone())).err();
            let is_named = faults.is_some_and(|faults| {
                faults
                    .to_string()
                    .contains("`TASK_ROLE_PATH` is not a path of IAM roles")
            });
            assert_eq!(is_named, !fits, "{path}");
        }
    }

    #[test]
    fn every_setting_that_cannot_be_used_is_named() {
        let faults = Settings::read(|name| {
            Some(
                match name {
                    "PERMISSIONS_BOUNDARY_ARN" => "BuildkiteAgentBoundary",
                    "TASK_ROLE_PATH" => "not one either",
                    "LOG_RETENTION_IN_DAYS" => "2",
                    "EXECUTION_ROLE_SOURCE_ACCOUNT" => "maybe",
                    _ => "not one",
                }
                .to_owned(),
            )
        })
        .unwrap_err();
        insta::assert_snapshot!(faults.to_string().replace("; (", "\n("), @r#"
        13 faults: (1) `AGENT_TOKEN_PARAMETER_PATH` is not an SSM parameter: a text of 7 characters, not shown in case it is the value itself; write its name (letters, digits and `_.-/`, at most 15 levels) or its ARN, arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME
        (2) `EXECUTION_ROLE_PATH` is not a path of IAM roles: "not one"; a path begins and ends with `/`, such as `/BuildkiteAgentExecution/`
        (3) `TASK_ROLE_PATH` is not a path of IAM roles: "not one either"; a path begins and ends with `/`, such as `/BuildkiteAgentTask/`
        (4) `TASK_ROLE_PATH` "not one either" and EXECUTION_ROLE_PATH "not one" are the same or one is inside the other, so that an execution role could be given as `TaskRoleArn`; set paths side by side
        (5) `PERMISSIONS_BOUNDARY_ARN` is not the ARN of an IAM policy: "BuildkiteAgentBoundary"; write arn:PARTITION:iam::ACCOUNT:policy/NAME, `none` or nothing
        (6) `DEFAULT_BOUNDARY_ARN` is not the ARN of an IAM policy: "not one"; write arn:PARTITION:iam::ACCOUNT:policy/NAME, `none` or nothing
        (7) `SSH_AGENT_IMAGE` is not a valid image reference: "not one"; write [HOST/]NAME[:TAG][@sha256:DIGEST], the name in lower case and the digest of 64 hexadecimal digits
        (8) `LOG_RETENTION_IN_DAYS` is "2", which CloudWatch Logs does not take; legal: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
        (9) `EXECUTION_ROLE_SOURCE_ACCOUNT` is "maybe"; write `true` or `false`
        (10) `FAMILY_PREFIX` is not the beginning of a family: "not one"; legal: letters, digits, `-` and `_`
        (11) `TASK_ROLE_ARN_NEEDS_BOUNDARY` is "not one"; write `true` or `false`
        (12) `ALLOW_PRIVILEGED` is "not one"; write `true` or `false`
        (13) `STACK_TAGS` is "not one"; write `true` or `false`
        "#);
    }
}
