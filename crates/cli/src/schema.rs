//! What tools can know of `Custom::BuildkiteAgent`: a schema as CloudFormation's registry has them, and one of
//! whole templates for editors.

use serde_json::{Map, Value, json};

use agent_composer_model::properties::{ATTRIBUTES, PROPERTIES, schema, together};

/// The resource's type.
pub const TYPE: &str = "Custom::BuildkiteAgent";

/// The key of an intrinsic function in its long form.
const LONG_FORM: &str = "^(Ref|Fn::[A-Za-z0-9:]+)$";

/// The schema of the properties, in the form of CloudFormation's registry.
#[must_use]
pub fn resource() -> Value {
    let mut properties = schema::properties();
    properties.insert(
        "ServiceToken".to_owned(),
        json!({
            "type": "string",
            "pattern": "^.",
            "errorMessage": "write the ARN of the provider's function: !ImportValue buildkite-agent-provider-ServiceToken",
            "description": "ARN of the provider's function: !ImportValue buildkite-agent-provider-ServiceToken",
        }),
    );
    properties.insert(
        "ServiceTimeout".to_owned(),
        json!({
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 3600,
            "description": "Seconds that CloudFormation waits for an answer; 3000 is the longest that one can take.",
        }),
    );
    let attributes = ATTRIBUTES.iter().map(|(name, description)| {
        let described = json!({"type": "string", "description": schema::plain(description)});
        ((*name).to_owned(), described)
    });
    let mut required: Vec<&str> = (PROPERTIES.iter())
        .filter(|property| property.default == "required")
        .map(|property| property.name)
        .collect();
    required.push("ServiceToken");
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "typeName": TYPE,
        "description": "A Buildkite pipeline's own ECS task definition, with its roles and its log group.",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
        "allOf": together::rules(),
        "definitions": {"Attributes": {"type": "object", "properties": attributes.collect::<Map<_, _>>()}},
    })
}

/// The schema of a template for the YAML language server, which takes `!Ref X` for the string `X` and `!If [A, B, C]`
/// for a list: names, numbers and what is required are checked, texts are not.
#[must_use]
pub fn template() -> Value {
    let Value::Object(mut properties) = resource() else {
        return Value::Null;
    };
    for key in ["$schema", "typeName", "definitions"] {
        properties.remove(key);
    }
    let properties = relaxed(Value::Object(properties));
    let is_ours = json!({"required": ["Type"], "properties": {"Type": {"const": TYPE}}});
    let ours = json!({"required": ["Properties"], "properties": {"Properties": properties}});
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A CloudFormation template with Custom::BuildkiteAgent",
        "type": "object",
        "properties": {
            "Resources": {
                "type": "object",
                "additionalProperties": {"if": is_ours, "then": ours},
            },
        },
    })
}

/// A keyword's value, with the shapes inside it relaxed.
fn relaxed_keyword(key: &str, value: Value) -> Value {
    match (key, value) {
        ("properties", Value::Object(properties)) => {
            let properties = properties.into_iter().map(|(name, shape)| (name, relaxed(shape)));
            Value::Object(properties.collect())
        }
        ("items" | "then" | "else" | "additionalProperties", inner) => relaxed(inner),
        // It is where a long form may.
        ("propertyNames", mut names) => {
            names["pattern"] = format!("{LONG_FORM}|{}", names["pattern"].as_str().unwrap_or_default()).into();
            names
        }
        ("allOf" | "anyOf" | "oneOf", Value::Array(inner)) => inner.into_iter().map(relaxed).collect::<Vec<_>>().into(),
        // Among them `if`: a condition is about what is known.
        (_, value) => value,
    }
}

/// A shape that also takes what an intrinsic may look like.
fn relaxed(shape: Value) -> Value {
    let Value::Object(shape) = shape else { return shape };
    let is_switch = shape.get("type") == Some(&json!(["boolean", "string"]));
    // What the language server says of a shape that is refused.
    let with_advice = |mut refused: Value| {
        if let Some(advice) = shape.get("errorMessage") {
            refused["errorMessage"] = advice.clone();
        }
        refused
    };
    let mut relaxed: Map<String, Value> = (shape.clone().into_iter())
        .filter(|(key, _)| {
            !matches!(
                key.as_str(),
                "type" | "pattern" | "minLength" | "maxLength" | "uniqueItems" | "errorMessage"
            )
        })
        .map(|(key, value)| {
            let value = relaxed_keyword(&key, value);
            (key, value)
        })
        .collect();
    if let Some(Value::Array(legal)) = relaxed.remove("enum") {
        // `!Ref Size` is not a number, and `!Ref Place` is not a word in capitals.
        let word = |value: &Value| value.as_str().is_some_and(|text| text.contains(char::is_alphabetic));
        let reference = if legal.iter().any(word) {
            "[^A-Z0-9_]"
        } else {
            "[A-Za-z]"
        };
        relaxed.insert(
            "anyOf".to_owned(),
            json!([with_advice(json!({"enum": legal})), {"type": "string", "pattern": reference}, {"type": ["object", "array"]}]),
        );
    }
    if let Some(unwanted) = relaxed.remove("not") {
        // Of a `not` it has no words but its own; and no value is null.
        relaxed.insert("if".to_owned(), unwanted);
        relaxed.insert("then".to_owned(), with_advice(json!({"type": "null"})));
    }
    if let (true, Some(advice)) = (relaxed.contains_key("required"), shape.get("errorMessage")) {
        relaxed.insert("errorMessage".to_owned(), advice.clone());
    }
    if is_switch {
        // For the sake of what an editor offers.
        relaxed.insert(
            "anyOf".to_owned(),
            json!([{"type": "boolean"}, {"type": ["string", "object", "array"]}]),
        );
    }
    if relaxed.contains_key("additionalProperties") {
        relaxed.insert("patternProperties".to_owned(), json!({LONG_FORM: {}}));
        // A long form is where the object would.
        if let Some(required) = relaxed.remove("required") {
            let long_form = json!({"maxProperties": 1, "propertyNames": {"pattern": LONG_FORM}});
            relaxed.insert("anyOf".to_owned(), json!([{"required": required}, long_form]));
        }
    }
    Value::Object(relaxed)
}
