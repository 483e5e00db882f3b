//! What AWS answered to a call that it did not carry out, and whether that means that the thing does not exist.

use std::fmt;

use aws_sdk_ecs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A call that AWS refused, or that never reached it.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The service's code; absent where no service answered.
    code: Option<String>,
    /// The service's message, or the error and its causes.
    pub(crate) message: String,
}

impl Refused {
    /// What no service answered.
    pub(crate) fn other(message: String) -> Self {
        Self { code: None, message }
    }

    /// Whether the caller may not do that.
    pub(crate) fn is_denied(&self) -> bool {
        let code = self.code.as_deref();
        matches!(
            code,
            Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation")
        )
    }

    /// Whether AWS's code is this one.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether the named thing does not exist; ECS says so of a task definition in the message alone.
    pub(crate) fn is_absent(&self) -> bool {
        match self.code.as_deref() {
            Some(
                "NoSuchEntity"
                | "NoSuchEntityException"
                | "ResourceNotFoundException"
                | "RepositoryNotFoundException"
                | "ClusterNotFoundException",
            ) => true,
            Some("ClientException") => {
                (self.message.to_ascii_lowercase()).contains("unable to describe task definition")
            }
            _ => false,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl<E, R> From<SdkError<E, R>> for Refused
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: fmt::Debug,
{
    fn from(error: SdkError<E, R>) -> Self {
        match error.as_service_error() {
            Some(service) => Self {
                code: Some(service.code().unwrap_or("UnknownError").to_owned()),
                message: service.message().unwrap_or("no message").to_owned(),
            },
            None => Self {
                code: None,
                message: DisplayErrorContext(&error).to_string(),
            },
        }
    }
}
