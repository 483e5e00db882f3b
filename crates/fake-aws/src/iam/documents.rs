//! Policy documents: what IAM refuses when one is written. What a policy *means* is in `policy`.

use serde_json::{Map, Value};

use super::super::error::ApiError;

/// The length that quotas count: without white space (docs/internals/aws.md, "Names and quotas").
pub fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// Checks a trust policy.
pub fn check_trust(document: &str) -> Result<(), ApiError> {
    for statement in statements(document)? {
        for needed in ["Principal", "Action"] {
            if !statement.contains_key(needed) {
                return Err(malformed(format!("Missing required field {needed}")));
            }
        }
        if statement.contains_key("Resource") {
            return Err(malformed("Has prohibited field Resource"));
        }
    }
    Ok(())
}

/// Checks an inline policy.
pub fn check_identity(document: &str) -> Result<(), ApiError> {
    for statement in statements(document)? {
        if statement.contains_key("Principal") {
            return Err(malformed("Policy document should not specify a principal."));
        }
        for action in one_or_more(&statement, "Action", "NotAction", "actions")? {
            if action != "*" && !action.contains(':') {
                return Err(malformed(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                ));
            }
        }
        for resource in one_or_more(&statement, "Resource", "NotResource", "resources")? {
            let is_arn = resource.starts_with("arn:") && resource.splitn(6, ':').count() == 6;
            if resource != "*" && !is_arn {
                return Err(malformed(format!(
                    "Resource {resource} must be in ARN format or \"*\"."
                )));
            }
        }
    }
    Ok(())
}

fn malformed(message: impl Into<String>) -> ApiError {
    ApiError::bad("MalformedPolicyDocument", message)
}

fn statements(document: &str) -> Result<Vec<Map<String, Value>>, ApiError> {
    let syntax = || malformed("Syntax errors in policy.");
    let Ok(Value::Object(policy)) = serde_json::from_str(document) else {
        return Err(malformed("This policy contains invalid Json"));
    };
    if policy
        .keys()
        .any(|key| !["Version", "Id", "Statement"].contains(&key.as_str()))
    {
        return Err(syntax());
    }
    if let Some(version) = policy.get("Version")
        && version != "2012-10-17"
        && version != "2008-10-17"
    {
        return Err(syntax());
    }
    let list = match policy.get("Statement") {
        Some(Value::Array(list)) if !list.is_empty() => list.clone(),
        Some(single @ Value::Object(_)) => vec![single.clone()],
        _ => return Err(syntax()),
    };
    let mut sids: Vec<String> = Vec::new();
    let mut statements = Vec::new();
    for entry in list {
        let Value::Object(statement) = entry else {
            return Err(syntax());
        };
        if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
            return Err(malformed("Missing required field Effect"));
        }
        if let Some(sid) = statement.get("Sid").and_then(Value::as_str) {
            if !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
                return Err(malformed(
                    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
                ));
            }
            if sids.iter().any(|other| other == sid) {
                return Err(malformed("Statement IDs (SID) in a single policy must be unique."));
            }
            sids.push(sid.to_owned());
        }
        let well_formed = statement
            .get("Condition")
            .is_none_or(|held| held.as_object().is_some_and(|map| map.values().all(Value::is_object)));
        let has_null = |held: &Value| held.as_array().is_some_and(|many| many.iter().any(Value::is_null));
        if !well_formed || statement.values().any(|held| held.is_null() || has_null(held)) {
            return Err(syntax());
        }
        statements.push(statement);
    }
    Ok(statements)
}

/// The strings of exactly one of two elements.
fn one_or_more(
    statement: &Map<String, Value>,
    element: &str,
    inverse: &str,
    what: &str,
) -> Result<Vec<String>, ApiError> {
    let ((Some(held), None) | (None, Some(held))) = (statement.get(element), statement.get(inverse)) else {
        return Err(malformed(format!("Policy statement must contain {what}.")));
    };
    let list = match held {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    if list.is_empty() {
        return Err(malformed(format!("Policy statement must contain {what}.")));
    }
    Ok(list)
}
