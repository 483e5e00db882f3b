//! The words of ECS that go into the task definition as they are written, each declared once: its name, its shape, where
//! it is not, and what it is. What reads them, their schema, their documents and the request to ECS follow from that.
//!
//! Source: `RegisterTaskDefinition` in the service model of botocore 1.44.5 and the documents of the AWS SDK for Rust's
//! `aws-sdk-ecs` 1.157.0, October 2026; what the places have not: docs/internals/aws.md, "What Fargate refuses".

mod api;
pub mod container;
mod forms;
pub mod left_out;
mod read;
mod schema;
mod shape;
pub mod task;
pub mod volume;

use std::collections::BTreeMap;

use serde_json::Value;

pub use api::{is_map, template_name};
pub(super) use read::{Site, read};
pub(super) use schema::{not_in_place, schemas};
pub use shape::Key;

/// What was written, in ECS's own names: the fields that it adds to a document.
pub type Words = BTreeMap<String, Value>;

#[cfg(test)]
pub(crate) mod tests;
