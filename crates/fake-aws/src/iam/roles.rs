//! The role itself: making, changing, tagging, removing it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::json::{is_name, number, text, texts};
use super::super::state::Scene;
use super::super::tags;
use super::{Iam, Role, absent_role, conflict, documents, page, role_name, shown, unique_id, validation};

/// The most that a trust policy may have without white space (docs/internals/aws.md, "Names and quotas"; the default,
/// it can be raised).
const LARGEST_TRUST: usize = 2048;

impl Iam {
    pub(super) fn create_role(&mut self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let name = role_name(params);
        if !is_name(name, 64, "_+=,.@-") {
            return Err(validation(format!(
                "1 validation error detected: Value '{name}' at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+"
            )));
        }
        let path = text(params, "Path").unwrap_or("/");
        if !is_path(path) {
            return Err(validation(
                "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
            ));
        }
        let description = text(params, "Description").map(str::to_owned);
        check_description(description.as_deref())?;
        let session = number(params, "MaxSessionDuration").unwrap_or(3600);
        check_session(session)?;
        let pairs = tags::IAM.pairs(params, "Tags");
        check_pairs(&pairs)?;
        let trust = text(params, "AssumeRolePolicyDocument").unwrap_or_default();
        check_trust(trust)?;
        if self.find(name).is_some() {
            return Err(conflict(
                "EntityAlreadyExists",
                format!("Role with name {name} already exists."),
            ));
        }
        let boundary = text(params, "PermissionsBoundary").map(str::to_owned);
        if let Some(arn) = &boundary {
            self.check_managed(arn, scope_missing(arn))?;
        }
        let key = name.to_lowercase();
        let made = self.made.entry(key.clone()).or_default();
        *made += 1;
        let role = Role {
            name: name.to_owned(),
            path: path.to_owned(),
            id: unique_id(&key, *made),
            trust: trust.to_owned(),
            description,
            session,
            boundary,
            tags: pairs.into_iter().collect(),
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
            created: scene.now,
        };
        let answer = json!({ "Role": shown(&role, &scene.home) });
        self.roles.insert(name.to_lowercase(), role);
        Ok(answer)
    }

    /// A list leaves out tags and boundaries (IAM API, `ListRoles`).
    pub(super) fn list_roles(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let prefix = text(params, "PathPrefix").unwrap_or("/");
        let roles = self.roles.values().filter(|role| role.path.starts_with(prefix));
        let all = roles.map(|role| {
            let mut shown = shown(role, &scene.home);
            for field in ["Tags", "PermissionsBoundary"] {
                shown[field] = Value::Null;
            }
            (role.name.clone(), shown)
        });
        page("Roles", all.collect(), params, scene)
    }

    pub(super) fn update_role(&mut self, params: &Value) -> Result<Value, ApiError> {
        let description = text(params, "Description").map(str::to_owned);
        check_description(description.as_deref())?;
        let session = number(params, "MaxSessionDuration");
        check_session(session.unwrap_or(3600))?;
        let role = self.role_mut(params)?;
        role.description = description.or(role.description.take());
        role.session = session.unwrap_or(role.session);
        // An empty result element, where other operations have none.
        Ok(json!({}))
    }

    pub(super) fn update_trust(&mut self, params: &Value) -> Result<Value, ApiError> {
        let trust = text(params, "PolicyDocument").unwrap_or_default();
        let role = self.role_mut(params)?;
        check_trust(trust)?;
        trust.clone_into(&mut role.trust);
        Ok(Value::Null)
    }

    pub(super) fn delete_role(&mut self, params: &Value) -> Result<Value, ApiError> {
        let role = self.role(params)?;
        if !role.attached.is_empty() {
            return Err(conflict(
                "DeleteConflict",
                "Cannot delete entity, must detach all policies first.",
            ));
        }
        if !role.inline.is_empty() {
            return Err(conflict(
                "DeleteConflict",
                "Cannot delete entity, must delete policies first.",
            ));
        }
        let name = role_name(params);
        self.roles
            .remove(&name.to_lowercase())
            .ok_or_else(|| absent_role(name))?;
        Ok(Value::Null)
    }

    pub(super) fn tag_role(&mut self, params: &Value) -> Result<Value, ApiError> {
        let pairs = tags::IAM.pairs(params, "Tags");
        let role = self.role_mut(params)?;
        check_pairs(&pairs)?;
        let mut merged = role.tags.clone();
        for (key, value) in pairs {
            // A key that differs in case only is the same key, and takes the new spelling.
            merged.retain(|held, _| held.to_lowercase() != key.to_lowercase());
            merged.insert(key, value);
        }
        if merged.len() > tags::MOST {
            return Err(too_many_tags());
        }
        role.tags = merged;
        Ok(Value::Null)
    }

    pub(super) fn untag_role(&mut self, params: &Value) -> Result<Value, ApiError> {
        let keys: Vec<String> = texts(params, "TagKeys").iter().map(|key| key.to_lowercase()).collect();
        let role = self.role_mut(params)?;
        role.tags.retain(|held, _| !keys.contains(&held.to_lowercase()));
        Ok(Value::Null)
    }

    pub(super) fn list_role_tags(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let role = self.role(params)?;
        let all = role
            .tags
            .iter()
            .map(|(key, value)| (key.clone(), json!({ "Key": key, "Value": value })))
            .collect();
        page("Tags", all, params, scene)
    }

    pub(super) fn put_boundary(&mut self, params: &Value) -> Result<Value, ApiError> {
        let arn = text(params, "PermissionsBoundary").unwrap_or_default();
        self.role(params)?;
        self.check_managed(arn, scope_missing(arn))?;
        self.role_mut(params)?.boundary = Some(arn.to_owned());
        Ok(Value::Null)
    }
}

fn scope_missing(arn: &str) -> String {
    format!("Scope ARN: {arn} does not exist or is not attachable.")
}

fn check_trust(document: &str) -> Result<(), ApiError> {
    documents::check_trust(document)?;
    if documents::size(document) > LARGEST_TRUST {
        return Err(conflict(
            "LimitExceeded",
            format!("Cannot exceed quota for ACLSizePerRole: {LARGEST_TRUST}"),
        ));
    }
    Ok(())
}

fn check_pairs(pairs: &[(String, String)]) -> Result<(), ApiError> {
    if tags::repeated(pairs, true).is_some() {
        return Err(ApiError::bad(
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ));
    }
    if pairs.len() > tags::MOST {
        return Err(too_many_tags());
    }
    tags::check(pairs, "ValidationError")
}

fn too_many_tags() -> ApiError {
    conflict(
        "LimitExceeded",
        format!("Cannot exceed quota for TagsPerRole: {}", tags::MOST),
    )
}

/// At most 1000 characters of Latin 1 (docs/internals/aws.md, "Names and quotas").
fn check_description(description: Option<&str>) -> Result<(), ApiError> {
    let description = description.unwrap_or_default();
    let legal = |c: char| matches!(u32::from(c), 0x09 | 0x0a | 0x0d | 0x20..=0x7e | 0xa1..=0xff);
    if description.chars().count() > 1000 || !description.chars().all(legal) {
        return Err(validation("The description is too long or not Latin 1."));
    }
    Ok(())
}

fn check_session(seconds: i64) -> Result<(), ApiError> {
    if (3600..=43_200).contains(&seconds) {
        return Ok(());
    }
    Err(validation("MaxSessionDuration must be between 3600 and 43200."))
}

/// Begins and ends with a slash, printable ASCII, 512 characters (docs/internals/aws.md, "Names and quotas").
fn is_path(path: &str) -> bool {
    (1..=512).contains(&path.len())
        && path.starts_with('/')
        && path.ends_with('/')
        && path.chars().all(|c| c.is_ascii_graphic())
}
