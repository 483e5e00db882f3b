//! The deployments that a plan assumes if a template names a partition, Region or account and none was given.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::template::{Deployment, Given, Mark};
use agent_composer_model::{identity::is_account, partition};

/// More than any resource names.
const MOST: usize = 6;

/// The deployments that fit what is named in some properties, those that take the least for granted first.
pub(super) fn candidates(
    base: &Deployment,
    given: &Given,
    mark: &Mark,
    values: &Map<String, Value>,
) -> Vec<Deployment> {
    let mut named = Named::default();
    for value in values.values() {
        named.look(value, mark);
    }
    let mut places = vec![base.clone()];
    if given.region.is_none() && !mark.leaves(&base.region) {
        let partitions = named.partitions.iter().filter(|name| **name != base.partition());
        places.extend(partitions.filter_map(|name| base.in_partition(name, mark)));
        places.extend(named.regions.iter().take(MOST).map(|region| Deployment {
            region: region.clone(),
            account: base.account.clone(),
        }));
    }
    if given.account.is_some() || mark.leaves(&base.account) {
        return places;
    }
    let in_accounts = named.accounts.iter().take(MOST).flat_map(|account| {
        places.iter().map(|place| Deployment {
            region: place.region.clone(),
            account: account.clone(),
        })
    });
    let in_accounts: Vec<Deployment> = in_accounts.collect();
    places.extend(in_accounts);
    places
}

#[derive(Default)]
struct Named {
    partitions: BTreeSet<String>,
    regions: BTreeSet<String>,
    accounts: BTreeSet<String>,
}

impl Named {
    fn look(&mut self, value: &Value, mark: &Mark) {
        match value {
            Value::String(text) => self.look_in(text, mark),
            Value::Array(elements) => elements.iter().for_each(|element| self.look(element, mark)),
            Value::Object(fields) => fields.values().for_each(|field| self.look(field, mark)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn look_in(&mut self, text: &str, mark: &Mark) {
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", named, _, region, account, _] = fields[..] else {
            return;
        };
        if mark.leaves(named) {
            self.partitions.insert(named.to_owned());
        }
        if region.contains('-') && mark.leaves(region) {
            self.regions.insert(region.to_owned());
            self.partitions.insert(partition::name(region).to_owned());
        }
        if is_account(account) && mark.leaves(account) {
            self.accounts.insert(account.to_owned());
        }
    }
}
