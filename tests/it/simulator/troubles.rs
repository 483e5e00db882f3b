//! A story's troubles, put into the account and looked up by the runs that they befall.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    story::{Put, Story, What, Which},
    world::World,
};
use crate::account::{Call, Fault, Lag, Moment, Service};

/// What a run of a request is called: in the account's journal too.
pub fn name_of(which: &Which, run: usize) -> String {
    let Which {
        stack,
        operation,
        logical,
        request,
    } = which;
    format!("{stack}.{operation}.{logical}.{request}.{run}")
}

impl World {
    /// Puts faults, stalls, latencies and lags into the account.
    pub fn befall(self: &Arc<Self>) {
        let story = &self.story;
        let faults = faults(story);
        let mut counts: HashMap<String, usize> = HashMap::new();
        self.account.fault_when(move |call| {
            let calls = faults.get(&call.caller)?;
            let count = counts.entry(call.caller.clone()).or_default();
            *count += 1;
            calls
                .iter()
                .find(|(nth, _)| nth == count)
                .map(|(_, fault)| fault.clone())
        });
        if let Some((from, to)) = story.outage {
            let clock = self.clock;
            self.account.fault_when(move |call| {
                let is_out = (from..to).contains(&clock.elapsed().as_secs());
                (is_out && call.service == Service::Sqs).then_some(Fault::Status500)
            });
        }
        self.account.set_stack_lag(Duration::from_secs(story.lag));
        self.stall();
        if story.latency > 0 {
            self.account
                .set_latency(story.seed, Duration::from_millis(story.latency));
        }
        if story.unseen > 0 {
            let (unseen, mut random) = (story.unseen, fastrand::Rng::with_seed(story.seed ^ 0x5eed));
            self.account.stale_when(move |_| {
                let is_unseen = random.u64(0..unseen) == 0;
                is_unseen.then(|| Lag::CallWithin(random.u32(1..=3), Duration::from_secs(5)))
            });
        }
        if story.settling > 0 {
            self.account
                .set_role_lag(Lag::Time(Duration::from_secs(story.settling)));
            self.account
                .set_pass_role_lag(Lag::Time(Duration::from_secs(story.settling * 2)));
        }
    }

    /// Holds calls up where the story says so, and looks after each write whether rights still suffice.
    fn stall(self: &Arc<Self>) {
        let mut stalls: HashMap<String, Vec<(usize, u64)>> = HashMap::new();
        for trouble in &self.story.troubles {
            if let What::Stall { run, call, seconds } = trouble.what {
                stalls
                    .entry(name_of(&trouble.of, run))
                    .or_default()
                    .push((call, seconds));
            }
        }
        let counts = Mutex::new(HashMap::<String, usize>::new());
        let world = Arc::downgrade(self);
        self.account.set_hook(move |call: Call, moment| {
            if moment == Moment::Answering {
                if let Some(world) = world.upgrade().filter(|_| !call.is_read()) {
                    world.check_lock(&call);
                    world.check_rights(&call);
                    if call.operation == "SendMessage" {
                        world.wake.notify_one();
                    }
                }
                return Box::pin(std::future::ready(()));
            }
            let seconds = stalls.get(&call.caller).and_then(|calls| {
                let mut counts = counts.lock().unwrap();
                let count = counts.entry(call.caller.clone()).or_default();
                *count += 1;
                calls.iter().find(|(nth, _)| nth == count).map(|(_, seconds)| *seconds)
            });
            Box::pin(async move {
                if let Some(seconds) = seconds {
                    sleep(Duration::from_secs(seconds)).await;
                }
            })
        });
    }
}

fn faults(story: &Story) -> HashMap<String, Vec<(usize, Fault)>> {
    let mut faults: HashMap<String, Vec<(usize, Fault)>> = HashMap::new();
    for trouble in &story.troubles {
        if let What::Receiver {
            delivery,
            attempt,
            fault,
        } = &trouble.what
        {
            let name = format!("{}.receiver.{delivery}.{attempt}", name_of(&trouble.of, 0));
            faults.entry(name).or_default().push((1, fault.clone()));
        }
        if let What::Fault { run, call, fault } = &trouble.what {
            faults
                .entry(name_of(&trouble.of, *run))
                .or_default()
                .push((*call, fault.clone()));
        }
    }
    faults
}

impl Story {
    pub(super) fn of<'a>(&'a self, which: &'a Which) -> impl Iterator<Item = &'a What> {
        self.troubles
            .iter()
            .filter(move |trouble| trouble.of == *which)
            .map(|trouble| &trouble.what)
    }

    /// How long a run of this request has, if less than usual.
    pub fn deadline(&self, which: &Which, of: usize) -> Option<Duration> {
        self.of(which).find_map(|what| match what {
            What::Deadline { run, seconds } if *run == of => Some(Duration::from_secs(*seconds)),
            _ => None,
        })
    }

    /// How the answers of a run end.
    pub fn ends(&self, which: &Which, of: usize) -> VecDeque<Put> {
        self.of(which)
            .filter_map(|what| match what {
                What::Put { run, ends } if *run == of => Some(ends.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// How long after its receive a run starts.
    pub fn start(&self, which: &Which, of: usize) -> Duration {
        let seconds = self.of(which).find_map(|what| match what {
            What::Start { run, seconds } if *run == of => Some(*seconds),
            _ => None,
        });
        Duration::from_secs(seconds.unwrap_or_default())
    }

    /// After how many seconds the event is delivered once more, for each time.
    pub fn again(&self, which: &Which) -> Vec<u64> {
        self.of(which)
            .filter_map(|what| match what {
                What::Again(seconds) => Some(*seconds),
                _ => None,
            })
            .collect()
    }

    /// How late the event is delivered.
    pub fn late(&self, which: &Which) -> Duration {
        Duration::from_secs(
            self.of(which)
                .map(|what| match what {
                    What::Late(seconds) => *seconds,
                    _ => 0,
                })
                .sum(),
        )
    }
}
