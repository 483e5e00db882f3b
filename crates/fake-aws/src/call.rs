//! One call: who asked which service for what.

use serde_json::Value;

/// The services that the account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Amazon ECS, awsJson 1.1.
    Ecs,
    /// IAM, awsQuery.
    Iam,
    /// CloudWatch Logs, awsJson 1.1.
    Logs,
    /// CloudFormation, awsQuery.
    CloudFormation,
    /// Amazon SQS, awsJson 1.0.
    Sqs,
    /// Systems Manager's parameters, awsJson 1.1.
    Ssm,
    /// Secrets Manager, awsJson 1.1.
    SecretsManager,
    /// Amazon ECR, awsJson 1.1.
    Ecr,
    /// Anything else: recorded, answered with an error.
    Unknown,
}

impl Service {
    /// The prefix of the service's IAM actions.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Iam => "iam",
            Self::Logs => "logs",
            Self::CloudFormation => "cloudformation",
            Self::Sqs => "sqs",
            Self::Ssm => "ssm",
            Self::SecretsManager => "secretsmanager",
            Self::Ecr => "ecr",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the service speaks JSON (the others speak XML).
    pub fn speaks_json(self) -> bool {
        !matches!(self, Self::Iam | Self::CloudFormation)
    }
}

/// A call as it arrived, before anything was decided about it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Counts all calls of the account from 1, in order of arrival.
    pub number: usize,
    /// The name given to [`Account::caller`](super::Account::caller); empty for the account itself.
    pub caller: String,
    /// The service.
    pub service: Service,
    /// The operation, `RegisterTaskDefinition`.
    pub operation: String,
    /// The parameters. Those of the query protocol are nested as their dotted names say, all strings.
    pub params: Value,
}

impl Call {
    /// The IAM action, `ecs:RegisterTaskDefinition`.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service.prefix(), self.operation)
    }

    /// Whether the operation changes nothing.
    pub fn is_read(&self) -> bool {
        ["Describe", "List", "Get"]
            .iter()
            .any(|verb| self.operation.starts_with(verb))
    }

    /// What distinguishes one call from another, apart from its number: who, what, with which parameters.
    pub fn identity(&self) -> String {
        format!("{} {} {}", self.caller, self.action(), self.params)
    }
}
