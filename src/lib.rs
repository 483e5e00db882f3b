//! The provider of `Custom::BuildkiteAgent`: CloudFormation's Create, Update and Delete become a task
//! definition, two IAM roles and a log group, and a signalled answer.
//!
//! Data flows one way, and the modules are declared in that order:
//!
//! ```text
//! event ─▶ request ─▶ properties ─▶ composition ─▶ reconcile ─▶ response ─▶ signal
//!          parse       validate       compose        ensure/destroy  say it      PUT
//!          no client   no client      no client,     AWS clients     no client   HTTP
//!                      all faults     cannot fail
//! ```
//!
//! [`handler`] is the pipeline itself, [`identity`] holds the names that every step shares, and [`settings`]
//! what the provider's own stack configures. Only [`reconcile`] and the binaries name an AWS client, only
//! [`signal`] names an HTTP client for the answer.
//!
//! What a resource means is in the crate `agent-composer-model`, whose modules are re-exported here.

pub use agent_composer_model::{Fault, Faults, composition, identity, ownership, properties, settings};

pub mod request;

pub mod order;

pub mod witness;

pub mod revision;

pub mod reconcile;

pub mod response;

pub mod signal;

pub mod handler;

mod afterwards;
mod causes;
