//! Which resources of a template are agents, and where there may be some that nobody looked at.

use super::{Finding, TYPE};
use crate::template::{Call, Entry, Kind, Node, Weight, is_loop, long_form, of_entry};

/// How the provider's export and its function are called unless somebody wants it otherwise.
const PROVIDER: &str = "buildkite-agent-provider";

/// A type of CloudFormation's that any provider may be behind, as behind each `Custom::…`.
const ANY: &str = "AWS::CloudFormation::CustomResource";

/// The template's agents: of the type, or of another with the token of the same provider.
pub(super) fn of(template: &Node) -> Vec<&Entry> {
    let resources = template.get("Resources").map(Node::entries).unwrap_or_default();
    let ours: Vec<String> = (resources.iter())
        .filter(|entry| kind(entry) == TYPE)
        .filter_map(token)
        .collect();
    let is_one = |entry: &&Entry| {
        let kind = kind(entry);
        let may_be = kind == ANY || kind.starts_with("Custom::");
        kind == TYPE || may_be && token(entry).is_some_and(|token| token.contains(PROVIDER) || ours.contains(&token))
    };
    resources.iter().filter(is_one).collect()
}

fn kind(entry: &Entry) -> &str {
    entry.value.get("Type").and_then(Node::text).unwrap_or_default()
}

/// A resource's `ServiceToken` as it is written, whatever its form.
fn token(entry: &Entry) -> Option<String> {
    let token = entry.value.get("Properties")?.get("ServiceToken")?;
    Some(long_form(token).to_string())
}

/// Notes on agents of another type.
pub(super) fn of_another_type(agents: &[&Entry]) -> Vec<Finding> {
    let others = agents.iter().filter(|entry| kind(entry) != TYPE);
    others
        .map(|entry| Finding {
            weight: Weight::Note,
            logical_id: Some(entry.name.clone()),
            path: None,
            at: entry.value.entry("Type").map(of_entry).unwrap_or_default(),
            sentence: format!(
                "has the provider's token, so it is planned as a {TYPE}; as a {}, tools do not know its properties",
                kind(entry)
            ),
            may_show_a_secret: false,
        })
        .collect()
}

/// What may be or hold an agent, and was not looked at.
pub(super) fn not_looked_at(template: &Node) -> Vec<String> {
    let mut found = Vec::new();
    for entry in template.get("Resources").map(Node::entries).unwrap_or_default() {
        let (name, kind) = (&entry.name, kind(entry));
        let what = if is_loop(name) {
            "a loop over what is not known"
        } else if name == "Fn::Transform" {
            "what a transform adds"
        } else if kind == "AWS::CloudFormation::Stack" || kind == "AWS::Serverless::Application" {
            "a nested stack, which has a template of its own"
        } else if kind.ends_with("::MODULE") {
            "a module"
        } else if (kind == ANY || kind.starts_with("Custom::") && kind != TYPE) && is_open(entry) {
            "a custom resource whose provider is not known"
        } else {
            continue;
        };
        found.push(format!("`{name}` ({what})"));
    }
    if template.entries().iter().any(|entry| entry.name == "Fn::Transform") {
        found.push("what `Fn::Transform` adds to the template".to_owned());
    }
    found
}

/// Whether a resource's token is a parameter, or something else that can turn out to be anything.
fn is_open(entry: &Entry) -> bool {
    let token = entry.value.get("Properties").and_then(|all| all.get("ServiceToken"));
    let Some(call) = token.and_then(Call::of) else {
        return false;
    };
    match call.name.as_str() {
        "GetAtt" => false,
        "ImportValue" => !matches!(call.argument.kind, Kind::Scalar(..)),
        _ => true,
    }
}
