//! An agent with which nothing is wrong, and then one trouble after the other: whole reports.

use std::collections::BTreeMap;

use agent_composer_model::{
    identity::{Family, Identity, Owner, StackId},
    ownership::tags,
};
use serde_json::{Value, json};

use super::*;

const STACK: &str =
    "arn:aws:cloudformation:us-east-1:111122223333:stack/pipelines/5f2c1b70-0001-11f0-8de9-0242ac120002";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:cargo-AbCd3f";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/5f2c1b70-0001-11f0-8de9-0242ac120002";
const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/Boundary";
const SCHEDULER: &str = "arn:aws:iam::111122223333:role/scheduler";
const IMAGE: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/rust:1";

fn identity() -> Identity {
    let owner = Owner {
        stack_id: StackId::parse(STACK).unwrap(),
        logical_id: "CargoPublish".to_owned(),
    };
    let family = Family::parse("cargo-publish").unwrap();
    Identity { owner, family }
}

fn parameter(name: &str) -> String {
    format!("arn:aws:ssm:us-east-1:111122223333:parameter/{name}")
}

fn execution_role() -> String {
    identity().role_arn("/BuildkiteAgentExecution/", &identity().execution_role_name())
}

fn task_role() -> String {
    identity().role_arn("/BuildkiteAgentTask/", &identity().task_role_name())
}

fn document() -> Value {
    let logs = |group: &str| json!({"logDriver": "awslogs", "options": {"awslogs-group": group, "awslogs-region": "us-east-1"}});
    json!({
        "taskDefinitionArn": format!("{}:3", identity().physical_id()),
        "revision": 3,
        "status": "ACTIVE",
        "executionRoleArn": execution_role(),
        "taskRoleArn": task_role(),
        "containerDefinitions": [
            {
                "name": "agent-init",
                "image": "registry.example.com/agent:3-sidecar",
                "repositoryCredentials": {"credentialsParameter": "registry"},
                "logConfiguration": logs("/aws/ecs/cargo-publish"),
            },
            {
                "name": "agent",
                "image": IMAGE,
                "secrets": [
                    {"name": "BUILDKITE_AGENT_TOKEN", "valueFrom": "/buildkite/agent-token"},
                    {"name": "CARGO_TOKEN", "valueFrom": format!("{SECRET}:token:AWSCURRENT:")},
                    {"name": "PASSED_ON", "valueFrom": parameter("aws/reference/secretsmanager/passed-on")},
                ],
                "logConfiguration": logs("/aws/ecs/cargo-publish"),
            },
        ],
    })
}

fn allow(action: &Value, resource: &Value) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn role(name: &str, statements: &Value) -> RoleFact {
    let trust = json!({
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    });
    let whole = json!({"Version": "2012-10-17", "Statement": [allow(&json!("*"), &json!("*"))]});
    RoleFact {
        name: name.to_owned(),
        tags: tags(&identity().owner),
        trust: json!({"Version": "2012-10-17", "Statement": [trust]}),
        policies: Seen::Found(vec![json!({"Version": "2012-10-17", "Statement": statements})]),
        boundary: Some((BOUNDARY.to_owned(), Seen::Found(whole))),
    }
}

/// The statements that the provider writes for such an agent.
fn rights() -> Value {
    let pull = json!([
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer"
    ]);
    let parameters = [
        parameter("buildkite/agent-token"),
        parameter("aws/reference/secretsmanager/passed-on"),
    ];
    let named = |name: &str| format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{name}-??????");
    let mut decrypt = allow(
        &json!("kms:Decrypt"),
        &json!("arn:aws:kms:us-east-1:111122223333:key/*"),
    );
    decrypt["Condition"] = json!({
        "StringEquals": {"kms:ViaService": "ssm.us-east-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": [parameter("buildkite/agent-token")]},
    });
    json!([
        allow(
            &json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
            &json!(["arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/cargo-publish:log-stream:*"]),
        ),
        allow(&json!(["ssm:GetParameters"]), &json!(parameters)),
        allow(
            &json!(["secretsmanager:GetSecretValue"]),
            &json!([SECRET, named("passed-on"), named("registry")])
        ),
        decrypt,
        allow(&json!(["ecr:GetAuthorizationToken"]), &json!(["*"])),
        allow(
            &pull,
            &json!(["arn:aws:ecr:us-east-1:111122223333:repository/team/rust"])
        ),
    ])
}

fn secret(arn: &str) -> Seen<SecretFact> {
    Seen::Found(SecretFact {
        arn: arn.to_owned(),
        versions: BTreeMap::from([("v1".to_owned(), vec!["AWSCURRENT".to_owned()])]),
        ..SecretFact::default()
    })
}

fn healthy() -> Facts {
    let named = |name: &str| format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{name}-XyZ123");
    let pass = json!([
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": ["arn:aws:iam::111122223333:role/BuildkiteAgentExecution/*", "arn:aws:iam::111122223333:role/BuildkiteAgentTask/*"],
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        },
        allow(&json!("ecs:RunTask"), &json!("arn:aws:ecs:us-east-1:111122223333:task-definition/cargo-publish:*")),
    ]);
    let mut scheduler = role("scheduler", &pass);
    scheduler.boundary = None;
    Facts {
        family: "cargo-publish".to_owned(),
        region: "us-east-1".to_owned(),
        definition: Seen::Found(Definition {
            document: document(),
            tags: tags(&identity().owner),
        }),
        inactive: None,
        stack: Some(Seen::Found("UPDATE_COMPLETE".to_owned())),
        parameters: BTreeMap::from([(
            parameter("buildkite/agent-token"),
            Seen::Found(ParameterFact {
                key: Some(KEY.to_owned()),
            }),
        )]),
        secrets: BTreeMap::from([
            (SECRET.to_owned(), secret(SECRET)),
            ("passed-on".to_owned(), secret(&named("passed-on"))),
            (
                "arn:aws:secretsmanager:us-east-1:111122223333:secret:registry".to_owned(),
                secret(&named("registry")),
            ),
        ]),
        images: BTreeMap::from([(IMAGE.to_owned(), Seen::Found(true))]),
        log_groups: BTreeMap::from([(
            "/aws/ecs/cargo-publish".to_owned(),
            Seen::Found(LogGroupFact {
                retention: Some(1),
                tags: Some(tags(&identity().owner)),
            }),
        )]),
        roles: BTreeMap::from([
            (
                execution_role(),
                Seen::Found(role(&identity().execution_role_name(), &rights())),
            ),
            (task_role(), Seen::Found(role(&identity().task_role_name(), &json!([])))),
            (SCHEDULER.to_owned(), Seen::Found(scheduler)),
        ]),
        scheduler: Some(SCHEDULER.to_owned()),
        cluster: Some("agents".to_owned()),
        tasks: Seen::Found(vec![StoppedTask {
            id: "0a1b".to_owned(),
            code: Some("EssentialContainerExited".to_owned()),
            reason: Some("Essential container in task exited".to_owned()),
            containers: vec![container("agent", Some(0), None)],
        }]),
    }
}

fn container(name: &str, exit_code: Option<i32>, reason: Option<&str>) -> StoppedContainer {
    StoppedContainer {
        name: name.to_owned(),
        exit_code,
        reason: reason.map(ToOwned::to_owned),
    }
}

fn denied<T>(action: &str) -> Seen<T> {
    Seen::Not(NotSeen {
        action: action.to_owned(),
        because: None,
    })
}

/// A report's lines that are not as they should be.
fn troubles(facts: &Facts) -> String {
    let found: Vec<Finding> = examine(facts)
        .into_iter()
        .filter(|finding| finding.outcome != Outcome::Fine)
        .collect();
    let lines = plain(&report("", &found));
    lines.trim_start().to_owned()
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn with_a_healthy_agent_nothing_is_wrong() {
    let findings = examine(&healthy());
    assert_eq!(troubles(&healthy()), "");
    insta::assert_snapshot!(plain(&report("cargo-publish", &findings)));
}

fn change_definition(facts: &mut Facts, change: impl FnOnce(&mut Definition)) {
    if let Seen::Found(definition) = &mut facts.definition {
        change(definition);
    }
}

fn change_role(facts: &mut Facts, arn: &str, change: impl FnOnce(&mut RoleFact)) {
    if let Some(Seen::Found(role)) = facts.roles.get_mut(arn) {
        change(role);
    }
}

fn change_secret(facts: &mut Facts, change: impl FnOnce(&mut SecretFact)) {
    if let Some(Seen::Found(secret)) = facts.secrets.get_mut(SECRET) {
        change(secret);
    }
}

/// Something that happens to an agent.
type Trouble = (&'static str, fn(&mut Facts));

const TROUBLES: &[Trouble] = &[
    ("nothing of that family", |facts| {
        facts.definition = Seen::Absent;
        facts.tasks = Seen::Found(Vec::new());
    }),
    ("deregistered by hand", |facts| {
        facts.definition = Seen::Absent;
        facts.inactive = Some(3);
    }),
    ("registered by hand", |facts| {
        change_definition(facts, |definition| definition.tags.clear());
    }),
    ("the stack is gone", |facts| {
        facts.stack = Some(Seen::Found("DELETE_COMPLETE".to_owned()));
    }),
    ("the stack failed", |facts| {
        facts.stack = Some(Seen::Found("UPDATE_ROLLBACK_FAILED".to_owned()));
    }),
    ("the stack is being updated", |facts| {
        facts.stack = Some(Seen::Found("UPDATE_IN_PROGRESS".to_owned()));
    }),
    ("the token's parameter is gone", |facts| {
        facts
            .parameters
            .insert(parameter("buildkite/agent-token"), Seen::Absent);
    }),
    ("no token is named", |facts| {
        change_definition(facts, |definition| {
            definition.document["containerDefinitions"][1]["secrets"] = json!([]);
        });
    }),
    ("a secret is gone", |facts| {
        facts.secrets.insert(SECRET.to_owned(), Seen::Absent);
    }),
    ("a secret is being deleted", |facts| {
        change_secret(facts, |secret| secret.is_being_deleted = true);
    }),
    ("a secret without a value", |facts| {
        change_secret(facts, |secret| secret.versions.clear());
    }),
    ("a key that the role may not use", |facts| {
        change_secret(facts, |secret| secret.key = Some(KEY.to_owned()));
    }),
    ("a key by its alias", |facts| {
        change_secret(facts, |secret| secret.key = Some("alias/ours".to_owned()));
    }),
    ("AWS's own key", |facts| {
        change_secret(facts, |secret| secret.key = Some("alias/aws/secretsmanager".to_owned()));
    }),
    ("a secret of another account", |facts| {
        facts.secrets.remove(SECRET);
    }),
    ("the role's policy is gone", |facts| {
        change_role(facts, &execution_role(), |role| role.policies = Seen::Found(Vec::new()));
    }),
    ("a policy that denies", |facts| {
        let deny = json!({"Statement": {"Effect": "Deny", "Action": "ssm:*", "Resource": "*"}});
        change_role(facts, &execution_role(), |role| {
            if let Seen::Found(policies) = &mut role.policies {
                policies.push(deny);
            }
        });
    }),
    ("a narrow boundary", |facts| {
        let narrow = json!({"Statement": allow(&json!(["ssm:*", "secretsmanager:*", "kms:*", "logs:*"]), &json!("*"))});
        change_role(facts, &execution_role(), |role| {
            role.boundary = Some((BOUNDARY.to_owned(), Seen::Found(narrow)));
        });
    }),
    ("no such repository", |facts| {
        facts.images.insert(IMAGE.to_owned(), Seen::Absent);
    }),
    ("no such image", |facts| {
        facts.images.insert(IMAGE.to_owned(), Seen::Found(false));
    }),
    ("the log group is gone", |facts| {
        facts
            .log_groups
            .insert("/aws/ecs/cargo-publish".to_owned(), Seen::Absent);
    }),
    ("the log group is nobody's", |facts| {
        let group = LogGroupFact {
            retention: None,
            tags: Some(BTreeMap::new()),
        };
        facts
            .log_groups
            .insert("/aws/ecs/cargo-publish".to_owned(), Seen::Found(group));
    }),
    ("the execution role is gone", |facts| {
        facts.roles.insert(execution_role(), Seen::Absent);
    }),
    ("the task role without its tags", |facts| {
        change_role(facts, &task_role(), |role| role.tags.clear());
    }),
    ("the task role of somebody else", |facts| {
        change_definition(facts, |definition| {
            definition.document["taskRoleArn"] = json!(SCHEDULER);
        });
    }),
    ("a trust policy for something else", |facts| {
        change_role(facts, &task_role(), |role| role.trust = json!({"Statement": []}));
    }),
    ("boundaries that differ", |facts| {
        change_role(facts, &task_role(), |role| role.boundary = None);
    }),
    ("a scheduler that may not pass roles", |facts| {
        change_role(facts, SCHEDULER, |role| role.policies = Seen::Found(Vec::new()));
    }),
    ("no such scheduler", |facts| {
        facts.roles.remove(SCHEDULER);
    }),
    ("no such cluster", |facts| facts.tasks = Seen::Absent),
    ("a default cluster that does not exist", |facts| {
        facts.cluster = None;
        facts.tasks = Seen::Absent;
    }),
];

#[test]
fn each_trouble_is_found_with_what_to_do() {
    let reports = TROUBLES.iter().map(|(name, change)| {
        let mut facts = healthy();
        change(&mut facts);
        format!("# {name}\n{}\n", troubles(&facts))
    });
    insta::assert_snapshot!(reports.collect::<String>());
}

#[test]
fn what_may_not_be_looked_at_is_not_checked_and_the_rest_is() {
    let mut facts = healthy();
    facts.stack = Some(denied("cloudformation:DescribeStacks"));
    facts
        .parameters
        .insert(parameter("buildkite/agent-token"), denied("ssm:DescribeParameters"));
    facts
        .secrets
        .insert(SECRET.to_owned(), denied("secretsmanager:DescribeSecret"));
    facts.images.insert(IMAGE.to_owned(), denied("ecr:DescribeImages"));
    facts
        .log_groups
        .insert("/aws/ecs/cargo-publish".to_owned(), denied("logs:DescribeLogGroups"));
    facts.roles.insert(task_role(), denied("iam:GetRole"));
    change_role(&mut facts, &execution_role(), |role| {
        role.boundary = Some((BOUNDARY.to_owned(), denied("iam:GetPolicy")));
    });
    change_role(&mut facts, SCHEDULER, |role| {
        role.policies = denied("iam:ListRolePolicies");
    });
    facts.tasks = Seen::Not(NotSeen {
        action: "ecs:ListTasks".to_owned(),
        because: Some("ThrottlingException: Rate exceeded".to_owned()),
    });
    let findings = examine(&facts);
    assert!(findings.iter().all(|finding| finding.outcome != Outcome::Wrong));
    insta::assert_snapshot!(plain(&report("cargo-publish", &findings)));

    let mut facts = healthy();
    facts.definition = denied("ecs:DescribeTaskDefinition");
    insta::assert_snapshot!(troubles(&facts), @"? task definition: the newest revision: not checked: needs ecs:DescribeTaskDefinition");
}

#[test]
fn programs_get_every_finding() {
    let mut facts = healthy();
    facts.images.insert(IMAGE.to_owned(), Seen::Absent);
    let document = super::document("cargo-publish", "us-east-1", &examine(&facts)[..9]);
    insta::assert_json_snapshot!(document);
}

/// Stop code, stopped reason, and of the container `agent` exit code and reason.
const ENDS: &[(&str, &str, Option<i32>, Option<&str>)] = &[
    (
        "TaskFailedToStart",
        "CannotPullContainerError: … aws-guardduty-agent-fargate …",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: … toomanyrequests: You have reached …",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: … dial tcp 10.0.0.1:443: i/o timeout",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: … ruby:9: not found",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "CannotPullContainerError: pull image manifest has been retried 1 time(s)",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "ResourceInitializationError: unable to pull secrets or registry auth: … context deadline exceeded",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "ResourceInitializationError: unable to pull secrets or registry auth: … AccessDeniedException …",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "ECS was unable to assume the role 'arn:…' that was provided for this task.",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "ResourceInitializationError: failed to validate logger args: … The specified log group does not exist.",
        None,
        None,
    ),
    (
        "TaskFailedToStart",
        "Capacity is unavailable at this time. Please try again later",
        None,
        None,
    ),
    ("TaskFailedToStart", "something new", None, None),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        Some(0),
        None,
    ),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        Some(1),
        None,
    ),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        Some(127),
        None,
    ),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        Some(137),
        None,
    ),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        Some(137),
        Some("OutOfMemoryError: container killed due to memory usage"),
    ),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        None,
        Some("CannotPullImageManifestError: … exec format error"),
    ),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        Some(1),
        Some("exec format error"),
    ),
    (
        "EssentialContainerExited",
        "Essential container in task exited",
        Some(1),
        Some("write: no space left on device"),
    ),
    ("SpotInterruption", "Your Spot Task was interrupted.", Some(143), None),
    ("UserInitiated", "Task stopped by user", Some(143), None),
];

#[test]
fn each_end_of_a_task_has_its_meaning() {
    let shown = ENDS.iter().map(|(code, reason, exit_code, of_container)| {
        let mut facts = healthy();
        facts.tasks = Seen::Found(vec![StoppedTask {
            id: "0a1b".to_owned(),
            code: Some((*code).to_owned()),
            reason: Some((*reason).to_owned()),
            containers: vec![container("agent", *exit_code, *of_container)],
        }]);
        let found: Vec<Finding> = examine(&facts)
            .into_iter()
            .filter(|finding| finding.check == Check::StoppedTask)
            .collect();
        plain(&report("", &found)).trim_start().to_owned()
    });
    insta::assert_snapshot!(shown.collect::<String>());
}

#[test]
fn tasks_that_ended_alike_are_one_finding() {
    let mut facts = healthy();
    let task = |id: &str, exit_code| StoppedTask {
        id: id.to_owned(),
        code: Some("EssentialContainerExited".to_owned()),
        reason: None,
        containers: vec![
            container("agent-init", Some(0), None),
            container("agent", Some(exit_code), None),
        ],
    };
    facts.tasks = Seen::Found(vec![task("4", 127), task("3", 0), task("2", 127), task("1", 0)]);
    let found: Vec<String> = (examine(&facts).into_iter())
        .filter(|finding| finding.check == Check::StoppedTask)
        .map(|finding| finding.text)
        .collect();
    assert_eq!(
        found,
        [
            "2 tasks stopped alike, such as 4: EssentialContainerExited; `agent` ended with 127",
            "2 tasks ended as they should",
        ]
    );
}

#[test]
fn what_a_task_definition_names_is_read_from_it() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let document = json!({
        "taskDefinitionArn": "arn:aws-cn:ecs:cn-north-1:111122223333:task-definition/a:1",
        "containerDefinitions": [
            {
                "name": "agent",
                "image": format!("999988887777.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b@{digest}"),
                "secrets": [
                    {"name": "PLAIN", "valueFrom": "token"},
                    {"name": "ELSEWHERE", "valueFrom": "arn:aws-cn:ssm:cn-northwest-1:999988887777:parameter/a/b"},
                    {"name": "BY_ID", "valueFrom": "arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:s-AbCd3f:::v1"},
                    {"name": "OTHER", "valueFrom": "arn:aws-cn:s3:::bucket/key"},
                ],
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "a", "awslogs-region": "cn-northwest-1"}},
            },
            {
                "name": "sidecar",
                "image": "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/c",
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "b", "awslogs-create-group": "true"}},
            },
        ],
    });
    insta::assert_debug_snapshot!(Named::of(&document));
}
