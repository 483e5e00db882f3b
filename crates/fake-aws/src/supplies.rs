//! What agents are started with: SSM parameters, secrets of Secrets Manager, images in ECR. Whether they exist is all that can be
//! asked: there are no values, and so no operation that reads one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Call, Service};
use super::error::ApiError;
use super::json::{items, text, texts};
use super::state::{self, Scene};

/// All parameters, secrets and repositories.
#[derive(Clone, Debug, Default)]
pub struct Supplies {
    /// Parameters as Describe shows them, by name.
    pub parameters: BTreeMap<String, Value>,
    /// Secrets as Describe shows them, by ARN.
    pub secrets: BTreeMap<String, Value>,
    /// The tags in each repository.
    pub repositories: BTreeMap<String, Vec<String>>,
}

impl Supplies {
    /// Performs an operation.
    pub fn perform(&self, call: &Call, scene: &Scene) -> Result<Value, ApiError> {
        let params = &call.params;
        match (call.service, call.operation.as_str()) {
            (Service::Ssm, "DescribeParameters") => Ok(self.describe_parameters(params, scene)),
            (Service::SecretsManager, "DescribeSecret") => self.describe_secret(params),
            (Service::Ecr, "DescribeImages") => self.describe_images(params, scene),
            _ => Err(state::unknown(call)),
        }
    }

    /// Those whose name is one of the filter's: what does not exist is left out. With small pages, the first one is empty
    /// (docs/internals/aws.md, "What the command reads").
    fn describe_parameters(&self, params: &Value, scene: &Scene) -> Value {
        if scene.page != usize::MAX && text(params, "NextToken").is_none() {
            return json!({ "Parameters": [], "NextToken": "more" });
        }
        let named: Vec<String> = items(params, "ParameterFilters")
            .iter()
            .filter(|filter| text(filter, "Key") == Some("Name"))
            .flat_map(|filter| texts(filter, "Values"))
            .collect();
        let found: Vec<&Value> = named.iter().filter_map(|name| self.parameters.get(name)).collect();
        json!({ "Parameters": found })
    }

    /// By name or by ARN.
    fn describe_secret(&self, params: &Value) -> Result<Value, ApiError> {
        let id = text(params, "SecretId").unwrap_or_default();
        let found = self
            .secrets
            .iter()
            .find(|(arn, secret)| *arn == id || secret["Name"] == id);
        let (_, secret) = found.ok_or_else(|| {
            ApiError::bad(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            )
        })?;
        Ok(secret.clone())
    }

    fn describe_images(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let name = text(params, "repositoryName").unwrap_or_default();
        let registry = &scene.home.account;
        let tags = self.repositories.get(name).ok_or_else(|| {
            ApiError::bad(
                "RepositoryNotFoundException",
                format!("The repository with name '{name}' does not exist in the registry with id '{registry}'"),
            )
        })?;
        let mut details = Vec::new();
        for wanted in items(params, "imageIds") {
            let tag = text(wanted, "imageTag").unwrap_or_default();
            if !tags.iter().any(|held| held == tag) {
                return Err(ApiError::bad(
                    "ImageNotFoundException",
                    format!(
                        "The image with imageId {{imageDigest:'null', imageTag:'{tag}'}} does not exist within the repository with name '{name}' in the registry with id '{registry}'"
                    ),
                ));
            }
            details.push(json!({ "repositoryName": name, "imageTags": [tag] }));
        }
        Ok(json!({ "imageDetails": details }))
    }
}
