//! What the provider answers, read by CloudFormation's rules (docs/internals/cloudformation.md, "Answers").

use serde_json::{Map, Value};

/// An answer that CloudFormation takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `SUCCESS`.
    pub succeeded: bool,
    /// Why not.
    pub reason: String,
    /// `PhysicalResourceId`.
    pub id: String,
    /// What `Fn::GetAtt` reads.
    pub data: Map<String, Value>,
}

impl Answer {
    /// Reads a body.
    ///
    /// # Errors
    /// Why CloudFormation would not take it.
    pub fn read(body: &[u8], event: &Value) -> Result<Self, String> {
        if body.len() > 4096 {
            return Err(format!("Response object is too long: {} bytes", body.len()));
        }
        let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if let Some((name, value)) = fields
            .iter()
            .find(|(name, value)| !value.is_string() && *name != "Data" && *name != "NoEcho")
        {
            return Err(format!("{name} is {value}"));
        }
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let echo = |name: &str| event[name].as_str().unwrap_or_default();
        for echoed in ["StackId", "RequestId", "LogicalResourceId"] {
            if text(echoed) != echo(echoed) {
                return Err(format!("{echoed} is {:?}", text(echoed)));
            }
        }
        let (status, reason, id) = (text("Status"), text("Reason"), text("PhysicalResourceId"));
        if !["SUCCESS", "FAILED"].contains(&status) {
            return Err(format!("'{status}' is not a valid ResponseStatus"));
        }
        if status == "FAILED" && reason.is_empty() || reason.chars().any(char::is_control) {
            return Err(format!("the reason is {reason:?}"));
        }
        if id.is_empty() || id.len() > 1024 {
            return Err("Invalid PhysicalResourceId".to_owned());
        }
        let data = match fields.get("Data") {
            None => Map::new(),
            Some(Value::Object(data)) if data.values().all(Value::is_string) => data.clone(),
            Some(data) => return Err(format!("Data is {data}")),
        };
        Ok(Self {
            succeeded: status == "SUCCESS",
            reason: reason.to_owned(),
            id: id.to_owned(),
            data,
        })
    }

    /// The same, which must be a success.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.succeeded, "{}", self.reason);
        self
    }

    /// The reason, which there must be.
    #[track_caller]
    pub fn failure(self) -> String {
        assert!(!self.succeeded, "it succeeded: {:?}", self.data);
        self.reason
    }

    /// An attribute, which there must be.
    #[track_caller]
    pub fn attribute(&self, name: &str) -> &str {
        self.data[name].as_str().unwrap()
    }
}
