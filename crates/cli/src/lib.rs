//! What the command `agent-composer` does for people who write templates: it leads from a template to the same
//! properties and the same composition as the function.

pub mod schema;

pub mod template;

pub mod plan;

pub mod migration;
