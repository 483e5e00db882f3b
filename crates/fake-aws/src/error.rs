//! An error as an AWS service answers it: HTTP status, code, message.

/// What a service refuses a call with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The error code, as SDKs see it.
    pub code: String,
    /// The message.
    pub message: String,
}

impl ApiError {
    /// An error of any status.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// HTTP 400: what the JSON services answer to nearly everything that the caller did wrong.
    pub fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }
}
