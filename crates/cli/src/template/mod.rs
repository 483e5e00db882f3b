//! A CloudFormation template as its author wrote it, YAML or JSON: read here with every place, and evaluated as far as
//! it can be before a deployment, for those that look at templates before CloudFormation does. The function that answers
//! CloudFormation has no use for it.

mod call;
mod deployment;
mod dynamic;
mod evaluate;
mod form;
mod given;
mod loops;
mod made_elsewhere;
mod mark;
mod node;
mod read;
pub mod restore;
mod sub;
mod unknown;
mod wrong;
mod yaml_1_1;

pub use call::{Call, long_form, short_form};
pub use deployment::Deployment;
pub use dynamic::{DynamicPiece, dynamic_pieces, holds_a_secure_reference};
pub use evaluate::{Evaluator, Properties};
pub use form::{Form, Forms, Part};
pub use given::{Given, parameters};
pub use loops::{followed, is_loop};
pub use made_elsewhere::{has_language_extensions, may_be_made};
pub use mark::{Mark, PARTITIONS, Partition};
pub use node::{Entry, Kind, Node, Place};
pub use read::{Reread, Unreadable, read, read_and_compare, read_as_written};
pub use sub::{SubPiece, names_in_sub, sub_pieces};
pub use unknown::Unknown;
pub use wrong::{Extent, Weight, Wrong, extent, of_entry, of_key};
