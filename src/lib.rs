//! The provider of `Custom::BuildkiteAgent`: CloudFormation's Create, Update and Delete become a task definition, two IAM
//! roles and a log group, and an answer to the response URL.
//!
//! Data flows one way, and the modules are declared in that order:
//!
//! ```text
//! event ─▶ queue ─▶ request ─▶ properties ─▶ composition ─▶ admission ─▶ reconcile ─▶ response ─▶ signal
//!          SQS      parse      validate       compose        open?        ensure or    say it      PUT
//!                   no client  no client      no client,     no client    destroy;     no client   HTTP
//!                              all faults     cannot fail    one table    AWS clients
//! ```
//!
//! The [`receiver`] puts CloudFormation's event into a FIFO queue; [`messages`] takes it from there, one request at a time
//! for each resource; [`run`] carries it out, if [`waiting`] finds that CloudFormation waits for it. What a resource means is
//! in the crate `agent-composer-model`, whose modules are re-exported here. Only [`aws`] names an AWS client, only [`https`]
//! names an HTTP client.

/// The provider's version, as tags and the log show it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub use agent_composer_model::{Fault, Faults, composition, identity, ownership, properties, settings};

pub mod event;

pub mod handler;

pub mod receiver;

pub mod messages;

pub mod run;

pub mod waiting;

pub mod request;

pub mod response_url;

pub mod admission;

pub mod mark;

pub mod revision;

pub mod reconcile;

pub mod aws;

pub mod response;

pub mod signal;

pub mod https;

pub mod log;

mod causes;
