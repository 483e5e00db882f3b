//! Stories from seeds.

use std::collections::BTreeMap;

use super::{
    story::{First, Hypothesis, Operation, Other, Put, Story, Trouble, What, Which},
    template::{Agent, FAMILIES, LOGICAL_IDS, Retain, Template},
};
use crate::account::Fault;

/// What may happen in a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing is cancelled, and no event comes late.
    Plain,
    /// Everything.
    Whole,
}

/// The story of a seed.
pub fn story(seed: u64, hypothesis: Hypothesis, scope: Scope) -> Story {
    let mut story = bare(seed, hypothesis, scope);
    let mut dice = Dice(fastrand::Rng::with_seed(seed ^ 0x10c5), scope);
    match dice.0.u32(0..12) {
        0 => story.stamp = dice.pick(&[-20, -3, -1, 1, 3, 20]),
        1 => story.lag = dice.pick(&[1, 3]),
        2 => story.hurried = true,
        3 if scope == Scope::Whole => {
            let from = dice.0.u64(0..120);
            story.outage = Some((from, from + dice.pick(&[5, 30, 60])));
        }
        _ => {}
    }
    for operations in &mut story.stacks {
        dice.set_logs(operations);
    }
    story
}

/// The same, with log groups at their defaults: the story of a seed stays the same when that draws anything new.
pub fn bare(seed: u64, hypothesis: Hypothesis, scope: Scope) -> Story {
    let mut dice = Dice(
        fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        scope,
    );
    let stacks: Vec<Vec<Operation>> = (0..if dice.one_in(5) { 2 } else { 1 })
        .map(|_| dice.operations())
        .collect();
    let mut troubles: Vec<Trouble> = (0..dice.0.usize(0..5)).map(|_| dice.trouble(&stacks)).collect();
    troubles.extend(dice.companions(&troubles));
    Story {
        seed,
        hypothesis,
        troubles,
        cancels: scope == Scope::Whole,
        latency: dice.pick(&[0, 20, 200, 1000, 2000]),
        unseen: dice.pick(&[0, 0, 0, 12, 4]),
        settling: dice.pick(&[0, 0, 0, 5, 15]),
        neighbours: dice.one_in(3),
        stamp: 0,
        lag: 0,
        outage: None,
        hurried: false,
        stacks,
    }
}

struct Dice(fastrand::Rng, Scope);

impl Dice {
    fn one_in(&mut self, n: u32) -> bool {
        self.0.u32(0..n) == 0
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.0.usize(0..all.len())].clone()
    }

    fn operations(&mut self) -> Vec<Operation> {
        let mut template = self.template();
        let mut all = vec![self.deploy(&template)];
        for _ in 0..self.0.usize(0..4) {
            let next = match self.0.u32(0..10) {
                0..=6 => {
                    template = self.changed(&template);
                    self.deploy(&template)
                }
                7 | 8 => Operation::Delete,
                _ => Operation::Wait(self.pick(&[60, 600, 4000, 20_000])),
            };
            all.push(next);
        }
        all
    }

    fn deploy(&mut self, template: &Template) -> Operation {
        let other = match self.0.u32(0..10) {
            0..=5 => Other::Succeeds,
            6 | 7 if self.1 == Scope::Whole => {
                let most = self.pick(&[3_000, 10_000, 60_000]);
                Other::FailsAfter(self.0.u64(0..most))
            }
            _ => Other::FailsLast,
        };
        let keep = self.one_in(10).then(|| self.pick(&[First::Delete, First::Create]));
        Operation::Deploy {
            template: template.clone(),
            other,
            keep,
        }
    }

    fn template(&mut self) -> Template {
        let count = self.pick(&[1, 1, 1, 2, 2, 3]);
        (0..count).map(|_| (self.pick(&LOGICAL_IDS), self.agent())).collect()
    }

    fn agent(&mut self) -> Agent {
        Agent {
            image: self.0.u8(0..3),
            rights: self.0.u8(0..4),
            family: self.one_in(4).then(|| self.pick(&FAMILIES)),
            own_role: self.one_in(8),
            malformed: self.one_in(20),
            logs: 0,
            infrequent: false,
            retain: self.one_in(12).then_some(Retain::Always),
            retain_replaced: self.one_in(12),
            timeout: (self.1 == Scope::Whole && self.one_in(15)).then(|| self.pick(&[5, 30])),
        }
    }

    /// Gives log groups their settings, which users change as they change all else, and refines what keeps a resource.
    fn set_logs(&mut self, operations: &mut [Operation]) {
        let mut before = BTreeMap::new();
        for operation in operations {
            let Operation::Deploy { template, .. } = operation else {
                continue;
            };
            for (logical, agent) in template {
                let (mut logs, mut infrequent, except) = before
                    .get(logical)
                    .copied()
                    .unwrap_or_else(|| (self.pick(&[0, 0, 1, 2]), self.one_in(12), self.one_in(3)));
                if self.one_in(4) {
                    logs = self.0.u8(0..4);
                }
                infrequent ^= self.one_in(20);
                before.insert(*logical, (logs, infrequent, except));
                (agent.logs, agent.infrequent) = (logs, infrequent);
                if except && agent.retain.is_some() {
                    agent.retain = Some(Retain::ExceptOnCreate);
                }
            }
        }
    }

    /// The next template that a user writes.
    fn changed(&mut self, template: &Template) -> Template {
        let mut next = template.clone();
        for agent in next.values_mut() {
            agent.malformed = self.one_in(20);
            match self.0.u32(0..10) {
                0..=2 => agent.image = self.0.u8(0..4),
                3 | 4 => agent.rights = self.0.u8(0..4),
                5 | 6 => {
                    agent.family = if self.one_in(3) {
                        None
                    } else {
                        Some(self.pick(&FAMILIES))
                    }
                }
                7 => agent.own_role = !agent.own_role,
                _ => {}
            }
        }
        let logical = self.pick(&LOGICAL_IDS);
        match self.0.u32(0..8) {
            0 => {
                next.insert(logical, self.agent());
            }
            1 if next.len() > 1 => {
                next.remove(&logical);
            }
            // A logical id is renamed, with or without its family.
            2 => {
                if let Some((from, mut agent)) = next.pop_first() {
                    if self.one_in(2) {
                        agent.family = FAMILIES.into_iter().find(|family| *family == agent.family(from));
                    }
                    next.insert(logical, agent);
                }
            }
            // Two change places.
            3 if next.len() > 1 => {
                let logicals: Vec<&'static str> = next.keys().copied().collect();
                let families: Vec<_> = logicals.iter().map(|logical| next[logical].family).collect();
                for (at, logical) in logicals.iter().enumerate() {
                    if let Some(agent) = next.get_mut(logical) {
                        agent.family = families[(at + 1) % families.len()];
                    }
                }
            }
            _ => {}
        }
        next
    }

    fn trouble(&mut self, stacks: &[Vec<Operation>]) -> Trouble {
        let stack = self.0.usize(0..stacks.len());
        let operation = self.0.usize(0..stacks[stack].len());
        let logical = match &stacks[stack][operation] {
            Operation::Deploy { template, .. } if !template.is_empty() => {
                let logicals: Vec<&'static str> = template.keys().copied().collect();
                self.pick(&logicals)
            }
            _ => self.pick(&LOGICAL_IDS),
        };
        let of = Which {
            stack,
            operation,
            logical,
            request: self.pick(&[0, 0, 0, 1, 1, 2]),
        };
        let what = self.what();
        Trouble { of, what }
    }

    /// What is delivered twice meets its trouble in the second run as well.
    fn companions(&mut self, troubles: &[Trouble]) -> Vec<Trouble> {
        let twice: Vec<Which> = troubles
            .iter()
            .filter(|trouble| matches!(trouble.what, What::Again(_)))
            .map(|trouble| trouble.of.clone())
            .collect();
        let mut all = Vec::new();
        for of in twice {
            if self.one_in(2) {
                let what = What::Fault {
                    run: self.pick(&[0, 1, 1]),
                    call: self.0.usize(1..16),
                    fault: self.fault(),
                };
                all.push(Trouble { of, what });
            }
        }
        all
    }

    fn what(&mut self) -> What {
        let run = self.pick(&[0, 0, 0, 0, 1, 2]);
        let call = self.0.usize(1..20);
        let whole = self.1 == Scope::Whole;
        match self.0.u32(0..22) {
            0..=8 => What::Fault {
                run,
                call,
                fault: self.fault(),
            },
            9..=11 => What::Stall {
                run,
                call,
                seconds: if whole { self.pick(&[5, 30, 300, 850]) } else { 5 },
            },
            12 => What::Deadline {
                run,
                seconds: self.pick(&[3, 20, 60]),
            },
            13 | 14 => What::Put {
                run,
                ends: (0..self.pick(&[1, 1, 2, 7])).map(|_| self.end()).collect(),
            },
            15..=18 => What::Again(if whole {
                self.pick(&[0, 0, 1, 5, 60, 600, 3000, 7300, 40_000])
            } else {
                0
            }),
            19 if self.one_in(2) => What::Receiver {
                delivery: self.pick(&[0, 0, 1]),
                attempt: self.pick(&[0, 0, 1]),
                fault: self.fault(),
            },
            19 if whole => What::Start {
                run,
                seconds: self.pick(&[30, 200, 340, 355, 361, 400]),
            },
            _ => What::Late(if whole { self.pick(&[3, 60, 1000]) } else { 3 }),
        }
    }

    fn fault(&mut self) -> Fault {
        self.pick(&[
            Fault::Throttle,
            Fault::Throttle,
            Fault::Status500,
            Fault::Late500,
            Fault::Late500,
            Fault::Reset,
            Fault::LostAnswer,
            Fault::LostAnswer,
            Fault::LateTimeout,
            Fault::Deny,
            Fault::Deny,
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::CrashAfter,
            Fault::Hang,
        ])
    }

    fn end(&mut self) -> Put {
        self.pick(&[Put::Status500, Put::Reset, Put::LostAnswer, Put::Hang])
    }
}
