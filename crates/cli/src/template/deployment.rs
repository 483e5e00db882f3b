//! Where a template is deployed to: partition, Region and account, or stand-ins for them.

use agent_composer_model::partition;
use serde_json::json;

use super::{Given, Mark, Unknown, mark::PARTITIONS};

/// Partition, Region and account of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The Region, or its stand-in: one of the partition's in either case.
    pub region: String,
    /// The account, or its stand-in.
    pub account: String,
}

impl Deployment {
    /// What is given, and stand-ins for the rest.
    #[must_use]
    pub fn of(given: &Given, mark: &Mark) -> Self {
        let region = || mark.region(mark.partition().prefix, 0);
        Self {
            region: given.region.clone().unwrap_or_else(region),
            account: given.account.clone().unwrap_or_else(|| mark.account(0)),
        }
    }

    /// The same in a Region of that partition that is not known; `None` where there is no such partition.
    #[must_use]
    pub fn in_partition(&self, name: &str, mark: &Mark) -> Option<Self> {
        let partition = PARTITIONS.iter().find(|one| one.name == name)?;
        Some(Self {
            region: mark.region(partition.prefix, 0),
            account: self.account.clone(),
        })
    }

    /// The partition, as in ARNs.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        partition::name(&self.region)
    }

    /// The suffix of its services' hosts.
    #[must_use]
    pub fn dns_suffix(&self) -> &'static str {
        partition::dns_suffix(&self.region)
    }

    /// A stand-in for another Region of the same partition.
    #[must_use]
    pub fn other_region(&self, mark: &Mark, number: usize) -> String {
        let partition = PARTITIONS.iter().find(|one| one.name == self.partition());
        mark.region(partition.map_or("", |one| one.prefix), number)
    }

    /// What of it is not known.
    #[must_use]
    pub fn unknowns(&self, mark: &Mark) -> Vec<Unknown> {
        let pseudo = [
            ("AWS::Region", self.region.as_str()),
            ("AWS::AccountId", &self.account),
            ("AWS::Partition", self.partition()),
            ("AWS::URLSuffix", self.dns_suffix()),
        ];
        let not_known = pseudo.into_iter().filter(|(_, text)| !mark.leaves(text));
        not_known
            .map(|(name, text)| Unknown {
                text: text.to_owned(),
                shown: name.to_owned(),
                expression: json!({"Ref": name}),
            })
            .collect()
    }
}
