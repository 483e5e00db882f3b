//! What template.yml lets the handler do, with a boundary configured or without; and the numbers that must fit together.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::Duration,
};

use agent_composer::{messages::MOST_RECEIVES, response_url::VALID};
use agent_composer_cli::template::{Kind, Node, read};
use serde_json::{Map, Value};

use crate::{
    account::{Demand, Policy, Verdict},
    stack::TIMEOUT,
};

/// The boundary that is configured, if one is.
pub const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/Boundary";

/// The queue of requests.
pub const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:requests.fifo";

/// The policies of the handler's role where [`BOUNDARY`] is configured.
pub static BOUNDED: LazyLock<Vec<Value>> = LazyLock::new(|| policies(BOUNDARY));

/// The policies of the handler's role where no boundary is.
pub static UNBOUNDED: LazyLock<Vec<Value>> = LazyLock::new(|| policies(""));

/// Every action that some statement allows.
pub fn actions(policies: &[Value]) -> BTreeSet<String> {
    let statements = policies
        .iter()
        .filter_map(|policy| policy["Statement"].as_array())
        .flatten();
    let actions = statements.flat_map(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        one => vec![one.clone()],
    });
    actions
        .filter_map(|action| action.as_str().map(str::to_owned))
        .collect()
}

fn text() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yml")).expect("template.yml")
}

fn policies(boundary: &str) -> Vec<Value> {
    policies_of("HandlerRole", boundary)
}

fn policies_of(role: &str, boundary: &str) -> Vec<Value> {
    let template = read(&text()).expect("a template");
    let resolver = Resolver::of(&template, boundary);
    let role = within(&template, &["Resources", role, "Properties", "Policies"]);
    let policies = role.elements().expect("a list of policies").iter();
    policies
        .map(|policy| {
            let document = within(policy, &["PolicyDocument"]);
            resolver.resolved(document).expect("a policy")
        })
        .collect()
}

fn within<'a>(node: &'a Node, path: &[&str]) -> &'a Node {
    path.iter().fold(node, |node, name| {
        node.get(name)
            .unwrap_or_else(|| panic!("template.yml has no {}", path.join(".")))
    })
}

/// What `Ref`, `Sub` and `If` come to.
struct Resolver(BTreeMap<String, String>);

impl Resolver {
    /// The parameters at their defaults but for the boundary, in the account of the tests.
    fn of(template: &Node, boundary: &str) -> Self {
        let parameters = within(template, &["Parameters"]).entries().iter();
        let defaults =
            parameters.filter_map(|entry| Some((entry.name.clone(), entry.value.get("Default")?.text()?.to_owned())));
        let known = [
            ("AWS::Partition", "aws"),
            ("AWS::Region", "us-east-1"),
            ("AWS::AccountId", "111122223333"),
            ("PermissionsBoundaryArn", boundary),
        ];
        let known = known.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(defaults.chain(known).collect())
    }

    fn value(&self, name: &str) -> &str {
        let value = self.0.get(name);
        value.unwrap_or_else(|| panic!("template.yml refers to {name}, which is not known here"))
    }

    /// What stands there; none for `AWS::NoValue`.
    fn resolved(&self, node: &Node) -> Option<Value> {
        match (&node.kind, node.tag.as_deref()) {
            (Kind::Scalar(name, _), Some("Ref")) if name == "AWS::NoValue" => None,
            (Kind::Scalar(name, _), Some("Ref")) => Some(self.value(name).into()),
            (Kind::Scalar(text, _), Some("Sub")) => Some(self.substituted(text).into()),
            (Kind::Scalar(name, _), Some("GetAtt")) if name == "RequestQueue.Arn" => Some(QUEUE.into()),
            (Kind::Sequence(branches), Some("If")) => {
                let condition = branches[0].text();
                assert_eq!(
                    condition,
                    Some("HasPermissionsBoundary"),
                    "the one condition that is known here"
                );
                self.resolved(
                    &branches[if self.value("PermissionsBoundaryArn").is_empty() {
                        2
                    } else {
                        1
                    }],
                )
            }
            (Kind::Scalar(text, _), None) => Some(text.clone().into()),
            (Kind::Sequence(elements), None) => Some(elements.iter().filter_map(|one| self.resolved(one)).collect()),
            (Kind::Mapping(entries), None) => {
                let fields = entries
                    .iter()
                    .filter_map(|entry| Some((entry.name.clone(), self.resolved(&entry.value)?)));
                Some(Value::Object(fields.collect::<Map<_, _>>()))
            }
            (_, Some(tag)) => panic!("template.yml has !{tag} in a policy, which is not known here"),
        }
    }

    fn substituted(&self, text: &str) -> String {
        let mut pieces = text.split("${");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |done, piece| {
            let (name, rest) = piece
                .split_once('}')
                .unwrap_or_else(|| panic!("template.yml has no end of ${{{piece}"));
            done + self.value(name) + rest
        })
    }
}

/// Whether the template lets the function do it to the role, which has that boundary.
fn allows(action: &str, role: &str, boundary: Option<&str>) -> bool {
    let resource = format!("arn:aws:iam::111122223333:role{role}");
    let boundary = boundary.map(|arn| ("iam:PermissionsBoundary".to_owned(), vec![arn.to_owned()]));
    let demand = Demand {
        action: action.to_owned(),
        named: resource.clone(),
        resource,
        context: boundary.into_iter().collect(),
    };
    let mut policies = BOUNDED.iter().map(|document| Policy::parse(document).unwrap());
    policies.any(|policy| policy.verdict(&demand) == Verdict::Allowed)
}

#[test]
fn the_policies_are_the_templates_with_their_conditions() {
    let (execution, task) = ("/BuildkiteAgentExecution/a", "/BuildkiteAgentTask/a");
    for action in [
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:UpdateAssumeRolePolicy",
        "iam:PutRolePermissionsBoundary",
    ] {
        for role in [execution, task] {
            assert!(allows(action, role, Some(BOUNDARY)), "{action} {role}");
            assert!(!allows(action, role, None), "{action} {role} without a boundary");
            assert!(
                !allows(action, role, Some("arn:aws:iam::111122223333:policy/Another")),
                "{action} {role}"
            );
        }
        assert!(!allows(action, "/a", Some(BOUNDARY)), "{action} outside the paths");
    }
    assert!(allows("iam:AttachRolePolicy", task, Some(BOUNDARY)));
    assert!(!allows("iam:AttachRolePolicy", task, None));
    assert!(!allows("iam:AttachRolePolicy", execution, Some(BOUNDARY)));
    assert!(allows("iam:DeleteRole", task, None));
    assert!(!allows("iam:DeleteRolePermissionsBoundary", task, Some(BOUNDARY)));
}

#[test]
fn the_receiver_can_only_send_to_the_queue_and_write_its_log() {
    let granted = actions(&policies_of("ReceiverRole", BOUNDARY));
    let expected = ["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"];
    assert_eq!(granted, expected.map(str::to_owned).into());
}

#[test]
fn the_template_never_opens_other_response_hosts() {
    assert!(!text().contains("ALLOWED_RESPONSE_HOSTS"));
}

/// A number of template.yml's resources.
fn number(path: &[&str]) -> u64 {
    let template = read(&text()).expect("a template");
    let node = within(within(&template, &["Resources"]), path);
    node.text()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{} is not a number", path.join(".")))
}

#[test]
fn the_times_of_the_template_fit_together_and_the_code() {
    let timeout = number(&["Handler", "Properties", "Timeout"]);
    let visibility = number(&["RequestQueue", "Properties", "VisibilityTimeout"]);
    let receives = number(&["RequestQueue", "Properties", "RedrivePolicy", "maxReceiveCount"]);
    let retention = number(&["RequestQueue", "Properties", "MessageRetentionPeriod"]);
    assert_eq!(Duration::from_secs(timeout), TIMEOUT);
    // A message whose run died before it renewed the lock comes back after that run's end.
    assert!(visibility >= timeout + 30);
    assert_eq!(receives, u64::from(MOST_RECEIVES));
    assert_eq!(retention, VALID, "as long as a response URL is valid");
    assert!(
        receives * visibility < retention,
        "the last receive comes before the message is gone"
    );
    assert_eq!(number(&["RequestMapping", "Properties", "BatchSize"]), 1);
    assert!(number(&["DeadLetterQueue", "Properties", "MessageRetentionPeriod"]) > retention);
    // The receiver tries to send for 20 s, and may then have to answer FAILED.
    assert!(number(&["Provider", "Properties", "Timeout"]) >= 40);
    let age = [
        "Provider",
        "Properties",
        "EventInvokeConfig",
        "MaximumEventAgeInSeconds",
    ];
    assert!(number(&age) < retention);
}
