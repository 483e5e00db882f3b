//! IAM: roles and the operations on them.

mod documents;
mod policies;
mod roles;

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::error::ApiError;
use super::home::Home;
use super::json::{number, text};
use super::paging;
use super::state::{self, Scene};
use super::tags::{self, Tags};

/// The characters that RFC 3986 leaves as they are; IAM encodes policy documents by it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One role.
#[derive(Clone, Debug)]
pub struct Role {
    /// The name as written at creation; compared without case.
    pub name: String,
    /// Begins and ends with a slash.
    pub path: String,
    /// `AROA…`; never the same again, also for a role of the same name.
    pub id: String,
    /// The trust policy, as written.
    pub trust: String,
    /// The description, if any.
    pub description: Option<String>,
    /// Seconds.
    pub session: i64,
    /// The boundary's ARN.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// Inline policies as written, by name.
    pub inline: BTreeMap<String, String>,
    /// ARNs of attached managed policies.
    pub attached: BTreeSet<String>,
    /// Milliseconds since 1970.
    pub created: i64,
}

impl Role {
    /// The ARN, with the path.
    pub fn arn(&self, home: &Home) -> String {
        home.role(&self.path, &self.name)
    }
}

/// All roles.
#[derive(Clone, Debug, Default)]
pub struct Iam {
    /// All roles, by name in lower case: names are unique without regard to it (docs/internals/aws.md, "Names and quotas").
    pub roles: BTreeMap<String, Role>,
    /// How many roles of each name (in lower case) were ever made; ids come from it.
    pub made: BTreeMap<String, u64>,
    /// Managed policies that don't exist. All others do.
    pub absent_policies: BTreeSet<String>,
    /// Whether a role that is not there is taken to have whatever path the caller may touch; see `authorise`.
    pub absent_roles_have_any_path: bool,
}

/// IAM's not-found.
fn absent(message: impl Into<String>) -> ApiError {
    ApiError::new(404, "NoSuchEntity", message)
}

/// What IAM says of a role that it does not have.
pub fn absent_role(name: &str) -> ApiError {
    absent(format!("The role with name {name} cannot be found."))
}

fn conflict(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(409, code, message)
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationError", message)
}

/// The name of the role that a call is about.
pub fn role_name(params: &Value) -> &str {
    text(params, "RoleName").unwrap_or_default()
}

impl Iam {
    /// Performs an operation.
    pub fn perform(&mut self, call: &Call, scene: &Scene) -> Result<Value, ApiError> {
        let params = &call.params;
        match call.operation.as_str() {
            "CreateRole" => self.create_role(params, scene),
            "GetRole" => {
                let role = self.role(params)?;
                Ok(json!({ "Role": shown(role, &scene.home) }))
            }
            "ListRoles" => self.list_roles(params, scene),
            "UpdateRole" => self.update_role(params),
            "UpdateAssumeRolePolicy" => self.update_trust(params),
            "DeleteRole" => self.delete_role(params),
            "TagRole" => self.tag_role(params),
            "UntagRole" => self.untag_role(params),
            "ListRoleTags" => self.list_role_tags(params, scene),
            "PutRolePolicy" => self.put_policy(params),
            "GetRolePolicy" => self.get_policy(params),
            "ListRolePolicies" => self.list_policies(params, scene),
            "DeleteRolePolicy" => self.delete_policy(params),
            "GetPolicy" => self.get_managed(params),
            "GetPolicyVersion" => self.get_managed_version(params),
            "AttachRolePolicy" => self.attach(params),
            "DetachRolePolicy" => self.detach(params),
            "ListAttachedRolePolicies" => self.list_attached(params, scene),
            "PutRolePermissionsBoundary" => self.put_boundary(params),
            "DeleteRolePermissionsBoundary" => {
                self.role_mut(params)?.boundary = None;
                Ok(Value::Null)
            }
            _ => Err(state::unknown(call)),
        }
    }

    /// A role by name.
    pub fn find(&self, name: &str) -> Option<&Role> {
        self.roles.get(&name.to_lowercase())
    }

    fn role(&self, params: &Value) -> Result<&Role, ApiError> {
        let name = role_name(params);
        self.find(name).ok_or_else(|| absent_role(name))
    }

    fn role_mut(&mut self, params: &Value) -> Result<&mut Role, ApiError> {
        let name = role_name(params);
        self.roles
            .get_mut(&name.to_lowercase())
            .ok_or_else(|| absent_role(name))
    }

    /// Whether the ARN names a managed policy that can be attached or be a boundary.
    fn check_managed(&self, arn: &str, missing: impl Into<String>) -> Result<(), ApiError> {
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let well_formed =
            fields.len() == 6 && fields[0] == "arn" && fields[2] == "iam" && fields[5].starts_with("policy/");
        if !well_formed {
            return Err(ApiError::bad("InvalidInput", format!("ARN {arn} is not valid.")));
        }
        if self.absent_policies.contains(arn) {
            return Err(absent(missing));
        }
        Ok(())
    }

    /// Shows everything but the creation time, by ARN.
    pub fn snapshot(&self, home: &Home) -> Value {
        let document = |written: &str| -> Value { serde_json::from_str(written).unwrap_or_else(|_| written.into()) };
        self.roles
            .values()
            .map(|role| {
                let inline: BTreeMap<_, _> = role
                    .inline
                    .iter()
                    .map(|(name, written)| (name, document(written)))
                    .collect();
                let held = json!({
                    "id": role.id,
                    "trust": document(&role.trust),
                    "description": role.description,
                    "session": role.session,
                    "boundary": role.boundary,
                    "tags": role.tags,
                    "inline": inline,
                    "attached": role.attached,
                });
                (role.arn(home), held)
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

/// A role as the API shows it: the trust policy percent-encoded.
fn shown(role: &Role, home: &Home) -> Value {
    let boundary = role
        .boundary
        .as_ref()
        .map(|arn| json!({ "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn }));
    let tags = (!role.tags.is_empty()).then(|| tags::IAM.list(&role.tags));
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn(home),
        "CreateDate": date(role.created),
        "AssumeRolePolicyDocument": encoded(&role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.session,
        "PermissionsBoundary": boundary,
        "Tags": tags,
    })
}

fn encoded(document: &str) -> String {
    utf8_percent_encode(document, ENCODED).to_string()
}

/// Milliseconds since 1970 as the XML services write a time.
pub fn date(milliseconds: i64) -> String {
    aws_smithy_types::DateTime::from_millis(milliseconds)
        .fmt(aws_smithy_types::date_time::Format::DateTime)
        .unwrap_or_default()
}

/// `AROA` and 17 more: looks random and never repeats. A function of the name and of how many of that name came before,
/// so that the order in which different roles are made does not show.
fn unique_id(name: &str, made: u64) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = Sha256::digest(format!("{name} {made}"));
    let tail: String = digest
        .iter()
        .take(17)
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect();
    format!("AROA{tail}")
}

/// A page of a role's list, under `field`.
fn page(field: &str, all: Vec<(String, Value)>, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
    let most = number(params, "MaxItems").unwrap_or(100);
    if !(1..=1000).contains(&most) {
        return Err(validation("MaxItems must be between 1 and 1000"));
    }
    let size = scene.page.min(usize::try_from(most).unwrap_or(100));
    let page = paging::cut(
        all,
        paging::Order::Ascending,
        text(params, "Marker"),
        size,
        &validation("Invalid Marker."),
    )?;
    Ok(json!({ field: page.items, "IsTruncated": page.next.is_some(), "Marker": page.next }))
}
