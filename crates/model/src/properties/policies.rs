//! `TaskRolePolicies`: the statements of inline policies, rebuilt of what was read, so that IAM is sent nothing that was
//! not looked at.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{
    arn::Arn,
    condition,
    wire::{Fields, Written},
};
use crate::{Faults, identity::StackId, quoted};

/// The language of policies; the older one reads variables as text.
pub(crate) const VERSION: &str = "2012-10-17";

const POLICY: &str = "{PolicyName, PolicyDocument}";

/// A statement, and where it is.
struct Statement {
    path: String,
    /// What its `Sid` is made of where its author gives none: the policy's name, and its place there.
    place: String,
    content: Map<String, Value>,
}

/// Reads all policies as the statements of one document, each of which has a `Sid` that is used once.
pub(super) fn read(fields: &Fields<'_>, stack: &StackId, faults: &mut Faults) -> Vec<Value> {
    let mut names = HashMap::new();
    let mut statements = Vec::new();
    for policy in fields.list("TaskRolePolicies", POLICY, faults) {
        statements.extend(read_policy(&policy, stack, &mut names, faults));
    }
    let mut sids: HashMap<String, &str> = HashMap::new();
    for Statement { path, content, .. } in &statements {
        let Some(sid) = content.get("Sid").and_then(Value::as_str) else {
            continue;
        };
        if let Some(first) = sids.insert(sid.to_owned(), path) {
            faults.add(
                format!("{path}.Sid"),
                format!(
                    "is {sid}, which {first} already uses; all policies become one document, so each `Sid` must be unique",
                    sid = quoted(sid)
                ),
            );
        }
    }
    let mut taken: HashSet<String> = sids.into_keys().collect();
    let identified = statements.into_iter().map(|Statement { place, mut content, .. }| {
        // All are in one document, where a statement's Sid shows which policy it is of.
        content.entry("Sid").or_insert_with(|| free(&place, &mut taken).into());
        Value::Object(content)
    });
    identified.collect()
}

/// The name, or the first one made of it that is not taken; it is, then.
fn free(name: &str, taken: &mut HashSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 1;
    while !taken.insert(free.clone()) {
        number += 1;
        free = format!("{name}x{number}");
    }
    free
}

fn read_policy(
    policy: &Written<'_>,
    stack: &StackId,
    names: &mut HashMap<String, String>,
    faults: &mut Faults,
) -> Vec<Statement> {
    let Some(fields) = policy.fields(&["PolicyName", "PolicyDocument"], POLICY, faults) else {
        return Vec::new();
    };
    let name = fields.required("PolicyName", "", faults).unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.len() > 128 || !name.chars().all(legal) {
        faults.add(
            fields.path("PolicyName"),
            format!(
                "is not a valid name for a policy: {name}; legal: 1 to 128 letters, digits and `_+=,.@-`",
                name = quoted(&name)
            ),
        );
    }
    if let Some(first) = names.insert(name.clone(), policy.path.clone()) {
        faults.add(
            fields.path("PolicyName"),
            format!("is {name}, as {first} is already", name = quoted(&name)),
        );
    }
    let Some(document) = fields.get("PolicyDocument") else {
        faults.add(fields.path("PolicyDocument"), "is required");
        return Vec::new();
    };
    let Some(document) = document.fields(&["Version", "Id", "Statement"], "{Version, Statement}", faults) else {
        return Vec::new();
    };
    if document
        .text("Version", faults)
        .is_none_or(|version| version != VERSION)
    {
        faults.add(document.path("Version"), format!("must be '{VERSION}'"));
    }
    let Some(written) = document.get("Statement") else {
        faults.add(document.path("Statement"), "is required");
        return Vec::new();
    };
    let statements = match written.value {
        Value::Object(_) => vec![written],
        _ => written.some_elements("statements", faults),
    };
    let of: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let read = statements.iter().enumerate().filter_map(|(index, statement)| {
        Some(Statement {
            path: statement.path.clone(),
            place: format!("{of}{index}"),
            content: read_statement(statement, stack, faults)?,
        })
    });
    read.collect()
}

/// The grammar of a statement of an identity's policy.
fn read_statement(statement: &Written<'_>, stack: &StackId, faults: &mut Faults) -> Option<Map<String, Value>> {
    let known = [
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    let fields = statement.fields(&known, "{Sid, Effect, Action, Resource, Condition}", faults)?;
    let mut content = Map::new();
    if let Some(sid) = fields.text("Sid", faults) {
        if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            faults.add(
                fields.path("Sid"),
                format!("is {sid}; legal: letters and digits alone", sid = quoted(&sid)),
            );
        }
        content.insert("Sid".to_owned(), sid.into());
    }
    if fields.get("Effect").is_none() {
        faults.add(fields.path("Effect"), "is required; legal: Allow, Deny");
    }
    let effect = fields.exactly_one_of("Effect", &["Allow", "Deny"], faults);
    let action = one_or_many(&fields, ["Action", "NotAction"], "actions", &mut content, faults);
    for (path, action) in action {
        let legal = action == "*"
            || action
                .split_once(':')
                .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty() && !name.contains([' ', ':']));
        if !legal {
            faults.add(
                path,
                format!(
                    "is not an action: {action}; write SERVICE:NAME, such as s3:GetObject",
                    action = quoted(&action)
                ),
            );
        }
    }
    let resource = one_or_many(&fields, ["Resource", "NotResource"], "resources", &mut content, faults);
    for (path, resource) in resource {
        if let Some(problem) = fault_of_resource(&resource, stack) {
            faults.add(path, problem);
        }
    }
    if let Some(condition) = fields
        .get("Condition")
        .and_then(|written| condition::read(&written, faults))
    {
        content.insert("Condition".to_owned(), condition);
    }
    content.insert("Effect".to_owned(), effect?.into());
    Some(content)
}

/// What IAM would say of a resource: it takes an ARN apart and knows partition and service.
fn fault_of_resource(resource: &str, stack: &StackId) -> Option<String> {
    if resource == "*" {
        return None;
    }
    let partition = &stack.partition;
    let Some(arn) = Arn::parse(resource) else {
        return Some(format!(
            "is neither an ARN nor `*`: {resource}; write arn:{partition}:SERVICE:REGION:ACCOUNT:RESOURCE, with all five colons",
            resource = quoted(resource)
        ));
    };
    if arn.partition != partition {
        return Some(format!(
            "is of another partition than its stack: {resource}; the stack is in {partition}",
            resource = quoted(resource)
        ));
    }
    (arn.service.is_empty() || arn.service.contains(['*', '?'])).then(|| {
        format!(
            "names no service: {resource}; IAM takes `*` and `?` after the service alone",
            resource = quoted(resource)
        )
    })
}

/// The strings of one of two fields, of which just one has to be there, and them into the content.
fn one_or_many(
    fields: &Fields<'_>,
    [name, not_name]: [&'static str; 2],
    what: &str,
    content: &mut Map<String, Value>,
    faults: &mut Faults,
) -> Vec<(String, String)> {
    let (name, written) = match (fields.get(name), fields.get(not_name)) {
        (Some(written), None) => (name, written),
        (None, Some(written)) => (not_name, written),
        (one, _) => {
            let instead = if one.is_some() {
                format!("is given together with `{not_name}`; leave one of the two out")
            } else {
                "is required".to_owned()
            };
            faults.add(fields.path(name), instead);
            return Vec::new();
        }
    };
    let (texts, value) = written.one_or_many(what, faults);
    content.insert(name.to_owned(), value);
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::properties::tests::validated;

    #[test]
    fn a_policys_name_has_at_most_128_characters() {
        for (length, is_taken) in [(127, true), (128, true), (129, false)] {
            let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
            let document = json!({"Version": VERSION, "Statement": statement});
            let policies = json!([{"PolicyName": "a".repeat(length), "PolicyDocument": document}]);
            let read = validated(&json!({"Image": "ruby", "TaskRolePolicies": policies}));
            assert_eq!(read.is_ok(), is_taken, "{length}");
        }
    }

    #[test]
    fn an_action_is_a_service_and_a_name() {
        for (action, is_one) in [
            ("*", true),
            ("s3:*", true),
            ("s3:GetObject", true),
            ("s3:Get*", true),
            ("GetObject", false),
            (":GetObject", false),
            ("s3:", false),
            (":", false),
            ("s3:Get Object", false),
            ("s3:Get:Object", false),
        ] {
            let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
            let document = json!({"Version": VERSION, "Statement": statement});
            let policies = json!([{"PolicyName": "one", "PolicyDocument": document}]);
            let read = validated(&json!({"Image": "ruby", "TaskRolePolicies": policies}));
            assert_eq!(read.is_ok(), is_one, "{action}");
        }
    }

    #[test]
    fn a_statement_without_a_sid_gets_one_of_its_own_that_shows_its_policy() {
        let statement = |sid: &str| json!({"Sid": sid, "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        let policy = |name: &str, statements: Value| json!({"PolicyName": name, "PolicyDocument": {"Version": VERSION, "Statement": statements}});
        let none = statement("");
        let policies = json!([
            policy("one", json!([none, statement("Mine"), none])),
            policy("o.ne", none.clone()),
            policy("on-e", none.clone()),
            policy("o_n_e", none),
            policy("two", statement("one2")),
        ]);
        let written = json!({"Image": "ruby", "TaskRolePolicies": policies});
        let properties = validated(&written).unwrap();
        let statements = &properties.task_role_rights.statements;
        let sids: Vec<&str> = statements
            .iter()
            .filter_map(|statement| statement["Sid"].as_str())
            .collect();
        assert_eq!(sids, ["one0", "Mine", "one2x2", "one0x2", "one0x3", "one0x4", "one2"]);
    }
}
