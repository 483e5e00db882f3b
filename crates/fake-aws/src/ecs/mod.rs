//! Amazon ECS: families, their revisions, and the operations on them.

mod container_rules;
mod fargate;
mod register;
mod task_rules;
pub mod tasks;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::Call;
use super::error::ApiError;
use super::home::Home;
use super::json::{items, number, text, texts};
use super::paging::{self, Order};
use super::state::{self, Scene};
use super::tags::{self, Tags};

/// What a revision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Can be run.
    Active,
    /// Deregistered.
    Inactive,
    /// Deleted; stays while tasks of it run, and AWS may take its time (docs/internals/aws.md, "Consistency").
    Deleting,
}

impl Status {
    /// The status as the API shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Deleting => "DELETE_IN_PROGRESS",
        }
    }
}

/// One revision.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The task definition as Describe shows it, without its status.
    pub definition: Value,
    /// Its tags.
    pub tags: Tags,
    /// Its status.
    pub status: Status,
}

impl Revision {
    fn shown(&self) -> Value {
        let mut shown = self.definition.clone();
        shown["status"] = self.status.name().into();
        shown
    }
}

/// The revisions of each family.
#[derive(Clone, Debug, Default)]
pub struct Ecs {
    /// All revisions, by family and number. An entry is never removed: numbering goes on for ever (docs/internals/aws.md, "Names and
    /// limits").
    pub families: BTreeMap<String, BTreeMap<i64, Revision>>,
    /// Whether Describe still shows INACTIVE revisions; AWS says that it may stop (docs/internals/aws.md,
    /// "Consistency").
    pub forgetful: bool,
    /// The tasks, which only tests start and stop.
    pub tasks: tasks::Tasks,
}

/// What Describe says about anything that it can't find.
fn absent() -> ApiError {
    ApiError::bad("ClientException", "Unable to describe task definition.")
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterException", message)
}

/// The family and, if it is there, the revision in `family`, `family:revision` or either's ARN.
pub fn parse(reference: &str, home: &Home) -> Option<(String, Option<i64>)> {
    let prefix = home.task_definition("");
    let name = match reference.strip_prefix(&prefix) {
        Some(name) => name,
        None if reference.starts_with("arn:") => return None,
        None => reference,
    };
    match name.split_once(':') {
        None => Some((name.to_owned(), None)),
        Some((family, revision)) => Some((family.to_owned(), Some(revision.parse().ok()?))),
    }
}

impl Ecs {
    /// Performs an operation.
    pub fn perform(&mut self, call: &Call, scene: &Scene) -> Result<Value, ApiError> {
        let params = &call.params;
        match call.operation.as_str() {
            "RegisterTaskDefinition" => register::register(self, params, scene),
            "DescribeTaskDefinition" => self.describe(params, scene),
            "ListTaskDefinitions" => self.list(params, scene),
            "ListTaskDefinitionFamilies" => self.list_families(params, scene),
            "ListTasks" => self.tasks.list(params),
            "DescribeTasks" => self.tasks.describe(params),
            "DeregisterTaskDefinition" => self.deregister(params, scene),
            "DeleteTaskDefinitions" => self.delete(params, scene),
            "ListTagsForResource" => {
                let revision = self.tagged(params, scene)?;
                Ok(json!({ "tags": tags::ECS.list(&revision.tags) }))
            }
            "TagResource" => self.tag(params, scene),
            "UntagResource" => {
                let revision = self.tagged(params, scene)?;
                for key in texts(params, "tagKeys") {
                    revision.tags.remove(&key);
                }
                Ok(json!({}))
            }
            _ => Err(state::unknown(call)),
        }
    }

    /// The newest ACTIVE revision of a family.
    pub fn newest(&self, family: &str) -> Option<(i64, &Revision)> {
        self.families
            .get(family)?
            .iter()
            .rev()
            .find(|(_, revision)| revision.status == Status::Active)
            .map(|(number, revision)| (*number, revision))
    }

    fn describe(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let reference = text(params, "taskDefinition").unwrap_or_default();
        let (family, wanted) = parse(reference, &scene.home).ok_or_else(absent)?;
        let revision = match wanted {
            None => self.newest(&family).map(|(_, revision)| revision),
            Some(number) => self
                .families
                .get(&family)
                .and_then(|revisions| revisions.get(&number))
                .filter(|revision| !self.forgetful || revision.status == Status::Active),
        }
        .ok_or_else(absent)?;
        let tags = if texts(params, "include").iter().any(|field| field == "TAGS") {
            tags::ECS.list(&revision.tags)
        } else {
            json!([])
        };
        Ok(json!({ "taskDefinition": revision.shown(), "tags": tags }))
    }

    fn list(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let most = number(params, "maxResults").unwrap_or(100);
        if !(1..=100).contains(&most) {
            return Err(invalid("maxResults must be between 1 and 100"));
        }
        let status = match text(params, "status").unwrap_or("ACTIVE") {
            "ACTIVE" => Status::Active,
            "INACTIVE" => Status::Inactive,
            "DELETE_IN_PROGRESS" => Status::Deleting,
            other => return Err(invalid(format!("Invalid status: {other}"))),
        };
        // Not a prefix: AWS wants "the full family name" here (docs/internals/aws.md, "Consistency").
        let family = text(params, "familyPrefix");
        let all = self
            .families
            .iter()
            .filter(|(name, _)| family.is_none_or(|wanted| wanted == name.as_str()))
            .flat_map(|(name, revisions)| revisions.iter().map(move |entry| (name, entry)))
            .filter(|(_, (_, revision))| revision.status == status)
            .map(|(name, (number, _))| {
                let arn = scene.home.task_definition(&format!("{name}:{number}"));
                // By family, then by number: 10 comes after 9.
                (format!("{name} {number:010}"), arn)
            })
            .collect();
        let order = match text(params, "sort").unwrap_or("ASC") {
            "ASC" => Order::Ascending,
            "DESC" => Order::Descending,
            other => return Err(invalid(format!("Invalid sort: {other}"))),
        };
        let page = paging::cut(
            all,
            order,
            text(params, "nextToken"),
            scene.page.min(usize::try_from(most).unwrap_or(100)),
            &invalid("Invalid token"),
        )?;
        Ok(json!({ "taskDefinitionArns": page.items, "nextToken": page.next }))
    }

    /// `ACTIVE` are the families with an ACTIVE revision, `INACTIVE` those without one.
    fn list_families(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let most = number(params, "maxResults").unwrap_or(100);
        if !(1..=100).contains(&most) {
            return Err(invalid("maxResults must be between 1 and 100"));
        }
        let wanted = match text(params, "status") {
            Some("ACTIVE") => Some(true),
            Some("INACTIVE") => Some(false),
            Some("ALL") | None => None,
            Some(other) => return Err(invalid(format!("Invalid status: {other}"))),
        };
        let prefix = text(params, "familyPrefix").unwrap_or_default();
        let families = self.families.keys().filter(|name| name.starts_with(prefix));
        let all = families
            .filter(|name| wanted.is_none_or(|wanted| self.newest(name).is_some() == wanted))
            .map(|name| (name.clone(), name.clone()))
            .collect();
        let page = paging::cut(
            all,
            Order::Ascending,
            text(params, "nextToken"),
            scene.page.min(usize::try_from(most).unwrap_or(100)),
            &invalid("Invalid token"),
        )?;
        Ok(json!({ "families": page.items, "nextToken": page.next }))
    }

    /// AWS answers with the INACTIVE revision, also when it was INACTIVE before.
    fn deregister(&mut self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let reference = text(params, "taskDefinition").unwrap_or_default();
        let (family, wanted) = parse(reference, &scene.home).ok_or_else(absent)?;
        let number = wanted.ok_or_else(|| ApiError::bad("ClientException", "Invalid revision number."))?;
        let revision = self
            .families
            .get_mut(&family)
            .and_then(|revisions| revisions.get_mut(&number))
            .filter(|revision| revision.status != Status::Deleting)
            .ok_or_else(absent)?;
        if revision.status == Status::Active {
            revision.status = Status::Inactive;
            revision.definition["deregisteredAt"] = json!(seconds(scene.now));
        }
        Ok(json!({ "taskDefinition": revision.shown() }))
    }

    /// Up to ten, each by its revision, each INACTIVE first (docs/internals/aws.md, "Consistency").
    fn delete(&mut self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let references = texts(params, "taskDefinitions");
        if !(1..=10).contains(&references.len()) {
            return Err(invalid("between 1 and 10 task definitions can be deleted at once"));
        }
        let (mut gone, mut failures) = (Vec::new(), Vec::new());
        for reference in references {
            let found = parse(&reference, &scene.home)
                .and_then(|(family, number)| Some((self.families.get_mut(&family)?, number?)))
                .and_then(|(revisions, number)| revisions.get_mut(&number));
            let reason = match found {
                None => "MISSING",
                Some(revision) if revision.status == Status::Active => "ACTIVE",
                Some(revision) => {
                    revision.status = Status::Deleting;
                    gone.push(revision.shown());
                    continue;
                }
            };
            failures.push(json!({ "arn": reference, "reason": reason }));
        }
        Ok(json!({ "taskDefinitions": gone, "failures": failures }))
    }

    fn tag(&mut self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let revision = self.tagged(params, scene)?;
        let pairs = tags::ECS.pairs(params, "tags");
        tags::check(&pairs, "InvalidParameterException")?;
        let mut merged = revision.tags.clone();
        merged.extend(pairs);
        if merged.len() > tags::MOST {
            return Err(invalid("The number of tags exceeds the limit of 50."));
        }
        revision.tags = merged;
        Ok(json!({}))
    }

    fn tagged(&mut self, params: &Value, scene: &Scene) -> Result<&mut Revision, ApiError> {
        let arn = text(params, "resourceArn").unwrap_or_default();
        if !arn.starts_with("arn:") {
            return Err(invalid(format!("Invalid resource ARN: {arn}")));
        }
        parse(arn, &scene.home)
            .and_then(|(family, number)| self.families.get_mut(&family)?.get_mut(&number?))
            .filter(|revision| revision.status == Status::Active)
            .ok_or_else(|| {
                ApiError::bad(
                    "ResourceNotFoundException",
                    "The specified resource could not be found.",
                )
            })
    }

    /// Shows everything, by ARN: definition, status, tags.
    pub fn snapshot(&self, home: &Home) -> Value {
        let mut all = serde_json::Map::new();
        for (family, revisions) in &self.families {
            for (number, revision) in revisions {
                let mut definition = revision.shown();
                if let Some(fields) = definition.as_object_mut() {
                    fields.remove("registeredAt");
                    fields.remove("deregisteredAt");
                }
                all.insert(
                    home.task_definition(&format!("{family}:{number}")),
                    json!({ "definition": definition, "tags": revision.tags }),
                );
            }
        }
        Value::Object(all)
    }
}

/// The role ARNs that a registration would pass.
pub fn passed_roles(params: &Value) -> Vec<String> {
    let mut roles: Vec<String> = ["executionRoleArn", "taskRoleArn"]
        .iter()
        .filter_map(|field| text(params, field))
        .map(str::to_owned)
        .collect();
    roles.dedup();
    roles
}

/// Whether one of a registration's containers is privileged; `None` if none has the field.
pub fn privileged(params: &Value) -> Option<bool> {
    let given = items(params, "containerDefinitions").iter();
    given
        .filter_map(|container| container["privileged"].as_bool())
        .reduce(|one, other| one || other)
}

/// How many tags a registration has; one with none needs no right to tag.
pub fn tag_pairs(params: &Value) -> Vec<(String, String)> {
    if items(params, "tags").is_empty() {
        return Vec::new();
    }
    tags::ECS.pairs(params, "tags")
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds of this century fit")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
