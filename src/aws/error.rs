//! A call that AWS did not carry out: the SDK's errors, sorted by what to do about them.

use std::fmt;

use aws_sdk_ecs::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};

use crate::causes::causes;

/// What an error means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Too many calls at once: nothing was done.
    Throttled,
    /// Somebody else changes the same thing at this moment: nothing was done.
    Busy,
    /// The service failed: something may have been done.
    Server,
    /// No answer came: something may have been done.
    Transport,
    /// Not permitted.
    Denied,
    /// The thing does not exist.
    Absent,
    /// A thing of that name exists.
    Exists,
    /// The thing still has parts.
    Conflict,
    /// Anything else, which time does not mend.
    Other,
}

/// One call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// What it means for the caller.
    pub kind: Kind,
    /// The service's code, such as `AccessDenied`.
    pub code: String,
    /// The service's message.
    pub message: String,
    /// AWS's id of the call, for its support.
    pub request_id: Option<String>,
}

impl CallError {
    /// An error that no service answered with.
    pub(super) fn of(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.into(),
            request_id: None,
        }
    }

    /// Whether a new role may not be passed yet; a real denial looks the same (docs/internals/aws.md, "Registering").
    pub(super) fn is_pass_role(&self) -> bool {
        self.kind == Kind::Denied && self.message.contains("iam:PassRole")
    }

    /// Whether no role of that name exists. Requests name a role without its path, so an absent one is authorised without
    /// a path too, and with rights under a path alone IAM denies the call instead of saying so: its message then names
    /// `role NAME`, where that of an existing role has the whole ARN.
    pub(crate) fn is_absent_role(&self, name: &str) -> bool {
        let pathless = |form: &str| {
            let named = format!("{form}{name}");
            let after = self.message.split_once(&named).map(|(_, rest)| rest.chars().next());
            after.is_some_and(|next| next.is_none_or(|c| !c.is_ascii_alphanumeric() && !"_+=,.@-".contains(c)))
        };
        match self.kind {
            Kind::Absent => true,
            Kind::Denied => pathless("resource: role ") || pathless(":role/"),
            _ => false,
        }
    }

    /// Whether CloudFormation has no such stack, or the stack no such resource.
    pub(super) fn is_absent_stack_or_resource(&self) -> bool {
        self.code == "ValidationError" && self.message.contains("does not exist")
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl<E> From<SdkError<E, HttpResponse>> for CallError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        match &error {
            SdkError::ServiceError(context) => {
                let service = context.err();
                let code = service.code().unwrap_or("UnknownError");
                let message = service.message().unwrap_or("no message");
                let status = context.raw().status().as_u16();
                Self {
                    kind: kind(code, message, status),
                    code: code.to_owned(),
                    message: message.to_owned(),
                    request_id: service.meta().request_id().map(str::to_owned),
                }
            }
            SdkError::ConstructionFailure(_) => Self::of(Kind::Other, "ConstructionFailure", causes(&error)),
            SdkError::DispatchFailure(failure) if failure.is_user() => {
                Self::of(Kind::Other, "DispatchFailure", causes(&error))
            }
            SdkError::TimeoutError(_) => Self::of(Kind::Transport, "Timeout", causes(&error)),
            SdkError::DispatchFailure(_) => Self::of(Kind::Transport, "ConnectionFailure", causes(&error)),
            _ => Self::of(Kind::Transport, "UnreadableAnswer", causes(&error)),
        }
    }
}

/// Sorts a service's error by its code, its message and the HTTP status; the codes are those of ECS, IAM, CloudWatch
/// Logs, CloudFormation and SQS (docs/internals/aws.md, "Error codes").
fn kind(code: &str, message: &str, status: u16) -> Kind {
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown" => Kind::Throttled,
        "OperationAbortedException" | "ConcurrentModification" | "ConcurrentModificationException" => Kind::Busy,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "NotAuthorized" => Kind::Denied,
        "NoSuchEntity" | "NoSuchEntityException" | "ResourceNotFoundException" => Kind::Absent,
        "EntityAlreadyExists" | "EntityAlreadyExistsException" | "ResourceAlreadyExistsException" => Kind::Exists,
        "DeleteConflict" | "DeleteConflictException" => Kind::Conflict,
        _ if message.contains("Rate exceeded") || status == 429 => Kind::Throttled,
        _ if message.contains("Too many concurrent attempts") => Kind::Busy,
        "ClientException"
            if message
                .to_ascii_lowercase()
                .contains("unable to describe task definition") =>
        {
            Kind::Absent
        }
        "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "ServerException"
        | "ServiceFailure"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => Kind::Server,
        _ if status >= 500 => Kind::Server,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_without_a_path_means_that_the_role_is_absent() {
        let denied = |resource: &str| {
            let message = format!(
                "User: u is not authorized to perform: iam:GetRole on resource: {resource} because no policy allows it"
            );
            CallError::of(Kind::Denied, "AccessDenied", message).is_absent_role("ruby2-task-0123")
        };
        assert!(denied("role ruby2-task-0123"));
        assert!(denied("arn:aws:iam::123456789012:role/ruby2-task-0123"));
        assert!(!denied(
            "arn:aws:iam::123456789012:role/BuildkiteAgentTask/ruby2-task-0123"
        ));
        assert!(!denied("role ruby2-task-01234"));
    }

    #[test]
    fn errors_are_sorted_by_what_to_do_about_them() {
        for (code, message, status, expected) in [
            ("Throttling", "Rate exceeded", 400, Kind::Throttled),
            ("ClientException", "Rate exceeded", 400, Kind::Throttled),
            (
                "ClientException",
                "Too many concurrent attempts to create a new revision of the specified family.",
                400,
                Kind::Busy,
            ),
            ("OperationAbortedException", "", 400, Kind::Busy),
            ("ConcurrentModification", "", 409, Kind::Busy),
            (
                "ClientException",
                "Unable to describe task definition.",
                400,
                Kind::Absent,
            ),
            ("NoSuchEntity", "", 404, Kind::Absent),
            ("DeleteConflict", "", 409, Kind::Conflict),
            ("ServiceUnavailable", "", 400, Kind::Server),
            ("WhoKnows", "", 502, Kind::Server),
            ("AccessDeniedException", "", 400, Kind::Denied),
            ("ClientException", "Role is not valid", 400, Kind::Other),
            ("MalformedPolicyDocument", "", 400, Kind::Other),
        ] {
            assert_eq!(kind(code, message, status), expected, "{code}: {message}");
        }
    }
}
