//! A plan as a template without this project: each `Custom::BuildkiteAgent` as the native resources that replace it,
//! and every reference to it as one to them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Agent, Assumed, Composed, Outcome, Plan, TYPE, placed};
use crate::template::{SubPiece, Unknown, is_loop, long_form, restore, sub_pieces};
use agent_composer_model::{
    composition::{Composition, TaskRole},
    properties::vocabulary,
};

/// A native template.
#[derive(Clone, Debug, PartialEq)]
pub struct Native {
    /// It, in JSON, which CloudFormation takes as it takes YAML; or why there is none.
    pub template: Result<Value, Vec<String>>,
    /// What one should know of it.
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

/// Makes the template native. People deploy it: where it would say anything other than the original, there is none.
#[must_use]
pub fn native(plan: &Plan) -> Native {
    let mut template = long_form(&plan.template);
    let mut report = Report::default();
    let names: Vec<String> = (template["Resources"].as_object().into_iter().flatten())
        .map(|(name, _)| name.clone())
        .collect();
    let all: BTreeMap<String, Resources<'_>> = (plan.composed())
        .map(|(agent, composed)| (agent.logical_id.clone(), Resources::of(agent, composed, &names)))
        .collect();
    for agent in &plan.agents {
        report.add_agent(plan, agent);
        let Some(resources) = all.get(&agent.logical_id) else {
            continue;
        };
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
            let rewritten = rewritten(section, &all, plan, &mut report);
            *section = rewritten;
        }
    }
    left(&template, "", plan, &mut report);
    for (name, body) in template["Resources"].as_object().into_iter().flatten() {
        if is_loop(name) && body.to_string().contains(TYPE) {
            report.faults.push(format!(
                "`{name}` goes over what is not known, and makes agents: give the list with `--parameter`"
            ));
        }
    }
    let Report { mut notes, mut faults } = report;
    for list in [&mut notes, &mut faults] {
        list.sort();
        list.dedup();
    }
    let template = if faults.is_empty() { Ok(template) } else { Err(faults) };
    Native { template, notes }
}

/// The notes and faults about a native template.
#[derive(Default)]
struct Report {
    notes: Vec<String>,
    faults: Vec<String>,
}

impl Report {
    fn add_agent(&mut self, plan: &Plan, agent: &Agent) {
        let id = &agent.logical_id;
        let composed = match &agent.outcome {
            Outcome::Composed(composed) => composed,
            Outcome::Left(condition) => {
                self.notes.push(format!(
                    "`{id}` stays a {TYPE}, as its condition {condition} does not hold: it needs the provider where that holds"
                ));
                return;
            }
            Outcome::Refused => {
                self.faults.push(format!("`{id}` would be refused"));
                return;
            }
            Outcome::NotKnown => {
                self.faults.push(format!(
                    "too much of `{id}` is not known: give what is missing with `--parameter`"
                ));
                return;
            }
        };
        self.notes
            .extend(plan.images_not_known(composed).into_iter().map(|container| {
                format!(
                    "the image of `{container}` of `{id}` is not known: if it is in ECR, let the execution role pull it"
                )
            }));
        let containers = &composed.composition.task_definition.container_definitions;
        for secret in containers.iter().flat_map(|container| &container.secrets) {
            if plan.mark.is_token(&secret.value_from) {
                self.notes.push(format!(
                    "`{}` of `{id}` comes from {}, which is not known: the execution role may read the SSM parameter of that name, and no secret",
                    plan.shown(&secret.name),
                    plan.shown(&secret.value_from)
                ));
            }
        }
        for Assumed { path, written, .. } in composed.assumed.iter().filter(|one| places(one).is_none()) {
            self.faults.push(format!(
                "`{path}` of `{id}` is {written}, on which more depends than one value of the template: give it with \
                 `--parameter`, `--import` or `--region`"
            ));
        }
        for path in &composed.may_be_absent {
            self.faults.push(format!(
                "`{path}` of `{id}` may be absent, on which more depends than one value of the template: give the parameters of its condition"
            ));
        }
    }
}

/// Finds stand-ins that are left, which would be deployed as values.
fn left(value: &Value, path: &str, plan: &Plan, report: &mut Report) {
    let mut look = |text: &str| {
        if !plan.mark.leaves(text) {
            let shown = plan.shown(text);
            report.faults.push(format!(
                "{path} depends on what is not known, in a way that has no expression: {shown}"
            ));
        }
    };
    match value {
        Value::String(text) => look(text),
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                left(element, &format!("{path}[{index}]"), plan, report);
            }
        }
        Value::Object(fields) => {
            fields.keys().for_each(|name| look(name));
            for (name, field) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                left(field, &path, plan, report);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Where a value goes that is not known, as it is; `None` where more depends on it.
fn places(assumed: &Assumed) -> Option<Vec<String>> {
    let always = match assumed.path.as_str() {
        "TaskCpu" => "/taskDefinition/cpu",
        "TaskMemory" => "/taskDefinition/memory",
        "NetworkMode" => "/taskDefinition/networkMode",
        "LogRetentionInDays" => "/logGroup/RetentionInDays",
        "LogGroupClass" => "/logGroup/LogGroupClass",
        _ => return assumed.places.clone(),
    };
    Some(vec![always.to_owned()])
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
        let mut documents = placed::documents(composition);
        for assumed in &self.composed.assumed {
            for pointer in places(assumed).into_iter().flatten() {
                put(&mut documents, &pointer, assumed.text.clone().into());
            }
        }
        let mut document = |name: &str| Some(documents[name].take()).filter(|document| !document.is_null());
        let authors = self.sids(plan);
        let role = |role: Value| unnamed(with_own_sids(with_both_names(role, plan, composition), plan, &authors));
        // In place of the names that the provider gives.
        let get_att = |name: &str| json!({"Fn::GetAtt": [name, "Arn"]});
        let unknown = |text: &str, expression: Value| Unknown {
            text: text.to_owned(),
            shown: String::new(),
            expression,
        };
        let mut unknowns = vec![unknown(&composition.execution_role.arn, get_att(&self.execution_role))];
        if let TaskRole::Made(role) = &composition.task_role {
            unknowns.push(unknown(&role.arn, get_att(&self.task_role)));
        }
        unknowns.extend(
            plan.unknowns
                .iter()
                .filter(|unknown| !unknown.expression.is_null())
                .cloned(),
        );

        let mut task_definition = native_words(&document("taskDefinition").unwrap_or_default(), "");
        if let Some(tags) = task_definition.get_mut("Tags") {
            let pairs = tags.as_object().into_iter().flatten();
            *tags = pairs.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        }
        let mut resources = vec![(&self.task_definition, "AWS::ECS::TaskDefinition", task_definition)];
        resources.extend(document("executionRole").map(|one| (&self.execution_role, "AWS::IAM::Role", role(one))));
        resources.extend(document("logGroup").map(|one| (&self.log_group, "AWS::Logs::LogGroup", one)));
        resources.extend(document("taskRole").map(|one| (&self.task_role, "AWS::IAM::Role", role(one))));
        (resources.into_iter())
            .map(|(name, kind, properties)| {
                let properties = restore::expression_in(&properties, &unknowns);
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

    /// The `Sid`s that the author wrote, in texts with stand-ins.
    fn sids(&self, plan: &Plan) -> Vec<String> {
        let policies = original(plan, &self.composed.identity.owner.logical_id);
        let mut found = Vec::new();
        sids(policies.get("TaskRolePolicies").unwrap_or(&Value::Null), &mut found);
        found
    }

    fn attribute(&self, attribute: &str, plan: &Plan, report: &mut Report) -> Option<Value> {
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
            ("TaskRoleName", Some(arn)) if plan.mark.leaves_all(&name_in(&arn, plan)) => name_in(&arn, plan),
            ("TaskRoleId", None) => json!({"Fn::GetAtt": [self.task_role, "RoleId"]}),
            ("TaskRoleName" | "TaskRoleId", Some(arn)) => {
                report.faults.push(format!(
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
fn name_in(arn: &str, plan: &Plan) -> Value {
    restore::expression(arn.rsplit('/').next().unwrap_or_default(), &plan.unknowns)
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

/// Puts a value at a pointer, even where nothing is yet.
fn put(document: &mut Value, pointer: &str, value: Value) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(parent)) = document.pointer_mut(parent)
    {
        parent.insert(name.replace("~1", "/").replace("~0", "~"), value);
    } else if let Some(slot) = document.pointer_mut(pointer) {
        *slot = value;
    }
}

fn sids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| sids(element, found)),
        Value::Object(fields) => {
            found.extend(fields.get("Sid").map(ToString::to_string));
            fields.values().for_each(|field| sids(field, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Removes `Sid`s that were made of a policy's name which is not known: IAM asks for none.
fn with_own_sids(role: Value, plan: &Plan, authors: &[String]) -> Value {
    match role {
        Value::Array(elements) => elements
            .into_iter()
            .map(|element| with_own_sids(element, plan, authors))
            .collect(),
        Value::Object(mut fields) => {
            let made = fields.get("Sid").and_then(Value::as_str).is_some_and(|sid| {
                let expression = restore::expression(sid, &plan.unknowns).to_string();
                !plan.mark.leaves(sid) && !authors.contains(&expression)
            });
            if made {
                fields.remove("Sid");
            }
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(name, field)| (name, with_own_sids(field, plan, authors)))
                    .collect(),
            )
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => role,
    }
}

/// An SSM parameter's name may begin with a slash, which its ARN has once in either case: where the name is not known, the
/// rights are for both.
fn with_both_names(role: Value, plan: &Plan, composition: &Composition) -> Value {
    const BEFORE: &str = ":parameter/";
    let containers = &composition.task_definition.container_definitions;
    let begins_with_a_slash = |name: &str| {
        let mut secrets = containers.iter().flat_map(|container| &container.secrets);
        secrets.any(|secret| secret.value_from.starts_with(&format!("/{name}")))
    };
    match role {
        Value::Array(elements) => {
            let both = elements.into_iter().flat_map(|element| {
                let other = element.as_str().and_then(|text| {
                    let (before, name) = text.split_once(BEFORE)?;
                    let first = name.split('/').next().unwrap_or_default();
                    let is_open = !plan.mark.leaves(first) && !begins_with_a_slash(name);
                    let is_open = is_open && plan.unknowns.iter().any(|unknown| name.starts_with(&unknown.text));
                    is_open.then(|| Value::from(format!("{before}:parameter{name}")))
                });
                [Some(with_both_names(element, plan, composition)), other]
            });
            both.flatten().collect()
        }
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(name, field)| (name, with_both_names(field, plan, composition)))
                    .collect(),
            )
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => role,
    }
}

/// A role with a name that CloudFormation makes.
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
        // Maps: their keys must not change.
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

/// Replaces every reference to an agent with one to its native resources.
fn rewritten(value: &Value, all: &BTreeMap<String, Resources<'_>>, plan: &Plan, report: &mut Report) -> Value {
    match value {
        Value::Array(elements) => elements
            .iter()
            .map(|element| rewritten(element, all, plan, report))
            .collect(),
        Value::Object(fields) => {
            if let Some(replaced) = replaced(fields, all, plan, report) {
                return replaced;
            }
            let fields = fields.iter().map(|(name, field)| {
                let field = match name.as_str() {
                    "DependsOn" => depends(field, all),
                    _ => rewritten(field, all, plan, report),
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
    report: &mut Report,
) -> Option<Value> {
    if fields.len() != 1 {
        return None;
    }
    let (name, argument) = fields.iter().next()?;
    match name.as_str() {
        "Ref" => Some(all.get(argument.as_str()?)?.reference(plan)),
        "Fn::GetAtt" => match argument.as_array()?.as_slice() {
            [id, attribute] => all.get(id.as_str()?)?.attribute(attribute.as_str()?, plan, report),
            _ => None,
        },
        "Fn::Sub" => {
            let (text, mut variables) = match argument {
                Value::Array(parts) => (parts.first()?.as_str()?, parts.get(1)?.as_object()?.clone()),
                text => (text.as_str()?, Map::new()),
            };
            variables = variables
                .iter()
                .map(|(name, value)| (name.clone(), rewritten(value, all, plan, report)))
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
                    Some(attribute) => resources.attribute(attribute, plan, report),
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
