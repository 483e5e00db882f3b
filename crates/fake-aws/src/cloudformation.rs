//! CloudFormation: the stacks, as far as a resource provider may ask about them. Only tests change them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::Call;
use super::error::ApiError;
use super::iam::date;
use super::json::text;
use super::state::{self, Scene};
use super::tags::Tags;

/// One resource of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackResource {
    /// Absent while it is being created.
    pub physical_id: Option<String>,
    /// `Custom::BuildkiteAgent`, …
    pub resource_type: String,
    /// `CREATE_COMPLETE`, …
    pub status: String,
    /// Since when, in milliseconds since 1970.
    pub since: i64,
}

/// One stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its name; another stack may have it after this one is deleted.
    pub name: String,
    /// `CREATE_IN_PROGRESS`, …
    pub status: String,
    /// When it was last updated, in milliseconds since 1970; none where it never was.
    pub updated: Option<i64>,
    /// Its tags, which CloudFormation gives to resources of its own types.
    pub tags: Tags,
    /// The resources, by logical id.
    pub resources: BTreeMap<String, StackResource>,
}

/// All stacks.
#[derive(Clone, Debug, Default)]
pub struct Stacks {
    /// All stacks, by id, that is, by ARN.
    pub all: BTreeMap<String, Stack>,
    /// How many milliseconds what is shown lags behind.
    pub lag: i64,
    /// Stacks as they are still shown, until when, in the order of their changes; none where the stack was not there yet.
    shown: Vec<(i64, String, Option<Stack>)>,
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationError", message)
}

impl Stacks {
    /// Performs an operation.
    pub fn perform(&mut self, call: &Call, scene: &Scene) -> Result<Value, ApiError> {
        if let Some(mut old) = self.lagging(scene.now) {
            return old.perform(call, scene);
        }
        match call.operation.as_str() {
            "DescribeStacks" => self.describe(&call.params, scene),
            "DescribeStackResource" => self.describe_resource(&call.params),
            _ => Err(state::unknown(call)),
        }
    }

    /// A stack is about to change: for a while the view shows it as it is now.
    pub fn changes(&mut self, id: &str, now: i64) {
        self.shown.retain(|(until, ..)| now < *until);
        if self.lag > 0 {
            self.shown
                .push((now + self.lag, id.to_owned(), self.all.get(id).cloned()));
        }
    }

    /// The stacks as they are shown, where any lags behind.
    fn lagging(&self, now: i64) -> Option<Self> {
        let mut old = Self {
            all: self.all.clone(),
            ..Self::default()
        };
        let mut lags = false;
        // The oldest change that is still hidden comes last and wins.
        for (_, id, stack) in self.shown.iter().rev().filter(|(until, ..)| now < *until) {
            lags = true;
            match stack {
                Some(stack) => old.all.insert(id.clone(), stack.clone()),
                None => old.all.remove(id),
            };
        }
        lags.then_some(old)
    }

    /// A stack by name or id. One that is deleted answers to its id only.
    pub fn find(&self, reference: &str) -> Option<(&String, &Stack)> {
        self.all.get_key_value(reference).or_else(|| {
            self.all
                .iter()
                .find(|(_, stack)| stack.name == reference && stack.status != "DELETE_COMPLETE")
        })
    }

    fn describe(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let found: Vec<(&String, &Stack)> = match text(params, "StackName") {
            Some(reference) => {
                let stack = self
                    .find(reference)
                    .ok_or_else(|| validation(format!("Stack with id {reference} does not exist")))?;
                vec![stack]
            }
            None => self
                .all
                .iter()
                .filter(|(_, stack)| stack.status != "DELETE_COMPLETE")
                .collect(),
        };
        let stacks: Vec<Value> = found
            .into_iter()
            .map(|(id, stack)| {
                let tags: Vec<Value> = (stack.tags.iter())
                    .map(|(key, value)| json!({"Key": key, "Value": value}))
                    .collect();
                let mut described = json!({
                    "StackId": id,
                    "StackName": stack.name,
                    "StackStatus": stack.status,
                    "CreationTime": date(scene.now),
                    "DisableRollback": false,
                    "Tags": tags,
                });
                if let Some(updated) = stack.updated {
                    described["LastUpdatedTime"] = date(updated).into();
                }
                described
            })
            .collect();
        Ok(json!({ "Stacks": stacks }))
    }

    fn describe_resource(&self, params: &Value) -> Result<Value, ApiError> {
        let reference = text(params, "StackName").unwrap_or_default();
        let (id, stack) = self
            .find(reference)
            .ok_or_else(|| validation(format!("Stack '{reference}' does not exist")))?;
        let logical = text(params, "LogicalResourceId").unwrap_or_default();
        let resource = stack
            .resources
            .get(logical)
            .ok_or_else(|| validation(format!("Resource {logical} does not exist for stack {}", stack.name)))?;
        Ok(json!({ "StackResourceDetail": {
            "StackId": id,
            "StackName": stack.name,
            "LogicalResourceId": logical,
            "PhysicalResourceId": resource.physical_id,
            "ResourceType": resource.resource_type,
            "ResourceStatus": resource.status,
            "LastUpdatedTimestamp": date(resource.since),
        } }))
    }

    /// Shows everything, by id.
    pub fn snapshot(&self) -> Value {
        self.all
            .iter()
            .map(|(id, stack)| {
                let resources: BTreeMap<_, _> = stack
                    .resources
                    .iter()
                    .map(|(logical, resource)| {
                        (
                            logical,
                            json!({ "id": resource.physical_id, "status": resource.status }),
                        )
                    })
                    .collect();
                (id.clone(), json!({ "status": stack.status, "resources": resources }))
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}
