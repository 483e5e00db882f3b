//! `agent-composer doctor`.

use fake_aws::{Account, Fault, Service};
use serde_json::{Value, json};

use crate::planted::{Planted, run, was_read_with};

const FAMILY: &str = "ruby2";

const SCHEDULER: &str = "arn:aws:iam::111122223333:role/scheduler";

/// As docs/reference/command.md, "Doctor", has them.
const RIGHTS: [&str; 16] = [
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "ecs:ListTasks",
    "ecs:DescribeTasks",
    "cloudformation:DescribeStacks",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "iam:GetRole",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "ssm:DescribeParameters",
    "secretsmanager:DescribeSecret",
    "ecr:DescribeImages",
];

/// An agent that lacks nothing, with one task that has ended.
fn account() -> Account {
    let account = Account::new();
    let agent = Planted::new(&account, "pipelines", "Ruby2", "0.1.0")
        .log_group(&account)
        .roles(&account);
    account.set_parameter("/buildkite/agent-token", Some("alias/aws/ssm"));
    let secret = account.set_secret("gems", json!({"VersionIdsToStages": {"v1": ["AWSCURRENT"]}}));
    account.set_repository("team/ruby", &["3"]);
    let logs = json!({"logDriver": "awslogs", "options": {"awslogs-group": "/aws/ecs/ruby2", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "a"}});
    let agent = agent.revision_of(
        &account,
        &json!([{
            "name": "agent",
            "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/team/ruby:3",
            "secrets": [
                {"name": "BUILDKITE_AGENT_TOKEN", "valueFrom": "/buildkite/agent-token"},
                {"name": "GEMS", "valueFrom": secret},
            ],
            "logConfiguration": logs,
        }]),
    );
    let rights = json!([
        {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "arn:aws:ssm:us-east-1:111122223333:parameter/buildkite/agent-token"},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret},
        {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "logs:*", "Resource": "arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/ruby2:log-stream:*"},
    ]);
    put_policy(&account, &agent.identity.execution_role_name(), &rights);
    account.plant_role("/", "scheduler", &[]);
    let pass = json!([{"Effect": "Allow", "Action": ["iam:PassRole", "ecs:RunTask"], "Resource": "*"}]);
    put_policy(&account, "scheduler", &pass);
    set_task(&account, "agents", 0, None);
    account
}

fn put_policy(account: &Account, role: &str, statements: &Value) {
    let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let params = json!({"RoleName": role, "PolicyName": "agent-composer-1", "PolicyDocument": document});
    account.plant(Service::Iam, "PutRolePolicy", params);
}

fn set_task(account: &Account, cluster: &str, exit_code: i32, reason: Option<&str>) {
    account.set_task(
        cluster,
        FAMILY,
        json!({
            "taskArn": format!("arn:aws:ecs:us-east-1:111122223333:task/{cluster}/{exit_code}"),
            "desiredStatus": "STOPPED",
            "stopCode": "EssentialContainerExited",
            "stoppedReason": reason,
            "containers": [{"name": "agent", "exitCode": exit_code}],
        }),
    );
}

const DOCTOR: [&str; 6] = ["doctor", FAMILY, "--cluster", "agents", "--scheduler-role", SCHEDULER];

#[tokio::test]
async fn nothing_is_wrong_with_a_whole_agent() {
    let account = account();
    account.set_page_size(1);
    let (code, report, remarks) = run(&account, &DOCTOR).await;
    assert_eq!((code, remarks.as_str()), (0, ""), "{report}");
    insta::assert_snapshot!(report);
    was_read_with(&account, &RIGHTS);
}

#[tokio::test]
async fn what_is_wrong_is_found_and_ends_with_1() {
    let account = account();
    account.set_repository("team/ruby", &["2"]);
    account.set_secret(
        "gems",
        json!({"DeletedDate": 1, "KmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/k"}),
    );
    account.plant(
        Service::Logs,
        "DeleteLogGroup",
        json!({"logGroupName": "/aws/ecs/ruby2"}),
    );
    set_task(&account, "agents", 127, None);
    let (code, report, remarks) = run(&account, &DOCTOR).await;
    assert_eq!(code, 1, "{report}");
    let wrong: Vec<&str> = report.lines().filter(|line| line.starts_with("  !")).collect();
    insta::assert_snapshot!(wrong.join("\n") + "\n" + &remarks);

    let (code, json, remarks) = run(&account, &[&DOCTOR[..], &["--format", "json"]].concat()).await;
    let document: Value = serde_json::from_str(&json).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let count = findings.iter().filter(|finding| finding["outcome"] == "wrong").count();
    assert_eq!((code, count, remarks.as_str()), (1, wrong.len(), ""));
}

#[tokio::test]
async fn a_denial_of_one_look_ends_no_other() {
    for action in RIGHTS {
        // The family has an ACTIVE revision; and without tags, whose a log group is does not count.
        if ["ecs:ListTaskDefinitions", "logs:ListTagsForResource"].contains(&action) {
            continue;
        }
        let account = account();
        account.fault_always(action, Fault::Deny);
        let (code, report, remarks) = run(&account, &[&DOCTOR[..], &["--exit-code"]].concat()).await;
        assert_eq!(code, 3, "{action}: {report}{remarks}");
        assert!(
            report.contains(&format!("not checked: needs {action}\n")),
            "{action}: {report}"
        );
        assert!(remarks.contains("could not be looked at"), "{remarks}");
        if action != "ecs:DescribeTaskDefinition" {
            assert!(
                report.contains("= task definition: revision 1 is ACTIVE"),
                "{action}: {report}"
            );
        }
    }
}

#[tokio::test]
async fn throttled_calls_are_made_again() {
    let account = account();
    for action in [
        "ssm:DescribeParameters",
        "secretsmanager:DescribeSecret",
        "ecr:DescribeImages",
    ] {
        account.fault_on(action, 1, Fault::Throttle);
    }
    let (code, report, _) = run(&account, &DOCTOR).await;
    assert_eq!(code, 0, "{report}");
}

#[tokio::test]
async fn what_is_not_there_is_distinguished_from_what_cannot_be_read() {
    let account = account();
    let (code, report, _) = run(&account, &["doctor", "web"]).await;
    assert_eq!(code, 1);
    assert!(
        report.contains("! task definition: `web` has no revision in us-east-1"),
        "{report}"
    );

    account.plant_deregistration("arn:aws:ecs:us-east-1:111122223333:task-definition/ruby2:1");
    let (code, report, _) = run(&account, &["doctor", FAMILY]).await;
    assert_eq!(code, 1);
    assert!(
        report.contains("has no ACTIVE revision; the newest INACTIVE one is 1"),
        "{report}"
    );

    let expired = Fault::error(
        400,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    account.fault_always("ecs:DescribeTaskDefinition", expired);
    let (code, report, reason) = run(&account, &["doctor", FAMILY]).await;
    assert_eq!((code, report.as_str()), (2, ""));
    assert!(reason.contains("ExpiredTokenException"), "{reason}");

    for wrong in [
        &["doctor", "arn:aws:ecs:x"][..],
        &["doctor", FAMILY, "--scheduler-role", "scheduler"],
    ] {
        let (code, ..) = run(&account, wrong).await;
        assert_eq!(code, 2, "{wrong:?}");
    }
}
