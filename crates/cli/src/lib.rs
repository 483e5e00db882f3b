//! What the command `agent-composer` does: for people who write templates it leads from a template to the same
//! properties and the same composition as the function, and for people who run agents from what exists to what to do.

pub mod schema;

pub mod template;

mod secure_reference;

pub mod plan;

pub mod migration;

pub mod findings;

pub mod inventory;

pub mod doctor;
