//! What can't be known before a deployment, and its stand-in until then.

use serde_json::Value;

/// A value that only the deployment knows, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Its stand-in in values; it holds the [`Mark`](super::Mark).
    pub text: String,
    /// What it is, as its author wrote it, such as `BuildRust.Outputs.Image`.
    pub shown: String,
    /// What it is, in the long form of a JSON template; null where there is no expression of it.
    pub expression: Value,
}
