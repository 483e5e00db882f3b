//! CloudWatch Logs: log groups and the operations on them (docs/internals/aws.md, "CloudWatch Logs").

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::Call;
use super::error::ApiError;
use super::home::Home;
use super::json::{is_name, number, text, text_map, texts};
use super::paging;
use super::state::{self, Scene};
use super::tags::{self, Tags};

/// The days that a retention may have.
const RETENTIONS: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// One log group.
#[derive(Clone, Debug)]
pub struct LogGroup {
    /// Days; absent is for ever.
    pub retention: Option<i64>,
    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`.
    pub class: String,
    /// The KMS key, if any.
    pub key: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// While set, the group can't be deleted.
    pub protected: bool,
    /// Milliseconds since 1970.
    pub created: i64,
}

/// All log groups.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// All groups, by name.
    pub groups: BTreeMap<String, LogGroup>,
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterException", message)
}

fn constraint(value: &str, member: &str, rule: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"
    ))
}

fn absent() -> ApiError {
    ApiError::bad("ResourceNotFoundException", "The specified log group does not exist.")
}

/// The name of the group that an ARN, as the tag operations take it, is about.
pub fn name_in(arn: &str, home: &Home) -> Option<String> {
    arn.strip_prefix(&home.log_group("")).map(str::to_owned)
}

impl Logs {
    /// Performs an operation. Those that answer nothing answer with an empty body.
    pub fn perform(&mut self, call: &Call, scene: &Scene) -> Result<Value, ApiError> {
        let params = &call.params;
        match call.operation.as_str() {
            "CreateLogGroup" => self.create(params, scene),
            "DeleteLogGroup" => self.delete(params),
            "DescribeLogGroups" => self.describe(params, scene),
            "PutRetentionPolicy" => {
                let days = number(params, "retentionInDays").unwrap_or_default();
                if !RETENTIONS.contains(&days) {
                    return Err(constraint(
                        &days.to_string(),
                        "retentionInDays",
                        &format!("satisfy enum value set: {RETENTIONS:?}"),
                    ));
                }
                self.group(params)?.retention = Some(days);
                Ok(Value::Null)
            }
            "AssociateKmsKey" => {
                let key = text(params, "kmsKeyId").ok_or_else(|| invalid("no key"))?.to_owned();
                self.group(params)?.key = Some(key);
                Ok(Value::Null)
            }
            "DisassociateKmsKey" => {
                self.group(params)?.key = None;
                Ok(Value::Null)
            }
            "DeleteRetentionPolicy" => {
                self.group(params)?.retention = None;
                Ok(Value::Null)
            }
            "PutLogGroupDeletionProtection" => {
                let on = params.get("deletionProtectionEnabled") == Some(&json!(true));
                self.identified(params)?.protected = on;
                Ok(Value::Null)
            }
            "ListTagsForResource" => {
                let group = self.tagged(params, scene)?;
                Ok(json!({ "tags": group.tags }))
            }
            "TagResource" => self.tag(params, scene),
            "UntagResource" => {
                let group = self.tagged(params, scene)?;
                for key in texts(params, "tagKeys") {
                    group.tags.remove(&key);
                }
                Ok(Value::Null)
            }
            _ => Err(state::unknown(call)),
        }
    }

    fn create(&mut self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let name = checked_name(params)?;
        if name.to_ascii_lowercase().starts_with("aws/") {
            return Err(invalid(format!(
                "Log groups starting with AWS/ are reserved for AWS: {name}"
            )));
        }
        let class = text(params, "logGroupClass").unwrap_or("STANDARD");
        if !["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"].contains(&class) {
            return Err(constraint(class, "logGroupClass", "satisfy enum value set"));
        }
        let tags = checked_tags(params)?;
        if self.groups.contains_key(&name) {
            return Err(ApiError::bad(
                "ResourceAlreadyExistsException",
                "The specified log group already exists",
            ));
        }
        let group = LogGroup {
            retention: None,
            class: class.to_owned(),
            key: text(params, "kmsKeyId").map(str::to_owned),
            tags,
            protected: params.get("deletionProtectionEnabled") == Some(&json!(true)),
            created: scene.now,
        };
        self.groups.insert(name, group);
        Ok(Value::Null)
    }

    fn delete(&mut self, params: &Value) -> Result<Value, ApiError> {
        if self.group(params)?.protected {
            return Err(ApiError::bad(
                "ValidationException",
                "The log group has deletion protection: disable it first.",
            ));
        }
        self.groups.remove(&checked_name(params)?);
        Ok(Value::Null)
    }

    fn describe(&self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let most = number(params, "limit").unwrap_or(50);
        if !(1..=50).contains(&most) {
            return Err(constraint(&most.to_string(), "limit", "have value between 1 and 50"));
        }
        let prefix = text(params, "logGroupNamePrefix").unwrap_or_default();
        let all = self
            .groups
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, group)| (name.clone(), (name, group)))
            .collect();
        let page = paging::cut(
            all,
            paging::Order::Ascending,
            text(params, "nextToken"),
            scene.page.min(usize::try_from(most).unwrap_or(50)),
            &invalid("The specified nextToken is invalid."),
        )?;
        let groups: Vec<Value> = page
            .items
            .into_iter()
            .map(|(name, group)| {
                let arn = scene.home.log_group(name);
                json!({
                    "logGroupName": name,
                    // Two spellings of one ARN: the older field has the suffix, the newer has not.
                    "arn": format!("{arn}:*"),
                    "logGroupArn": arn,
                    "creationTime": group.created,
                    "retentionInDays": group.retention,
                    "metricFilterCount": 0,
                    "storedBytes": 0,
                    "kmsKeyId": group.key,
                    "logGroupClass": group.class,
                    "deletionProtectionEnabled": group.protected,
                })
            })
            .collect();
        Ok(json!({ "logGroups": groups, "nextToken": page.next }))
    }

    fn tag(&mut self, params: &Value, scene: &Scene) -> Result<Value, ApiError> {
        let tags = checked_tags(params)?;
        let group = self.tagged(params, scene)?;
        let mut merged = group.tags.clone();
        merged.extend(tags);
        if merged.len() > tags::MOST {
            return Err(ApiError::bad(
                "TooManyTagsException",
                "A resource can have no more than 50 tags.",
            ));
        }
        group.tags = merged;
        Ok(Value::Null)
    }

    fn group(&mut self, params: &Value) -> Result<&mut LogGroup, ApiError> {
        let name = checked_name(params)?;
        self.groups.get_mut(&name).ok_or_else(absent)
    }

    fn identified(&mut self, params: &Value) -> Result<&mut LogGroup, ApiError> {
        let name = text(params, "logGroupIdentifier").unwrap_or_default();
        let name = name.rsplit(":log-group:").next().unwrap_or_default();
        self.groups.get_mut(name).ok_or_else(absent)
    }

    fn tagged(&mut self, params: &Value, scene: &Scene) -> Result<&mut LogGroup, ApiError> {
        let arn = text(params, "resourceArn").unwrap_or_default();
        // The pattern of the parameter has no asterisk: the ARN with `:*`, as Describe gives it, is refused.
        if !is_name(arn, 1011, "_+=/:,.@-") {
            return Err(constraint(
                arn,
                "resourceArn",
                "satisfy regular expression pattern: [\\w+=/:,.@-]*",
            ));
        }
        let name = name_in(arn, &scene.home)
            .ok_or_else(|| invalid(format!("The specified resource ARN is invalid: {arn}")))?;
        self.groups.get_mut(&name).ok_or_else(absent)
    }

    /// Shows everything but the creation time, by name.
    pub fn snapshot(&self) -> Value {
        self.groups
            .iter()
            .map(|(name, group)| {
                let held = json!({
                    "retention": group.retention,
                    "class": group.class,
                    "key": group.key,
                    "tags": group.tags,
                    "protected": group.protected,
                });
                (name.clone(), held)
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

fn checked_name(params: &Value) -> Result<String, ApiError> {
    let name = text(params, "logGroupName").unwrap_or_default();
    if is_name(name, 512, "._-/#") {
        return Ok(name.to_owned());
    }
    Err(constraint(
        name,
        "logGroupName",
        "satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    ))
}

/// Tags may be left out, but not be an empty map.
fn checked_tags(params: &Value) -> Result<Tags, ApiError> {
    let tags = text_map(params, "tags");
    if tags.is_empty() && params.get("tags").is_some_and(Value::is_object) {
        return Err(constraint("{}", "tags", "have length greater than or equal to 1"));
    }
    if tags.len() > tags::MOST {
        return Err(constraint("", "tags", "have length less than or equal to 50"));
    }
    let pairs: Vec<(String, String)> = tags.clone().into_iter().collect();
    tags::check(&pairs, "InvalidParameterException")?;
    Ok(tags)
}
