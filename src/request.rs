//! CloudFormation's event, read leniently: what it asks for, of which resource, and where the answer goes.

use serde_json::{Map, Value};

use crate::{
    identity::{Family, Identity, Owner, StackId},
    response_url::ResponseUrl,
};

/// What every answer repeats as received, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where the answer goes.
    pub response_url: ResponseUrl,
    /// `StackId`, as received.
    pub stack_id: String,
    /// `RequestId`, as received.
    pub request_id: String,
    /// `LogicalResourceId`, as received.
    pub logical_id: String,
    /// `PhysicalResourceId`, as received: on Update and Delete.
    pub physical_id: Option<String>,
}

/// What CloudFormation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestType {
    /// Make it.
    Create,
    /// Make it what the properties say; a rollback takes an update back this way, too.
    Update,
    /// Delete it.
    Delete,
}

impl RequestType {
    /// CloudFormation's own word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }
}

/// One event, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What it asks for.
    pub request_type: RequestType,
    /// What the answer repeats.
    pub envelope: Envelope,
    /// The owner of the resource.
    pub owner: Owner,
    /// The wanted properties; on Delete, those that it had last.
    pub properties: Map<String, Value>,
    /// The properties before an Update.
    pub old_properties: Map<String, Value>,
}

/// An event that can't be acted upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// An event without a place to answer.
    Unanswerable(&'static str),
    /// An event that can be answered: the reason is for the stack's event list.
    Answerable(Box<Envelope>, String),
}

impl Request {
    /// Reads an event. Only what the work needs is required: properties may be absent, and unknown fields are ignored.
    ///
    /// # Errors
    /// [`Malformed`], which says whether the event can be answered.
    pub fn parse(event: &Value) -> Result<Self, Malformed> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let response_url = ResponseUrl::parse(&text("ResponseURL")).ok_or(Malformed::Unanswerable(
            "the event has no `ResponseURL`, so it can't be answered",
        ))?;
        let envelope = Envelope {
            response_url,
            stack_id: text("StackId"),
            request_id: text("RequestId"),
            logical_id: text("LogicalResourceId"),
            physical_id: Some(text("PhysicalResourceId")).filter(|id| !id.is_empty()),
        };

        let mut problems = Vec::new();
        let request_type = match text("RequestType").as_str() {
            "Create" => Some(RequestType::Create),
            "Update" => Some(RequestType::Update),
            "Delete" => Some(RequestType::Delete),
            other => {
                problems.push(format!("`RequestType` must be Create, Update or Delete, not {other:?}"));
                None
            }
        };
        let stack_id = StackId::parse(&envelope.stack_id);
        if stack_id.is_none() {
            problems.push(format!(
                "`StackId` must be the ARN of a stack, not {:?}",
                envelope.stack_id
            ));
        }
        for (name, value) in [
            ("RequestId", &envelope.request_id),
            ("LogicalResourceId", &envelope.logical_id),
        ] {
            if value.is_empty() {
                problems.push(format!("`{name}` is absent"));
            }
        }
        if matches!(request_type, Some(RequestType::Update | RequestType::Delete)) && envelope.physical_id.is_none() {
            problems.push("`PhysicalResourceId` is absent".to_owned());
        }
        let mut object = |name: &str| match event.get(name) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(properties)) => properties.clone(),
            // A Delete is never refused for its properties.
            Some(_) if request_type == Some(RequestType::Delete) => Map::new(),
            Some(_) => {
                problems.push(format!("`{name}` must be an object"));
                Map::new()
            }
        };
        let properties = object("ResourceProperties");
        let old_properties = object("OldResourceProperties");

        match (request_type, stack_id) {
            (Some(request_type), Some(stack_id)) if problems.is_empty() => Ok(Self {
                request_type,
                owner: Owner {
                    stack_id,
                    logical_id: envelope.logical_id.clone(),
                },
                envelope,
                properties,
                old_properties,
            }),
            _ => Err(Malformed::Answerable(
                Box::new(envelope),
                format!("the event is malformed: {}", problems.join("; ")),
            )),
        }
    }

    /// This resource under a family.
    #[must_use]
    pub fn identity(&self, family: Family) -> Identity {
        Identity {
            owner: self.owner.clone(),
            family,
        }
    }

    /// The resource under the family that the event's physical id names; `None` where the id is not one of the provider's.
    #[must_use]
    pub fn family_of_physical_id(&self) -> Option<Identity> {
        let id = self.envelope.physical_id.as_deref()?;
        Identity::family_of(id, &self.owner.stack_id).map(|family| self.identity(family))
    }

    /// The physical id that a failure answers with: the event's, and for a Create the one that it would have got, so that
    /// the Delete which follows finds whatever was made.
    #[must_use]
    pub fn physical_id(&self) -> String {
        self.envelope.physical_id.clone().unwrap_or_else(|| {
            let family = self.family_in(&self.properties);
            self.identity(family).physical_id()
        })
    }

    /// What a Delete removes: the family of the physical id, never that of the properties, unless CloudFormation invented
    /// the id, as it does for a Create that never answered.
    #[must_use]
    pub fn removes(&self) -> Identity {
        let by_id = self.family_of_physical_id();
        by_id.unwrap_or_else(|| self.identity(self.family_in(&self.properties)))
    }

    /// The family that a reverse Update leaves behind: that of the old properties, if it is neither the wanted one nor the
    /// event's own, for which CloudFormation sends a Delete.
    #[must_use]
    pub fn abandons(&self, wanted: &Identity) -> Option<Identity> {
        if self.request_type != RequestType::Update || self.old_properties.is_empty() {
            return None;
        }
        let before = self.identity(self.family_in(&self.old_properties));
        let events = self.family_of_physical_id()?;
        (before != *wanted && before != events).then_some(before)
    }

    /// How long CloudFormation waits for the answer, in seconds: `ServiceTimeout`, 1 to 3600, and 3600 where the template
    /// has none.
    #[must_use]
    pub fn service_timeout(&self) -> u64 {
        const LONGEST: u64 = 3600;
        let written = self.properties.get("ServiceTimeout");
        let seconds = written.and_then(|value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()));
        seconds
            .filter(|seconds| (1..=LONGEST).contains(seconds))
            .unwrap_or(LONGEST)
    }

    /// The family that `properties` name, read leniently: an invalid one counts as absent.
    #[must_use]
    pub fn family_in(&self, properties: &Map<String, Value>) -> Family {
        properties
            .get("TaskFamily")
            .and_then(Value::as_str)
            .and_then(Family::parse)
            .unwrap_or_else(|| Family::of_logical_id(&self.owner.logical_id))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest;
    use serde_json::json;

    use super::*;

    pub(crate) const STACK: &str =
        "arn:aws:cloudformation:us-east-1:123456789012:stack/pipelines/5f2c1b70-0001-11f0-8de9-0242ac120002";

    pub(crate) fn event() -> Value {
        json!({
            "RequestType": "Update",
            "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:buildkite-agent-provider",
            "ResponseURL": "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answer?X-Amz-Signature=secret",
            "StackId": STACK,
            "RequestId": "0f3b2f2a-7f6e-4b8c-9a57-2f5d3a6f0d11",
            "ResourceType": "Custom::BuildkiteAgent",
            "LogicalResourceId": "Ruby2",
            "PhysicalResourceId": "arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:buildkite-agent-provider", "Image": "ruby:3.4"},
            "OldResourceProperties": {"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:buildkite-agent-provider", "Image": "ruby:2.7"},
        })
    }

    fn changed(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Request, Malformed> {
        let mut event = event();
        change(event.as_object_mut().unwrap());
        Request::parse(&event)
    }

    #[test]
    fn an_event_is_read_whole() {
        let request = Request::parse(&event()).unwrap();
        assert_eq!(request.request_type, RequestType::Update);
        assert_eq!(request.owner.logical_id, "Ruby2");
        assert_eq!(request.owner.stack_id.as_str(), STACK);
        assert_eq!(request.properties["Image"], "ruby:3.4");
        assert_eq!(request.old_properties["Image"], "ruby:2.7");
        assert_eq!(
            request.envelope.physical_id.as_deref(),
            Some("arn:aws:ecs:us-east-1:123456789012:task-definition/ruby2")
        );
    }

    #[test]
    fn what_the_published_types_write_is_read() {
        for request_type in ["Create", "Update", "Delete"] {
            let mut event = event();
            event["RequestType"] = request_type.into();
            let typed: CloudFormationCustomResourceRequest = serde_json::from_value(event).unwrap();
            let request = Request::parse(&serde_json::to_value(&typed).unwrap()).unwrap();
            assert_eq!(request.request_type.as_str(), request_type);
            assert_eq!(request.envelope.physical_id.is_some(), request_type != "Create");
        }
    }

    #[test]
    fn a_create_without_properties_is_not_a_fault_of_the_event() {
        let request = changed(|event| {
            event.insert("RequestType".into(), "Create".into());
            event.remove("ResourceProperties");
            event.remove("PhysicalResourceId");
        })
        .unwrap();
        assert!(request.properties.is_empty());
    }

    #[test]
    fn a_delete_is_not_refused_for_the_shape_of_its_properties() {
        let request = changed(|event| {
            event.insert("RequestType".into(), "Delete".into());
            event.insert("ResourceProperties".into(), json!(["no", "object"]));
        });
        assert!(request.is_ok());
    }

    #[test]
    fn everything_malformed_is_reported_at_once_where_there_is_somewhere_to_report_it() {
        let malformed = changed(|event| {
            event.insert("RequestType".into(), "Replace".into());
            event.insert("StackId".into(), 5.into());
            event.remove("RequestId");
            event.insert("ResourceProperties".into(), "none".into());
        });
        let Err(Malformed::Answerable(_, reason)) = malformed else {
            panic!("{malformed:?}");
        };
        assert_eq!(
            reason,
            "the event is malformed: `RequestType` must be Create, Update or Delete, not \"Replace\"; `StackId` must be the ARN of a stack, not \"\"; \
             `RequestId` is absent; `ResourceProperties` must be an object"
        );
    }

    #[test]
    fn nothing_is_answered_to_what_names_no_url() {
        for url in [Value::Null, "".into(), "ftp://host/".into(), 3.into()] {
            let malformed = changed(|event| {
                event.insert("ResponseURL".into(), url);
            });
            assert!(matches!(malformed, Err(Malformed::Unanswerable(_))), "{malformed:?}");
        }
        assert!(matches!(Request::parse(&Value::Null), Err(Malformed::Unanswerable(_))));
    }

    #[test]
    fn the_credential_in_the_url_is_never_shown() {
        let request = Request::parse(&event()).unwrap();
        for shown in [
            format!("{request:?}"),
            format!("{:#?}", request.envelope),
            request.envelope.response_url.to_string(),
        ] {
            assert!(!shown.contains("Signature") && !shown.contains("secret"), "{shown}");
            assert!(
                shown.contains("https://cloudformation-custom-resource-response-useast1"),
                "{shown}"
            );
        }
    }
}
