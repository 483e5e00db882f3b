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
//! [`schema`], [`template`], [`plan`] and [`migration`] are for whoever writes templates, by way of the command
//! `agent-composer`: they lead from a template to the same properties and the same composition. The function has no use
//! for them.

pub mod settings;

pub mod request;

pub mod identity;

pub mod properties;

pub mod composition;

pub mod ownership;

pub mod order;

pub mod witness;

pub mod revision;

pub mod reconcile;

pub mod response;

pub mod signal;

pub mod handler;

pub mod schema;

pub mod template;

pub mod plan;

pub mod migration;

mod afterwards;
mod causes;
mod fault;
mod nearest;
mod partition;

pub use fault::{Fault, Faults};
