//! Tasks, as far as their operator may ask about them. Only tests start and stop them.

use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::json::{text, texts};
use super::invalid;

/// All tasks, each as Describe shows it, with the name of its cluster and its family beside it.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// The clusters that exist beside `default`.
    pub clusters: Vec<String>,
    /// The tasks.
    pub all: Vec<Task>,
}

/// One task.
#[derive(Clone, Debug)]
pub struct Task {
    /// The cluster's name.
    pub cluster: String,
    /// The family of its task definition.
    pub family: String,
    /// The task as Describe shows it.
    pub shown: Value,
}

impl Tasks {
    fn of_cluster(&self, params: &Value) -> Result<impl Iterator<Item = &Task>, ApiError> {
        let cluster = text(params, "cluster").unwrap_or("default").to_owned();
        let cluster = cluster.rsplit('/').next().unwrap_or_default().to_owned();
        if cluster != "default" && !self.clusters.contains(&cluster) {
            return Err(ApiError::bad("ClusterNotFoundException", "Cluster not found."));
        }
        Ok(self.all.iter().filter(move |task| task.cluster == cluster))
    }

    /// The ARNs of the tasks of a cluster in one desired status, RUNNING unless another is asked for.
    pub fn list(&self, params: &Value) -> Result<Value, ApiError> {
        let status = text(params, "desiredStatus").unwrap_or("RUNNING");
        let family = text(params, "family");
        let tasks = self.of_cluster(params)?;
        let arns: Vec<&Value> = tasks
            .filter(|task| task.shown["desiredStatus"] == status)
            .filter(|task| family.is_none_or(|family| family == task.family))
            .map(|task| &task.shown["taskArn"])
            .collect();
        Ok(json!({ "taskArns": arns }))
    }

    /// Up to a hundred tasks, by ARN.
    pub fn describe(&self, params: &Value) -> Result<Value, ApiError> {
        let wanted = texts(params, "tasks");
        if !(1..=100).contains(&wanted.len()) {
            return Err(invalid("between 1 and 100 tasks can be described at once"));
        }
        let tasks = self.of_cluster(params)?;
        let found: Vec<&Value> = tasks
            .map(|task| &task.shown)
            .filter(|task| wanted.iter().any(|arn| task["taskArn"] == arn.as_str()))
            .collect();
        Ok(json!({ "tasks": found, "failures": [] }))
    }
}
