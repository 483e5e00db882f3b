//! `AgentContainer`: what an author says of the agent's own container, beyond what is a property of its own.

use super::{
    SecretSource,
    container::{self, HealthCheck, Share, VolumeFrom},
    native,
    vocabulary::{self, Key, Site, Words},
    wire::Fields,
};
use crate::Faults;

/// The agent's container, as far as it is the author's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentContainer {
    /// All volumes of sidecars, each with its path.
    pub volumes_from: Vec<(String, VolumeFrom)>,
    /// When it counts as up.
    pub health_check: Option<HealthCheck>,
    /// What of the task is its own.
    pub share: Share,
    /// How long others wait for it, in seconds.
    pub start_timeout: Option<i32>,
    /// What is passed on.
    pub words: Words,
    /// What its log's options are fetched from.
    pub log_secrets: Vec<SecretSource>,
}

/// What is looked into; the rest are words that are passed on.
pub(crate) const KNOWN: [&str; 6] = [
    "VolumesFrom",
    "HealthCheck",
    "Cpu",
    "Memory",
    "MemoryReservation",
    "StartTimeout",
];

/// The words of the agent's container that are passed on.
pub(crate) fn words() -> Vec<&'static Key> {
    let not_here = vocabulary::container::RESTART_POLICY.name;
    (vocabulary::container::KEYS.iter())
        .filter(|key| key.name != not_here)
        .collect()
}

impl AgentContainer {
    pub(super) fn read(fields: &Fields<'_>, site: &Site<'_>, faults: &mut Faults) -> Self {
        let keys = words();
        let known: Vec<&str> = KNOWN.into_iter().chain(keys.iter().map(|key| key.name)).collect();
        let fields = fields.get("AgentContainer").and_then(|written| {
            let shape = "what a container definition has beside the agent's own, {User, Ulimits, …}";
            written.fields_but(&known, native::of_the_agent, shape, faults)
        });
        let Some(fields) = fields else {
            return Self::default();
        };
        let (words, log_secrets) = vocabulary::read(&keys, &fields, site, faults);
        Self {
            volumes_from: container::volumes_from(&fields, faults),
            health_check: HealthCheck::read(&fields, faults),
            share: Share::read(&fields, faults),
            start_timeout: container::wait(&fields, "StartTimeout", site.launch.is_for_fargate(), faults),
            words,
            log_secrets,
        }
    }
}
