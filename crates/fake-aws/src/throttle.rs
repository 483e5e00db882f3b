//! Rates: the token buckets of an account in a region (docs/internals/aws.md, "Rates" and "CloudWatch Logs").

use std::collections::HashMap;

use tokio::time::Instant;

use super::call::{Call, Service};

/// How much a bucket holds, and how fast it fills.
#[derive(Clone, Copy, Debug)]
struct Rate {
    name: &'static str,
    burst: f64,
    per_second: f64,
}

/// The buckets.
#[derive(Clone, Debug, Default)]
pub struct Throttle {
    /// Whether ECS's rates are off.
    pub ecs_off: bool,
    /// Whether the rates of Logs are on. They are from 2023 and have risen since in places: off unless asked for.
    pub logs_on: bool,
    /// Whether the rate of CloudFormation's looks is on: reported, not documented (docs/internals/cloudformation.md,
    /// "Delivery").
    pub stacks_on: bool,
    /// IAM's burst and rate: AWS documents none, so none unless a test says one.
    pub iam: Option<(f64, f64)>,
    /// The burst and rate of registrations, where they are not the documented ones.
    pub registrations: Option<(f64, f64)>,
    levels: HashMap<&'static str, (f64, Instant)>,
}

impl Throttle {
    /// Takes a token for a call; false if there is none.
    pub fn admit(&mut self, call: &Call, now: Instant) -> bool {
        let Some(rate) = self.rate(call) else {
            return true;
        };
        let (level, since) = self.levels.get(rate.name).copied().unwrap_or((rate.burst, now));
        let elapsed = now.saturating_duration_since(since).as_secs_f64();
        let level = (level + elapsed * rate.per_second).min(rate.burst);
        let admitted = level >= 1.0;
        let left = if admitted { level - 1.0 } else { level };
        self.levels.insert(rate.name, (left, now));
        admitted
    }

    fn rate(&self, call: &Call) -> Option<Rate> {
        let (name, burst, per_second) = match (call.service, call.operation.as_str()) {
            (Service::Ecs, _) if self.ecs_off => return None,
            // One bucket for both: a stack that is torn down throttles one that comes up.
            (Service::Ecs, "RegisterTaskDefinition" | "DeregisterTaskDefinition") => {
                let (burst, per_second) = self.registrations.unwrap_or((20.0, 1.0));
                ("register", burst, per_second)
            }
            (Service::Ecs, "DescribeTaskDefinition" | "ListTaskDefinitions" | "ListTaskDefinitionFamilies") => {
                ("describe", 50.0, 20.0)
            }
            (Service::Ecs, "DeleteTaskDefinitions") => ("delete", 5.0, 1.0),
            (Service::Ecs, "TagResource" | "UntagResource") => ("tag", 20.0, 10.0),
            (Service::Ecs, "ListTagsForResource") => ("list tags", 50.0, 20.0),
            (Service::Logs, _) if !self.logs_on => return None,
            (Service::Logs, "CreateLogGroup") => ("create group", 5.0, 5.0),
            (Service::Logs, "DeleteLogGroup") => ("delete group", 5.0, 5.0),
            (Service::Logs, "DescribeLogGroups") => ("describe groups", 5.0, 5.0),
            (Service::Iam, _) => {
                let (burst, per_second) = self.iam?;
                ("iam", burst, per_second)
            }
            (Service::CloudFormation, _) if self.stacks_on => ("stacks", 5.0, 5.0),
            _ => return None,
        };
        Some(Rate {
            name,
            burst,
            per_second,
        })
    }
}
