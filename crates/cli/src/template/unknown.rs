//! What can't be known before a deployment, and the texts that stand for it meanwhile.

use serde_json::Value;

/// A value that only the deployment knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The text that stands for it in values; it holds the [`Mark`].
    pub text: String,
    /// What it is, as its author wrote it, such as `BuildRust.Outputs.Image`.
    pub shown: String,
    /// What it is, in the long form of a JSON template.
    pub expression: Value,
}

/// What all stand-ins of one template have in common and nothing else in it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    word: String,
    account: String,
}

impl Mark {
    /// A mark that does not occur in `text`.
    #[must_use]
    pub fn absent_from(text: &str) -> Self {
        let mut word = "unknown".to_owned();
        while text.contains(&word) {
            word.push('x');
        }
        let account = (0_u64..).map(|number| format!("{:012}", number * 111_111_111_111 % 1_000_000_000_000));
        let account = account.take(1000).find(|account| !text.contains(account));
        Self {
            word,
            account: account.unwrap_or_default(),
        }
    }

    /// The stand-in of that number. Small letters and digits, so that it is legal almost everywhere.
    #[must_use]
    pub fn token(&self, number: usize) -> String {
        format!("{}{number:03}", self.word)
    }

    /// What stands for the Region.
    #[must_use]
    pub fn region(&self) -> String {
        format!("{}-region-1", self.word)
    }

    /// What stands for the account: twelve digits.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Whether a text is known as it is.
    #[must_use]
    pub fn leaves(&self, text: &str) -> bool {
        !text.contains(&self.word) && !text.contains(&self.account)
    }

    /// Whether all texts of a value are known.
    #[must_use]
    pub fn leaves_all(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.leaves(text),
            Value::Array(elements) => elements.iter().all(|element| self.leaves_all(element)),
            Value::Object(fields) => fields.values().all(|field| self.leaves_all(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }
}

/// The form that a resource's reference or attribute has, around `token`; `None` where nothing is known of it.
#[must_use]
pub fn form(kind: &str, attribute: Option<&str>, token: &str, region: &str, account: &str) -> Option<String> {
    Some(match (kind, attribute) {
        ("AWS::SecretsManager::Secret", None | Some("Id")) => {
            format!("arn:aws:secretsmanager:{region}:{account}:secret:{token}-AbCdEf")
        }
        ("AWS::KMS::Key", Some("Arn")) => format!("arn:aws:kms:{region}:{account}:key/{token}"),
        ("AWS::IAM::Role", Some("Arn")) => format!("arn:aws:iam::{account}:role/BuildkiteAgentTask/{token}"),
        ("AWS::IAM::ManagedPolicy", None | Some("PolicyArn")) => format!("arn:aws:iam::{account}:policy/{token}"),
        ("AWS::ECR::Repository", Some("RepositoryUri")) => {
            format!("{account}.dkr.ecr.{region}.amazonaws.com/{token}")
        }
        ("AWS::EFS::FileSystem", None | Some("FileSystemId")) => format!("fs-0{:016x}", number(token)),
        ("AWS::EFS::AccessPoint", None | Some("AccessPointId")) => format!("fsap-0{:016x}", number(token)),
        _ => return None,
    })
}

/// The number at a token's end.
fn number(token: &str) -> u64 {
    let digits = token.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_nowhere_in_the_text() {
        let mark = Mark::absent_from("the unknown account 000000000000 and unknownx");
        assert_eq!(mark.token(7), "unknownxx007");
        assert_eq!(mark.account(), "111111111111");
        assert!(mark.leaves("unknownx"));
        assert!(!mark.leaves("a-unknownxx007"));
        assert!(!mark.leaves("arn:aws:iam::111111111111:role/x"));
    }
}
