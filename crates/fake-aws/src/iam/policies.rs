//! The policies of a role: those inside it, and those attached to it.

use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::json::{is_name, text};
use super::super::state::Scene;
use super::{Iam, absent, conflict, documents, encoded, page, validation};

/// All inline policies of a role together, white space not counted (docs/internals/aws.md, "Names and quotas").
const LARGEST_INLINE: usize = 10_240;

/// How many managed policies a role may have attached, by default (docs/internals/aws.md, "Names and quotas").
const MOST_ATTACHED: usize = 10;

impl Iam {
    pub(super) fn put_policy(&mut self, params: &Value) -> Result<Value, ApiError> {
        let name = text(params, "PolicyName").unwrap_or_default();
        if !is_name(name, 128, "_+=,.@-") {
            return Err(validation(format!(
                "The specified value for policyName is invalid: {name}"
            )));
        }
        let document = text(params, "PolicyDocument").unwrap_or_default();
        let role = self.role_mut(params)?;
        documents::check_identity(document)?;
        let others: usize = role
            .inline
            .iter()
            .filter(|(held, _)| *held != name)
            .map(|(_, written)| documents::size(written))
            .sum();
        if others + documents::size(document) > LARGEST_INLINE {
            return Err(conflict(
                "LimitExceeded",
                format!(
                    "Maximum policy size of {LARGEST_INLINE} bytes exceeded for role {}",
                    role.name
                ),
            ));
        }
        role.inline.insert(name.to_owned(), document.to_owned());
        Ok(Value::Null)
    }

    pub(super) fn get_policy(&self, params: &Value) -> Result<Value, ApiError> {
        let role = self.role(params)?;
        let name = text(params, "PolicyName").unwrap_or_default();
        let document = role.inline.get(name).ok_or_else(|| absent_policy(name))?;
        Ok(json!({
            "RoleName": role.name,
            "PolicyName": name,
            "PolicyDocument": encoded(document),
        }))
    }

    pub(super) fn list_policies(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let role = self.role(params)?;
        let all = role
            .inline
            .keys()
            .map(|name| (name.clone(), Value::from(name.clone())))
            .collect();
        page("PolicyNames", all, params, scene)
    }

    pub(super) fn delete_policy(&mut self, params: &Value) -> Result<Value, ApiError> {
        let name = text(params, "PolicyName").unwrap_or_default();
        let role = self.role_mut(params)?;
        role.inline.remove(name).ok_or_else(|| absent_policy(name))?;
        Ok(Value::Null)
    }

    /// What is behind a managed policy's ARN is nobody's concern here: each has one version, which allows everything.
    pub(super) fn get_managed(&self, params: &Value) -> Result<Value, ApiError> {
        let arn = text(params, "PolicyArn").unwrap_or_default();
        self.check_managed(arn, format!("Policy {arn} was not found."))?;
        Ok(json!({ "Policy": { "Arn": arn, "DefaultVersionId": "v1" } }))
    }

    pub(super) fn get_managed_version(&self, params: &Value) -> Result<Value, ApiError> {
        self.get_managed(params)?;
        let all =
            json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
        Ok(json!({ "PolicyVersion": { "VersionId": "v1", "Document": encoded(&all.to_string()) } }))
    }

    pub(super) fn attach(&mut self, params: &Value) -> Result<Value, ApiError> {
        let arn = text(params, "PolicyArn").unwrap_or_default();
        self.role(params)?;
        self.check_managed(arn, format!("Policy {arn} does not exist or is not attachable."))?;
        let role = self.role_mut(params)?;
        if role.attached.len() >= MOST_ATTACHED && !role.attached.contains(arn) {
            return Err(conflict(
                "LimitExceeded",
                format!("Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}"),
            ));
        }
        role.attached.insert(arn.to_owned());
        Ok(Value::Null)
    }

    pub(super) fn detach(&mut self, params: &Value) -> Result<Value, ApiError> {
        let arn = text(params, "PolicyArn").unwrap_or_default();
        if self.role_mut(params)?.attached.remove(arn) {
            return Ok(Value::Null);
        }
        Err(absent(format!("Policy {arn} was not found.")))
    }

    pub(super) fn list_attached(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let role = self.role(params)?;
        let all = role
            .attached
            .iter()
            .map(|arn| {
                let name = arn.rsplit('/').next().unwrap_or_default();
                (arn.clone(), json!({ "PolicyName": name, "PolicyArn": arn }))
            })
            .collect();
        page("AttachedPolicies", all, params, scene)
    }
}

fn absent_policy(name: &str) -> ApiError {
    absent(format!("The role policy with name {name} cannot be found."))
}
