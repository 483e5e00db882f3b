//! A CloudFormation template as its author wrote it, YAML or JSON: read here with every place, and evaluated as far as
//! it can be before a deployment, for whoever looks at templates before CloudFormation does. The function that answers
//! CloudFormation has no use for it.

mod call;
mod evaluate;
mod given;
mod node;
mod read;
pub mod restore;
mod sub;
mod unknown;

pub use call::{Call, long_form, short_form};
pub use evaluate::{Evaluator, Extent, Properties, Wrong, extent, of_entry};
pub use given::{Given, parameters};
pub use node::{Entry, Kind, Node, Place};
pub use read::{Unreadable, read};
pub use sub::{SubPiece, names_in_sub, sub_pieces};
pub use unknown::{Mark, Unknown, form};
