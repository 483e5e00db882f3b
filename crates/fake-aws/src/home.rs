//! Where the account is: partition, region, number, and the ARNs that follow from them.

/// Partition, region and account number.
#[derive(Clone, Debug)]
pub struct Home {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// The one region that the account is looked at in.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Home {
    /// The ARN of a task definition, with `rest` for the family and revision.
    pub fn task_definition(&self, rest: &str) -> String {
        format!("{}:task-definition/{rest}", self.regional("ecs"))
    }

    /// The ARN of a role; `path` begins and ends with a slash.
    pub fn role(&self, path: &str, name: &str) -> String {
        format!("arn:{}:iam::{}:role{path}{name}", self.partition, self.account)
    }

    /// The ARN of a log group, without `:*`.
    pub fn log_group(&self, name: &str) -> String {
        format!("{}:log-group:{name}", self.regional("logs"))
    }

    /// The ARN of a queue.
    pub fn queue(&self, name: &str) -> String {
        format!("{}:{name}", self.regional("sqs"))
    }

    /// The ARN of a secret, with the six characters that Secrets Manager adds to its name.
    pub fn secret(&self, name: &str) -> String {
        format!("{}:secret:{name}-AbCd3f", self.regional("secretsmanager"))
    }

    /// The ARN of a stack.
    pub fn stack(&self, name: &str, unique: &str) -> String {
        format!("{}:stack/{name}/{unique}", self.regional("cloudformation"))
    }

    /// Whom the account sees calling: the session of a Lambda function's role.
    pub fn principal(&self) -> String {
        format!(
            "arn:{}:sts::{}:assumed-role/provider/function",
            self.partition, self.account
        )
    }

    fn regional(&self, service: &str) -> String {
        format!("arn:{}:{service}:{}:{}", self.partition, self.region, self.account)
    }
}
