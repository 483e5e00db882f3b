//! What is reported to the author beside the migrated template.

use crate::template::Place;

/// How much one has to do about a remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Done, and worth knowing before it is deployed.
    Note,
    /// Something that is left to the author.
    Warning,
}

/// One remark, and the place that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How much there is to do.
    pub weight: Weight,
    /// Where, in the text that was read.
    pub at: Place,
    /// What.
    pub text: String,
}
