//! A CloudFormation template as its author wrote it, YAML or JSON: read here with every place, for whoever looks at
//! templates before CloudFormation does. The function that answers CloudFormation has no use for it.

mod node;
mod read;

pub use node::{Entry, Kind, Node, Place};
pub use read::{Unreadable, read};
