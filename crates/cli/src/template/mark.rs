//! How stand-ins are recognised: the marker that all of one template's contain and its text does not.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::Value;

/// A stand-in for a partition that is not known: real, so that Region, suffix and name fit each other everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The name, as in ARNs.
    pub name: &'static str,
    /// How its Regions begin.
    pub prefix: &'static str,
}

/// All partitions, those first that templates speak of the least.
pub const PARTITIONS: [Partition; 8] = [
    Partition {
        name: "aws-iso-e",
        prefix: "eu-isoe-",
    },
    Partition {
        name: "aws-iso-f",
        prefix: "us-isof-",
    },
    Partition {
        name: "aws-iso-b",
        prefix: "us-isob-",
    },
    Partition {
        name: "aws-eusc",
        prefix: "eusc-",
    },
    Partition {
        name: "aws-iso",
        prefix: "us-iso-",
    },
    Partition {
        name: "aws-cn",
        prefix: "cn-",
    },
    Partition {
        name: "aws-us-gov",
        prefix: "us-gov-",
    },
    Partition {
        name: "aws",
        prefix: "",
    },
];

/// What distinguishes a stand-in from all other text of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    word: String,
    /// Eight digits, at the beginning of accounts.
    digits: String,
    /// Nine hexadecimal digits, at the beginning of ids.
    hexadecimal: String,
    partition: Partition,
}

static LEFT_OVER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("[a-z]*-?[a-z]*-?MARK[0-9a-z-]*").ok());

impl Mark {
    /// A mark that does not occur in `text`.
    #[must_use]
    pub fn absent_from(text: &str) -> Self {
        let mut word = "unknown".to_owned();
        while text.contains(&word) {
            word.push('x');
        }
        let digits = (94_716_302_u64..).step_by(7).map(|number| number.to_string());
        let digits = digits.take(1000).find(|digits| !text.contains(digits));
        let hexadecimal = (0xfab1_e500_u64..).step_by(7).map(|number| format!("{number:09x}"));
        let hexadecimal = hexadecimal.take(1000).find(|digits| !text.contains(digits));
        let is_absent = |one: &&Partition| {
            let suffix = agent_composer_model::partition::dns_suffix(one.prefix);
            !text.contains(one.name) && !text.contains(one.prefix) && !text.contains(suffix)
        };
        let partition = PARTITIONS.iter().take(4).find(is_absent).unwrap_or(&PARTITIONS[0]);
        Self {
            word,
            digits: digits.unwrap_or_default(),
            hexadecimal: hexadecimal.unwrap_or_default(),
            partition: *partition,
        }
    }

    /// The stand-in of that number. Lower-case letters and digits, so that it is legal almost everywhere.
    #[must_use]
    pub fn token(&self, number: usize) -> String {
        format!("{}{number:03}", self.word)
    }

    /// Whether a text is a stand-in of that kind, and nothing else.
    #[must_use]
    pub fn is_token(&self, text: &str) -> bool {
        text.strip_prefix(&self.word)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
    }

    /// A stand-in for a Region of a partition whose Regions begin so; 0 is that of the deployment.
    #[must_use]
    pub fn region(&self, prefix: &str, number: usize) -> String {
        format!("{prefix}{}-region-{number}", self.word)
    }

    /// A stand-in for an account: twelve digits; 0 is that of the deployment.
    #[must_use]
    pub fn account(&self, number: usize) -> String {
        format!("{}{:04}", self.digits, number % 10_000)
    }

    /// A stand-in for the seventeen hexadecimal digits of an id.
    #[must_use]
    pub fn id(&self, number: usize) -> String {
        format!("{}{number:08x}", self.hexadecimal)
    }

    /// The stand-in for the deployment's partition.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Whether a text is known as it is.
    #[must_use]
    pub fn leaves(&self, text: &str) -> bool {
        let suffix = agent_composer_model::partition::dns_suffix(self.partition.prefix);
        let parts = [&self.word, &self.digits, &self.hexadecimal, self.partition.name, suffix];
        !parts.into_iter().any(|part| text.contains(part))
    }

    /// Whether all texts and names of a value are known.
    #[must_use]
    pub fn leaves_all(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.leaves(text),
            Value::Array(elements) => elements.iter().all(|element| self.leaves_all(element)),
            Value::Object(fields) => fields
                .iter()
                .all(|(name, field)| self.leaves(name) && self.leaves_all(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }

    /// A text for people in which whatever is left of a stand-in is an ellipsis: nobody is to take one for a value.
    #[must_use]
    pub fn blotted(&self, text: &str) -> String {
        if self.leaves(text) {
            return text.to_owned();
        }
        let suffix = agent_composer_model::partition::dns_suffix(self.partition.prefix);
        let mut text = text.to_owned();
        for part in [&self.word, &self.digits, &self.hexadecimal, self.partition.name, suffix] {
            text = text.replace(part, "MARK");
        }
        match &*LEFT_OVER {
            Some(pattern) => pattern.replace_all(&text, "…").into_owned(),
            None => text.replace("MARK", "…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use agent_composer_model::partition;

    use super::*;

    #[test]
    fn a_mark_is_nowhere_in_the_text() {
        let mark = Mark::absent_from("the unknown account 947163020000 in aws-iso-e and unknownx");
        assert_eq!(mark.token(7), "unknownxx007");
        assert_eq!(mark.account(3), "947163090003");
        assert_eq!(mark.partition().name, "aws-iso-f");
        assert_eq!(mark.id(1).len(), 17);
        assert!(mark.leaves("unknownx"));
        for text in [
            "a-unknownxx007",
            "arn:aws:iam::947163090000:role/x",
            "aws-iso-f",
            &mark.id(1),
        ] {
            assert!(!mark.leaves(text), "{text}");
            assert!(mark.leaves(&mark.blotted(text)), "{text}");
        }
    }

    #[test]
    fn the_regions_of_each_partition_begin_with_its_prefix() {
        for Partition { name, prefix } in PARTITIONS {
            assert_eq!(partition::name(&format!("{prefix}x-1")), name);
        }
    }
}
