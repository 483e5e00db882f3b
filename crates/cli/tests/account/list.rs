//! `agent-composer list`.

use fake_aws::{Account, Fault};
use serde_json::Value;

use crate::planted::{Planted, run, was_read_with};

/// As docs/reference/command.md, "List", has them.
const RIGHTS: [&str; 7] = [
    "ecs:ListTaskDefinitionFamilies",
    "ecs:DescribeTaskDefinition",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "iam:ListRoles",
    "iam:GetRole",
    "cloudformation:DescribeStacks",
];

/// Two agents of one stack, one of them behind; one of another; what is left of a third; and things of other people's.
fn account() -> Account {
    let account = Account::new();
    Planted::new(&account, "pipelines", "Ruby2", "0.1.0").whole(&account);
    Planted::new(&account, "pipelines", "Rust", "0.2.0").whole(&account);
    Planted::new(&account, "docs", "Docs", "0.3.0").whole(&account);
    let gone = Planted::new(&account, "gone", "Rails", "0.1.0");
    let gone = gone.log_group(&account).roles(&account);
    account.set_stack(gone.identity.owner.stack_id.as_str(), "DELETE_COMPLETE");
    account.plant_revision("web", "nginx", &[]);
    account.plant_log_group("/aws/ecs/containerinsights/web", &[]);
    account.plant_role("/", "web", &[]);
    account
}

#[tokio::test]
async fn agents_are_listed_with_what_to_do() {
    let account = account();
    account.set_page_size(2);
    let (code, table, remarks) = run(&account, &["list", "--behind", "0.2.0"]).await;
    assert_eq!(code, 0, "{remarks}");
    insta::assert_snapshot!("table", table);
    insta::assert_snapshot!("remarks", remarks);
    was_read_with(&account, &RIGHTS);
}

#[tokio::test]
async fn programs_get_json_and_an_exit_code() {
    let account = account();
    let (code, json, remarks) = run(&account, &["list", "--format", "json", "--exit-code"]).await;
    let document: Value = serde_json::from_str(&json).unwrap();
    // All of them are of the command's own version or later.
    let needs = |key: &str| -> Vec<&str> {
        let agents = document["agents"].as_array().unwrap().iter();
        let needing = agents.filter(|agent| agent[key] == true);
        needing.map(|agent| agent["family"].as_str().unwrap()).collect()
    };
    assert_eq!(needs("isOrphan"), ["rails"]);
    assert_eq!(needs("needsRefresh"), [] as [&str; 0]);
    assert_eq!((code, remarks.as_str()), (3, ""));

    let (code, ..) = run(&Account::new(), &["list", "--exit-code"]).await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn an_account_that_cannot_be_read_ends_with_2() {
    let account = account();
    account.fault_always("cloudformation:DescribeStacks", Fault::Deny);
    let (code, table, reason) = run(&account, &["list"]).await;
    assert_eq!((code, table.as_str()), (2, ""));
    assert!(
        reason.contains("error: cloudformation:DescribeStacks on ") && reason.contains("AccessDenied"),
        "{reason}"
    );
    let (code, _, reason) = run(&Account::new(), &["list", "--behind", "latest"]).await;
    assert_eq!(code, 2);
    assert!(reason.contains("write MAJOR.MINOR.PATCH"), "{reason}");
}

#[tokio::test]
async fn a_throttled_call_is_made_again() {
    let account = account();
    account.fault_on("logs:ListTagsForResource", 1, Fault::Throttle);
    account.fault_on("ecs:DescribeTaskDefinition", 2, Fault::Throttle);
    let (code, table, reason) = run(&account, &["list"]).await;
    assert_eq!(code, 0, "{reason}");
    assert_eq!(table.lines().count(), 5, "{table}");
}
