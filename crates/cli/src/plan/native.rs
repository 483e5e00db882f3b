//! A plan as a template without this project: each `Custom::BuildkiteAgent` as the native resources that it stands for,
//! and every reference to it as one to them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Agent, Assumed, Composed, Documents, Plan};
use crate::template::{SubPiece, Unknown, long_form, restore, sub_pieces};
use agent_composer_model::{composition::TaskRole, properties::vocabulary};

/// A native template.
#[derive(Clone, Debug, PartialEq)]
pub struct Native {
    /// It, in JSON, which CloudFormation takes as it takes YAML.
    pub template: Value,
    /// What it could not say, or says for good where the original left it open.
    pub notes: Vec<String>,
}

/// The native resources of one agent.
struct Resources<'a> {
    composed: &'a Composed,
    task_definition: String,
    execution_role: String,
    task_role: String,
    log_group: String,
}

/// Makes the template native.
#[must_use]
pub fn native(plan: &Plan) -> Native {
    let mut template = long_form(&plan.template);
    let mut notes = Vec::new();
    let names: Vec<String> = (template["Resources"].as_object().into_iter().flatten())
        .map(|(name, _)| name.clone())
        .collect();
    let all: BTreeMap<String, Resources<'_>> = (plan.composed())
        .map(|(agent, composed)| (agent.logical_id.clone(), Resources::of(agent, composed, &names)))
        .collect();
    for (agent, composed) in plan.composed() {
        notes.extend(plan.images_not_known(composed).into_iter().map(|container| {
            format!(
                "the image of `{container}` of `{}` is not known: if it is in ECR, let the execution role pull it",
                agent.logical_id
            )
        }));
        let Some(resources) = all.get(&agent.logical_id) else {
            continue;
        };
        let unplaced = resources
            .composed
            .assumed
            .iter()
            .filter(|one| place(&one.path).is_none());
        notes.extend(unplaced.map(|Assumed { path, written, taken }| {
            let taken = taken
                .as_deref()
                .map_or("left out".to_owned(), |taken| format!("`{taken}`"));
            format!(
                "`{path}` of `{}` is {written} in the original, and {taken} here",
                agent.logical_id
            )
        }));
        if let Some(Value::Object(written)) = template["Resources"]
            .as_object_mut()
            .and_then(|all| all.remove(&agent.logical_id))
        {
            let made = resources.made(plan, &written);
            if let Some(all_resources) = template["Resources"].as_object_mut() {
                all_resources.extend(made);
            }
        }
    }
    for section in ["Resources", "Outputs", "Conditions"] {
        if let Some(section) = template.get_mut(section) {
            let rewritten = rewritten(section, &all, plan, &mut notes);
            *section = rewritten;
        }
    }
    notes.sort();
    notes.dedup();
    Native { template, notes }
}

impl<'a> Resources<'a> {
    fn of(agent: &Agent, composed: &'a Composed, taken: &[String]) -> Self {
        let name = |ending: &str| {
            let name = format!("{}{ending}", agent.logical_id);
            if taken.contains(&name) {
                format!("{name}OfAgent")
            } else {
                name
            }
        };
        Self {
            composed,
            task_definition: name("TaskDefinition"),
            execution_role: name("ExecutionRole"),
            task_role: name("TaskRole"),
            log_group: name("LogGroup"),
        }
    }

    /// The native resources, by name.
    fn made(&self, plan: &Plan, written: &Map<String, Value>) -> Vec<(String, Value)> {
        let composition = &self.composed.composition;
        let Documents {
            task_definition,
            execution_role,
            task_role,
            log_group,
        } = Documents::of(composition);
        // In place of the names that the provider gives.
        let get_att = |name: &str| json!({"Fn::GetAtt": [name, "Arn"]});
        let stands = |text: &str, expression: Value| Unknown {
            text: text.to_owned(),
            shown: String::new(),
            expression,
        };
        let mut unknowns = vec![stands(&composition.execution_role.arn, get_att(&self.execution_role))];
        if let TaskRole::Made(role) = &composition.task_role {
            unknowns.push(stands(&role.arn, get_att(&self.task_role)));
        }
        unknowns.extend(
            plan.unknowns
                .iter()
                .filter(|unknown| !unknown.expression.is_null())
                .cloned(),
        );

        let mut task_definition = native_words(&task_definition, "");
        if let Some(tags) = task_definition.get_mut("Tags") {
            let pairs = tags.as_object().into_iter().flatten();
            *tags = pairs.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        }
        let mut resources = vec![
            (&self.task_definition, "AWS::ECS::TaskDefinition", task_definition),
            (&self.execution_role, "AWS::IAM::Role", unnamed(execution_role)),
            (&self.log_group, "AWS::Logs::LogGroup", log_group),
        ];
        resources.extend(task_role.map(|role| (&self.task_role, "AWS::IAM::Role", unnamed(role))));
        (resources.into_iter())
            .map(|(name, kind, properties)| {
                let mut properties = with_partition(restore::expression_in(&properties, &unknowns));
                self.restore_assumed(kind, &mut properties, plan);
                let mut resource = json!({"Type": kind, "Properties": properties});
                for attribute in ["Condition", "DeletionPolicy", "UpdateReplacePolicy"] {
                    if let Some(value) = written.get(attribute) {
                        resource[attribute] = value.clone();
                    }
                }
                if kind == "AWS::ECS::TaskDefinition" {
                    let mut depends = match written.get("DependsOn") {
                        Some(Value::Array(others)) => others.clone(),
                        Some(other) => vec![other.clone()],
                        None => Vec::new(),
                    };
                    depends.push(self.log_group.clone().into());
                    resource["DependsOn"] = depends.into();
                }
                (name.clone(), resource)
            })
            .collect()
    }

    /// Numbers that were not known are what they were in the original.
    fn restore_assumed(&self, kind: &str, properties: &mut Value, plan: &Plan) {
        let unchanged = original(plan, &self.composed.identity.owner.logical_id);
        for assumed in &self.composed.assumed {
            if let Some((of, name)) = place(&assumed.path)
                && of == kind
                && let Some(expression) = unchanged.get(&assumed.path)
            {
                properties[name] = expression.clone();
            }
        }
    }

    fn attribute(&self, attribute: &str, plan: &Plan, notes: &mut Vec<String>) -> Option<Value> {
        let task_definition = json!({"Ref": self.task_definition});
        let family = self.family(plan);
        let own_role = match &self.composed.composition.task_role {
            TaskRole::Own(role) => Some(role.arn.clone()),
            TaskRole::Made(_) => None,
        };
        Some(match (attribute, own_role) {
            ("TaskDefinitionArn", _) => task_definition,
            ("Revision", _) => json!({"Fn::Select": [6, {"Fn::Split": [":", task_definition]}]}),
            ("TaskFamily", _) => family,
            ("TaskRoleArn", None) => json!({"Fn::GetAtt": [self.task_role, "Arn"]}),
            ("TaskRoleArn", Some(arn)) => restore::expression(&arn, &plan.unknowns),
            ("TaskRoleName", None) => json!({"Ref": self.task_role}),
            ("TaskRoleName", Some(arn)) if restore::known_parts(name_in(&arn), &plan.unknowns).len() == 1 => {
                name_in(&arn).into()
            }
            ("TaskRoleId", None) => json!({"Fn::GetAtt": [self.task_role, "RoleId"]}),
            ("TaskRoleName" | "TaskRoleId", Some(arn)) => {
                notes.push(format!(
                    "`{attribute}` of `{}` has no native form: write it out in its place",
                    plan.shown(&arn)
                ));
                return None;
            }
            ("ExecutionRoleArn", _) => json!({"Fn::GetAtt": [self.execution_role, "Arn"]}),
            ("LogGroupName", _) => json!({"Ref": self.log_group}),
            _ => return None,
        })
    }

    fn family(&self, plan: &Plan) -> Value {
        restore::expression(&self.composed.composition.task_definition.family, &plan.unknowns)
    }

    /// What `Ref` of the resource is: the ARN without a revision.
    fn reference(&self, plan: &Plan) -> Value {
        let arn = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task-definition/";
        match self.family(plan) {
            Value::String(family) => json!({"Fn::Sub": format!("{arn}{family}")}),
            family => json!({"Fn::Sub": [format!("{arn}${{Family}}"), {"Family": family}]}),
        }
    }
}

/// A role's name, the last part of its ARN.
fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

/// A resource's own properties, in long form.
fn original(plan: &Plan, logical_id: &str) -> Map<String, Value> {
    let properties = (plan.template.get("Resources"))
        .and_then(|all| all.get(logical_id))
        .and_then(|resource| resource.get("Properties"));
    match properties.map(long_form) {
        Some(Value::Object(properties)) => properties,
        Some(_) | None => Map::new(),
    }
}

/// Which native property has what cannot stand in a text.
fn place(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "TaskCpu" => ("AWS::ECS::TaskDefinition", "Cpu"),
        "TaskMemory" => ("AWS::ECS::TaskDefinition", "Memory"),
        "LogRetentionInDays" => ("AWS::Logs::LogGroup", "RetentionInDays"),
        _ => return None,
    })
}

/// A role whose name CloudFormation makes.
fn unnamed(mut role: Value) -> Value {
    if let Some(role) = role.as_object_mut() {
        role.remove("RoleName");
    }
    role
}

/// What ECS's API calls it, in CloudFormation's words.
fn native_words(value: &Value, name: &str) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(|element| native_words(element, name)).collect(),
        // Maps, whose keys are nobody's to change.
        Value::Object(fields) if name == "tags" || vocabulary::is_map(name) => Value::Object(fields.clone()),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| {
                let word = match name.as_str() {
                    "efsVolumeConfiguration" => "EFSVolumeConfiguration".to_owned(),
                    "fileSystemId" => "FilesystemId".to_owned(),
                    "iam" => "IAM".to_owned(),
                    name => vocabulary::template_name(name).map_or_else(
                        || {
                            let first = name.chars().take(1).flat_map(char::to_uppercase);
                            first.chain(name.chars().skip(1)).collect()
                        },
                        ToOwned::to_owned,
                    ),
                };
                (word, native_words(field, name))
            });
            Value::Object(fields.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// ARNs of the stack's own Region or account are of its partition, too.
fn with_partition(value: Value) -> Value {
    match value {
        Value::Array(elements) => elements.into_iter().map(with_partition).collect(),
        Value::Object(mut fields) => {
            if let Some(sub) = fields.get_mut("Fn::Sub") {
                let text = match sub {
                    Value::Array(parts) => parts.first_mut(),
                    text => Some(text),
                };
                if let Some(Value::String(text)) = text
                    && text.starts_with("arn:aws:")
                    && text.contains("${AWS::")
                {
                    *text = text.replacen("arn:aws:", "arn:${AWS::Partition}:", 1);
                }
                return Value::Object(fields);
            }
            Value::Object(
                fields
                    .into_iter()
                    .map(|(name, field)| (name, with_partition(field)))
                    .collect(),
            )
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// With every reference to an agent as one to its native resources.
fn rewritten(value: &Value, all: &BTreeMap<String, Resources<'_>>, plan: &Plan, notes: &mut Vec<String>) -> Value {
    match value {
        Value::Array(elements) => elements
            .iter()
            .map(|element| rewritten(element, all, plan, notes))
            .collect(),
        Value::Object(fields) => {
            if let Some(replaced) = replaced(fields, all, plan, notes) {
                return replaced;
            }
            let fields = fields.iter().map(|(name, field)| {
                let field = match name.as_str() {
                    "DependsOn" => depends(field, all),
                    _ => rewritten(field, all, plan, notes),
                };
                (name.clone(), field)
            });
            Value::Object(fields.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn replaced(
    fields: &Map<String, Value>,
    all: &BTreeMap<String, Resources<'_>>,
    plan: &Plan,
    notes: &mut Vec<String>,
) -> Option<Value> {
    if fields.len() != 1 {
        return None;
    }
    let (name, argument) = fields.iter().next()?;
    match name.as_str() {
        "Ref" => Some(all.get(argument.as_str()?)?.reference(plan)),
        "Fn::GetAtt" => match argument.as_array()?.as_slice() {
            [id, attribute] => all.get(id.as_str()?)?.attribute(attribute.as_str()?, plan, notes),
            _ => None,
        },
        "Fn::Sub" => {
            let (text, mut variables) = match argument {
                Value::Array(parts) => (parts.first()?.as_str()?, parts.get(1)?.as_object()?.clone()),
                text => (text.as_str()?, Map::new()),
            };
            variables = variables
                .iter()
                .map(|(name, value)| (name.clone(), rewritten(value, all, plan, notes)))
                .collect();
            let mut whole = String::new();
            for piece in sub_pieces(text) {
                let name = match piece {
                    SubPiece::Text(text) => {
                        whole.push_str(&text.replace("${", "${!"));
                        continue;
                    }
                    SubPiece::Name(name) => name,
                };
                let (id, attribute) = name
                    .split_once('.')
                    .map_or((name.as_str(), None), |(id, attribute)| (id, Some(attribute)));
                let resources = all.get(id).filter(|_| !variables.contains_key(&name));
                let value = resources.and_then(|resources| match attribute {
                    Some(attribute) => resources.attribute(attribute, plan, notes),
                    None => Some(resources.reference(plan)),
                });
                let name = match value {
                    None => name,
                    Some(value) => {
                        let variable = format!("{id}{}", attribute.unwrap_or("Reference"));
                        variables.insert(variable.clone(), value);
                        variable
                    }
                };
                whole.extend(["${", &name, "}"]);
            }
            Some(if variables.is_empty() {
                json!({"Fn::Sub": whole})
            } else {
                json!({"Fn::Sub": [whole, variables]})
            })
        }
        _ => None,
    }
}

fn depends(value: &Value, all: &BTreeMap<String, Resources<'_>>) -> Value {
    match value {
        Value::String(name) => all
            .get(name)
            .map_or(name, |resources| &resources.task_definition)
            .clone()
            .into(),
        Value::Array(names) => names.iter().map(|name| depends(name, all)).collect(),
        other => other.clone(),
    }
}
