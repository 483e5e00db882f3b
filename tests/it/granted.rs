//! What template.yml lets the handler do, with a boundary configured or without; and the numbers that must fit together.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::Duration,
};

use agent_composer::{
    composition::Composition,
    identity::{Owner, StackId},
    messages::MOST_RECEIVES,
    response_url::VALID,
    settings::Settings,
};
use agent_composer_cli::template::{Kind, Node, read};
use serde_json::{Map, Value, json};

use crate::{
    account::{Demand, Policy, Verdict, verdict},
    stack::TIMEOUT,
};

/// The boundary that is configured, if one is.
pub const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/Boundary";

/// The queue of requests.
pub const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:requests.fifo";

/// The policies of the handler's role where [`BOUNDARY`] is configured, and a key of authors' tags for roles.
pub static BOUNDED: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let parameters = [("PermissionsBoundaryArn", BOUNDARY), ("RoleTagKeys", "team,Team,image")];
    policies_of("HandlerRole", &parameters)
});

/// The policies of the handler's role where roles shall have no boundary.
pub static UNBOUNDED: LazyLock<Vec<Value>> =
    LazyLock::new(|| policies_of("HandlerRole", &[("PermissionsBoundaryArn", "none")]));

/// The policies of the handler's role with every parameter at its default: roles have the template's own boundary.
pub static DEFAULT: LazyLock<Vec<Value>> = LazyLock::new(|| policies_of("HandlerRole", &[]));

/// A stack in the account of the tests.
const STACK: &str =
    "arn:aws:cloudformation:us-east-1:111122223333:stack/pipelines/5f2c1b70-0001-11f0-8de9-0242ac120002";

/// The template's own boundary.
const OWN_BOUNDARY: &str = "arn:aws:iam::111122223333:policy/provider-AgentBoundary";

/// Every action that some statement allows.
pub fn actions(policies: &[Value]) -> BTreeSet<String> {
    let statements = policies
        .iter()
        .filter_map(|policy| policy["Statement"].as_array())
        .flatten()
        .filter(|statement| statement["Effect"] == "Allow");
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

/// The policies of a role of the template, with these parameters.
pub fn policies_of(role: &str, parameters: &[(&str, &str)]) -> Vec<Value> {
    let template = read(&text()).expect("a template");
    let resolver = Resolver::of(&template, parameters);
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

/// Evaluates the template's functions.
struct Resolver(BTreeMap<String, String>);

impl Resolver {
    /// The parameters at their defaults but for these, in the account of the tests.
    fn of(template: &Node, given: &[(&str, &str)]) -> Self {
        let parameters = within(template, &["Parameters"]).entries().iter();
        let defaults =
            parameters.filter_map(|entry| Some((entry.name.clone(), entry.value.get("Default")?.text()?.to_owned())));
        let known = [
            ("AWS::Partition", "aws"),
            ("AWS::Region", "us-east-1"),
            ("AWS::AccountId", "111122223333"),
            ("AgentBoundary", OWN_BOUNDARY),
        ];
        let known = known
            .iter()
            .chain(given)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(defaults.chain(known).collect())
    }

    fn value(&self, name: &str) -> &str {
        let value = self.0.get(name);
        value.unwrap_or_else(|| panic!("template.yml refers to {name}, which is not known here"))
    }

    /// What is there; none for `AWS::NoValue`.
    fn resolved(&self, node: &Node) -> Option<Value> {
        match (&node.kind, node.tag.as_deref()) {
            (Kind::Scalar(name, _), Some("Ref")) if name == "AWS::NoValue" => None,
            (Kind::Scalar(name, _), Some("Ref")) => Some(self.value(name).into()),
            (Kind::Scalar(text, _), Some("Sub")) => Some(self.substituted(text).into()),
            (Kind::Scalar(name, _), Some("GetAtt")) if name == "RequestQueue.Arn" => Some(QUEUE.into()),
            (Kind::Sequence(branches), Some("If")) => {
                let boundary = self.value("PermissionsBoundaryArn");
                let holds = match branches[0].text() {
                    Some("HasPermissionsBoundary") => boundary != "none",
                    Some("HasChosenBoundary") => boundary.starts_with("arn:"),
                    Some("RefusesPrivileged") => self.value("AllowPrivileged") != "true",
                    other => panic!("template.yml has the condition {other:?}, which is not known here"),
                };
                self.resolved(&branches[if holds { 1 } else { 2 }])
            }
            (Kind::Sequence(parts), Some("Join")) => {
                let texts = self.resolved(&parts[1])?;
                let texts: Vec<&str> = match &texts {
                    Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
                    // A list parameter's value, which is joined as it is written.
                    one => one.as_str().into_iter().collect(),
                };
                Some(texts.join(self.resolved(&parts[0])?.as_str()?).into())
            }
            (Kind::Sequence(parts), Some("Split")) => {
                let joined = self.resolved(&parts[1])?;
                Some(joined.as_str()?.split(parts[0].text()?).collect())
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

/// Whether policies let the function do it to the role, which has that boundary, and the tag of what the provider made.
fn allows(policies: &[Value], action: &str, role: &str, boundary: Option<&str>) -> bool {
    let resource = format!("arn:aws:iam::111122223333:role{role}");
    let boundary = boundary.map(|arn| ("iam:PermissionsBoundary".to_owned(), vec![arn.to_owned()]));
    let owner = (
        "aws:ResourceTag/agent-composer:stack-id".to_owned(),
        vec![STACK.to_owned()],
    );
    let demand = Demand {
        action: action.to_owned(),
        named: resource.clone(),
        resource,
        context: boundary.into_iter().chain([owner]).collect(),
    };
    verdict_of(policies, &demand) == Verdict::Allowed
}

/// What policies say together.
pub fn verdict_of(policies: &[Value], demand: &Demand) -> Verdict {
    let policies: Vec<Policy> = policies
        .iter()
        .map(|one| Policy::parse(one).expect("a policy"))
        .collect();
    verdict(&policies, demand)
}

const EXECUTION: &str = "/BuildkiteAgentExecution/a";
const TASK: &str = "/BuildkiteAgentTask/a";

#[test]
fn what_gives_rights_is_allowed_on_roles_with_the_boundary_alone() {
    for (policies, boundary) in [(&BOUNDED, BOUNDARY), (&DEFAULT, OWN_BOUNDARY)] {
        let allows = |action, role, boundary| allows(policies, action, role, boundary);
        for action in [
            "iam:CreateRole",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            "iam:PutRolePermissionsBoundary",
        ] {
            for role in [EXECUTION, TASK] {
                assert!(allows(action, role, Some(boundary)), "{action} {role}");
                assert!(!allows(action, role, None), "{action} {role} without a boundary");
                assert!(
                    !allows(action, role, Some("arn:aws:iam::111122223333:policy/Another")),
                    "{action} {role}"
                );
            }
            assert!(!allows(action, "/a", Some(boundary)), "{action} outside the paths");
        }
        assert!(allows("iam:DeleteRole", TASK, None));
        assert!(!allows("iam:DeleteRolePermissionsBoundary", TASK, Some(boundary)));
    }
}

#[test]
fn policies_of_authors_are_attached_only_where_the_deployer_chose_the_boundary() {
    let attach = "iam:AttachRolePolicy";
    assert!(allows(&BOUNDED, attach, TASK, Some(BOUNDARY)));
    assert!(!allows(&BOUNDED, attach, TASK, None));
    assert!(!allows(&BOUNDED, attach, EXECUTION, Some(BOUNDARY)));
    assert!(!allows(&DEFAULT, attach, TASK, Some(OWN_BOUNDARY)));
    assert!(!allows(&UNBOUNDED, attach, TASK, None));
}

#[test]
fn a_role_gets_no_tag_of_the_authors_unless_its_key_is_allowed() {
    let tags = |keys: &[&str]| Demand {
        action: "iam:TagRole".to_owned(),
        named: String::new(),
        resource: "arn:aws:iam::111122223333:role/BuildkiteAgentTask/a".to_owned(),
        context: [(
            "aws:TagKeys".to_owned(),
            keys.iter().map(|&key| key.to_owned()).collect(),
        )]
        .into(),
    };
    let allows = |policies: &[Value], keys: &[&str]| verdict_of(policies, &tags(keys)) == Verdict::Allowed;
    let own = [
        "agent-composer:stack-id",
        "agent-composer:logical-id",
        "agent-composer:request:v1",
        "agent-composer:version",
    ];
    assert!(allows(&UNBOUNDED, &own));
    assert!(!allows(&UNBOUNDED, &["agent-composer:stack-id", "team"]));
    assert!(allows(&BOUNDED, &["agent-composer:stack-id", "team"]));
    assert!(!allows(&BOUNDED, &["team", "department"]));
}

/// A statement's Sid, an action, a resource, and the condition keys of a request.
type Asked = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// What each condition and each Deny of the handler's policies is there to refuse.
const REFUSED: [Asked; 10] = [
    (
        "RefusePrivileged",
        "ecs:RegisterTaskDefinition",
        "arn:aws:ecs:us-east-1:111122223333:task-definition/a:*",
        &[("ecs:privileged", "true")],
    ),
    (
        "TagOnRegister",
        "ecs:TagResource",
        "arn:aws:ecs:us-east-1:111122223333:task-definition/a:1",
        &[],
    ),
    (
        "MakeRoles",
        "iam:CreateRole",
        "arn:aws:iam::111122223333:role/BuildkiteAgentTask/a",
        &[],
    ),
    (
        "SetTheBoundary",
        "iam:PutRolePermissionsBoundary",
        "arn:aws:iam::111122223333:role/BuildkiteAgentTask/a",
        &[("iam:PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess")],
    ),
    (
        "AttachPolicies",
        "iam:AttachRolePolicy",
        "arn:aws:iam::111122223333:role/BuildkiteAgentTask/a",
        &[("iam:PolicyARN", "arn:aws:iam::aws:policy/ReadOnlyAccess")],
    ),
    (
        "DeleteRoles",
        "iam:DeleteRole",
        "arn:aws:iam::111122223333:role/BuildkiteAgentTask/deploy",
        &[],
    ),
    (
        "TagRoles",
        "iam:TagRole",
        "arn:aws:iam::111122223333:role/BuildkiteAgentTask/a",
        &[("aws:TagKeys", "department")],
    ),
    (
        "PassRolesToTasks",
        "iam:PassRole",
        "arn:aws:iam::111122223333:role/BuildkiteAgentTask/a",
        &[("iam:PassedToService", "lambda.amazonaws.com")],
    ),
    (
        "LeaveDeeperLogGroups",
        "logs:DeleteLogGroup",
        "arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/containerinsights/web/performance:log-stream:",
        &[],
    ),
    (
        "LeaveDeeperLogGroups",
        "logs:CreateLogGroup",
        "arn:aws:logs:us-east-1:111122223333:log-group:/aws/ecs/a/b:log-stream:",
        &[],
    ),
];

#[test]
fn each_condition_and_each_denial_of_the_template_refuses_what_nothing_else_does() {
    let mut with_limits: BTreeSet<String> = BTreeSet::new();
    for statement in BOUNDED
        .iter()
        .flat_map(|policy| policy["Statement"].as_array().expect("statements"))
    {
        if statement["Effect"] == "Deny" || statement.get("Condition").is_some() {
            with_limits.insert(statement["Sid"].as_str().expect("a Sid").to_owned());
        }
    }
    assert_eq!(with_limits, REFUSED.iter().map(|(sid, ..)| (*sid).to_owned()).collect());
    for (sid, action, resource, context) in REFUSED {
        let demand = Demand {
            action: action.to_owned(),
            named: resource.to_owned(),
            resource: resource.to_owned(),
            context: context
                .iter()
                .map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]))
                .collect(),
        };
        assert_ne!(verdict_of(&BOUNDED, &demand), Verdict::Allowed, "{sid}");
        let mut without = BOUNDED.to_vec();
        for policy in &mut without {
            let statements = policy["Statement"].as_array_mut().expect("statements");
            statements.retain(|one| one["Sid"] != sid || one["Effect"] != "Deny");
            for statement in statements.iter_mut().filter(|one| one["Sid"] == sid) {
                statement.as_object_mut().expect("a statement").remove("Condition");
            }
        }
        assert_eq!(
            verdict_of(&without, &demand),
            Verdict::Allowed,
            "without the limit of {sid}"
        );
    }
}

#[test]
fn a_family_prefix_and_allowed_privileges_are_in_the_rights() {
    let given = [("FamilyPrefix", "ci-"), ("AllowPrivileged", "true")];
    let policies = policies_of("HandlerRole", &given);
    let verdict_on = |action: &str, resource: &str| {
        let demand = Demand {
            action: action.to_owned(),
            named: resource.to_owned(),
            resource: format!("arn:aws:{resource}"),
            context: [("ecs:privileged".to_owned(), vec!["true".to_owned()])].into(),
        };
        verdict_of(&policies, &demand) == Verdict::Allowed
    };
    for (family, allowed) in [("ci-ruby", true), ("web", false)] {
        let definition = format!("ecs:us-east-1:111122223333:task-definition/{family}:*");
        assert_eq!(
            verdict_on("ecs:RegisterTaskDefinition", &definition),
            allowed,
            "{family}"
        );
        let group = format!("logs:us-east-1:111122223333:log-group:/aws/ecs/{family}:log-stream:");
        assert_eq!(verdict_on("logs:CreateLogGroup", &group), allowed, "{family}");
    }
}

/// What a statement asks for, each action on each resource, under the conditions that it names itself.
fn demands(statement: &Value) -> Vec<Demand> {
    let listed = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => vec![one.as_str().unwrap_or_default().to_owned()],
    };
    let operators = statement["Condition"].as_object().into_iter().flat_map(Map::values);
    let keys = operators.flat_map(|keys| keys.as_object().into_iter().flatten());
    let context: BTreeMap<_, _> = keys.map(|(key, values)| (key.clone(), listed(values))).collect();
    let (actions, resources) = (listed(&statement["Action"]), listed(&statement["Resource"]));
    let pairs = actions
        .iter()
        .flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    pairs
        .map(|(action, resource)| Demand {
            action: action.clone(),
            named: resource.clone(),
            resource: resource.clone(),
            context: context.clone(),
        })
        .collect()
}

#[test]
fn the_templates_boundary_allows_all_that_the_provider_gives_and_nothing_of_the_authors() {
    let template = read(&text()).expect("a template");
    let document = within(
        &template,
        &["Resources", "AgentBoundary", "Properties", "PolicyDocument"],
    );
    let document = Resolver::of(&template, &[]).resolved(document).expect("a policy");
    let boundary = Policy::parse(&document).expect("a policy");

    let written = include_str!("../../crates/model/src/properties/every_property.json");
    let mut written: Map<String, Value> = serde_json::from_str(written).expect("properties");
    let owner = Owner {
        stack_id: StackId::parse(STACK).expect("a stack's id"),
        logical_id: "Every".to_owned(),
    };
    for given in ["TaskRoleArn", "TaskRolePolicies", "TaskRoleManagedPolicyArns"] {
        written.remove(given);
    }
    let files = json!([{"Type": "s3", "Value": "arn:aws:s3:::configuration/agents/ruby.env"}]);
    written.insert("AgentContainer".to_owned(), json!({"EnvironmentFiles": files}));
    let settings = Settings::read(|_| None).expect("settings");
    let (_, composition) = Composition::of(&written, &owner, &settings).expect("a composition");
    let task_role = composition.task_role.made().expect("a role that is made");
    let mut asked = BTreeSet::new();
    for policy in [&composition.execution_role.policy, &task_role.policy] {
        let policy = serde_json::to_value(policy.as_ref().expect("a policy")).expect("JSON");
        for demand in policy["Statement"]
            .as_array()
            .expect("statements")
            .iter()
            .flat_map(demands)
        {
            assert_eq!(boundary.verdict(&demand), Verdict::Allowed, "{demand:?}");
            asked.insert(demand.action);
        }
    }
    assert_eq!(asked, actions(&[document]), "and no action too many");
}

#[test]
fn the_receiver_can_only_send_to_the_queue_and_write_its_log() {
    let granted = actions(&policies_of("ReceiverRole", &[]));
    let expected = ["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"];
    assert_eq!(granted, expected.map(str::to_owned).into());
}

#[test]
fn the_template_never_opens_other_response_hosts() {
    assert!(!text().contains("ALLOWED_RESPONSE_HOSTS"));
}

#[test]
fn the_versions_in_the_template_are_the_codes() {
    let template = read(&text()).expect("a template");
    let version = Some(env!("CARGO_PKG_VERSION"));
    let published = ["Metadata", "AWS::ServerlessRepo::Application", "SemanticVersion"];
    for path in [&["Outputs", "Version", "Value"], &published] {
        assert_eq!(within(&template, path).text(), version, "{path:?}");
    }
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
