//! What other projects and AWS define and this one repeats: one file for each, which says from where, of which version and when.

pub mod buildkite_agent;
pub mod ecr;
pub mod fargate;
pub mod logs;
pub mod partitions;
