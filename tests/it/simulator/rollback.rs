//! CloudFormation's rollbacks: E2 to E5 of a creation, E7 and E9 to E12 of an update.

use futures_util::future::join_all;

use super::{
    cloudformation::{Change, CloudFormation, Doomed, End},
    request::Kind,
    story::Hypothesis,
    template::{Agent, Retain},
    world::family_of,
};

/// What a rollback that failed has left to do.
#[derive(Debug, Default)]
pub struct Unfinished {
    reversals: Vec<Reversal>,
    /// What is to be deleted at its end.
    pub cleanup: Vec<Doomed>,
    /// H2: what the update replaced. The rollback goes back to it when it is continued; if the stack is deleted
    /// instead, it goes, too.
    pub replaced: Vec<Doomed>,
}

/// A reverse Update.
#[derive(Clone, Debug)]
struct Reversal {
    logical: &'static str,
    /// The id that it names.
    id: String,
    /// The id that the resource had before the update.
    before: String,
    /// What the resource was, and is to be again.
    to: Agent,
    /// What it became.
    from: Agent,
}

impl CloudFormation {
    /// E2 to E5: a Delete for everything that was asked for, beside what is still under way.
    pub(super) async fn roll_back_creation(&self, changes: &[Change], ends: &[End]) {
        self.let_go(changes);
        self.status("ROLLBACK_IN_PROGRESS").await;
        let failed = self.delete_all(self.created(changes, ends), 1).await;
        for change in changes {
            match failed.iter().find(|doomed| doomed.logical == change.logical) {
                None => self.gone(change.logical),
                Some(doomed) => self.resource(change.logical, |resource| {
                    resource.status = "DELETE_FAILED";
                    resource.physical = Some(doomed.id.clone());
                }),
            }
        }
        let status = if failed.is_empty() {
            "ROLLBACK_COMPLETE"
        } else {
            "ROLLBACK_FAILED"
        };
        self.status(status).await;
    }

    /// Nobody goes back to what the operation made.
    fn let_go(&self, changes: &[Change]) {
        for change in changes {
            self.resource(change.logical, |resource| {
                resource.given = None;
                if change.before.is_none() {
                    resource.sound = false;
                    resource.held.clear();
                }
            });
        }
    }

    /// What was answered to somebody who did not wait for it need not live.
    fn forget_role(&self, change: &Change) {
        let family = change.agent.family(change.logical);
        self.world.forget_role(&(self.stack_id(), change.logical, family));
    }

    /// What the changes created, under the id that CloudFormation knows it by, or invents for it.
    fn created(&self, changes: &[Change], ends: &[End]) -> Vec<Doomed> {
        let stack = self.stack_id();
        let mut all = Vec::new();
        for (change, end) in changes.iter().zip(ends) {
            if change.before.is_some() {
                continue;
            }
            self.world.row(match end {
                End::Succeeded(_) => "E5",
                End::Failed(_) => "E2",
                End::Silent => "E3",
                End::Cancelled => "E4",
                End::Unsent => "never sent",
            });
            let id = match end {
                End::Succeeded(answer) | End::Failed(answer) => answer.id.clone(),
                End::Silent | End::Cancelled => {
                    self.forget_role(change);
                    self.world.invented_id(&stack, change.logical)
                }
                End::Unsent => {
                    self.remove(change.logical);
                    continue;
                }
            };
            let retained = change.agent.retain == Some(Retain::Always) && matches!(end, End::Succeeded(_));
            self.resource(change.logical, |resource| {
                if !retained {
                    resource.status = "DELETE_IN_PROGRESS";
                }
                resource.physical = Some(id.clone());
            });
            all.push(Doomed {
                logical: change.logical,
                id,
                agent: change.agent.clone(),
                retained,
            });
        }
        all
    }

    /// E7, E9 to E12: reverse Updates, then Deletes of what is new.
    pub(super) async fn roll_back_update(&self, changes: &[Change], ends: &[End]) {
        self.let_go(changes);
        self.status("UPDATE_ROLLBACK_IN_PROGRESS").await;
        let mut unfinished = Unfinished::default();
        for (change, end) in changes.iter().zip(ends) {
            let Some((old, id)) = &change.before else {
                continue;
            };
            let reversal = |named: &String| Reversal {
                logical: change.logical,
                id: named.clone(),
                before: id.clone(),
                to: old.clone(),
                from: change.agent.clone(),
            };
            let new = |id: &String| Doomed {
                logical: change.logical,
                id: id.clone(),
                agent: self.world.either(&change.agent, old),
                retained: false,
            };
            self.world.row(match end {
                End::Succeeded(answer) if answer.id == *id => "E7",
                End::Succeeded(_) => "E11",
                End::Failed(answer) if answer.id == *id => "E9",
                // This provider never does that: it is a breach of its own.
                End::Failed(_) => "E10",
                End::Silent | End::Cancelled => "E12",
                End::Unsent => "never sent",
            });
            match end {
                End::Unsent => self.restore(change.logical, old, id, None),
                End::Silent | End::Cancelled => {
                    // Nobody sends a Delete for what it may have renamed to.
                    if family_of(id) != Some(change.agent.family(change.logical)) {
                        self.forget_role(change);
                    }
                    unfinished.reversals.push(reversal(id));
                }
                End::Succeeded(answer) | End::Failed(answer) if answer.id == *id => {
                    unfinished.reversals.push(reversal(id));
                }
                End::Failed(answer) => {
                    self.restore(change.logical, old, id, None);
                    unfinished.cleanup.push(new(&answer.id));
                }
                End::Succeeded(answer) => match self.world.story.hypothesis {
                    Hypothesis::H1 => {
                        self.restore(change.logical, old, id, None);
                        unfinished.cleanup.push(new(&answer.id));
                    }
                    Hypothesis::H2 => unfinished.reversals.push(reversal(&answer.id)),
                    Hypothesis::H3 => {
                        unfinished.reversals.push(reversal(id));
                        unfinished.cleanup.push(new(&answer.id));
                    }
                },
            }
        }
        let created = self.created(changes, ends);
        unfinished.cleanup.extend(created);
        *self.unfinished.borrow_mut() = unfinished;
        self.reverse().await;
    }

    /// A rollback that failed is continued.
    pub(super) async fn continue_rollback(&self) {
        self.status("UPDATE_ROLLBACK_IN_PROGRESS").await;
        self.reverse().await;
    }

    async fn reverse(&self) {
        let Unfinished {
            reversals, mut cleanup, ..
        } = self.unfinished.take();
        let reversed = reversals.iter().map(|reversal| async move {
            self.world.dawdle(2000).await;
            let Reversal {
                logical, id, to, from, ..
            } = reversal;
            self.resource(logical, |resource| {
                resource.status = "UPDATE_IN_PROGRESS";
                resource.moves_to(id);
                resource.sound = false;
            });
            let nobody = std::cell::RefCell::default();
            let (to, from) = (to.properties(), from.properties());
            self.ask(Kind::Update, logical, Some(id), &to, Some(&from), &nobody)
                .await
        });
        let ends = join_all(reversed).await;
        let mut failed = Vec::new();
        for (reversal, end) in reversals.into_iter().zip(ends) {
            let End::Succeeded(answer) = end else {
                self.resource(reversal.logical, |resource| resource.status = "UPDATE_FAILED");
                failed.push(reversal);
                continue;
            };
            if answer.id != reversal.id {
                // H2: the resource moves back to its old id, which replaces the new one.
                cleanup.push(Doomed {
                    logical: reversal.logical,
                    id: reversal.id.clone(),
                    agent: self.world.either(&reversal.from, &reversal.to),
                    retained: false,
                });
            }
            let arn = answer.attribute("TaskDefinitionArn").to_owned();
            self.restore(reversal.logical, &reversal.to, &answer.id, Some(arn));
        }
        if !failed.is_empty() {
            self.stop_rollback(failed, cleanup).await;
            return;
        }
        self.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS").await;
        let created: Vec<&'static str> = self.with(|stack| {
            let is = |doomed: &&Doomed| {
                let there = stack.resources.get(doomed.logical);
                there.is_some_and(|there| there.physical.as_ref() == Some(&doomed.id))
            };
            cleanup.iter().filter(is).map(|doomed| doomed.logical).collect()
        });
        self.abandon(self.delete_all(cleanup, 3).await);
        self.have_left();
        for logical in created {
            self.gone(logical);
        }
        self.status("UPDATE_ROLLBACK_COMPLETE").await;
    }

    /// A rollback that failed can be continued.
    async fn stop_rollback(&self, failed: Vec<Reversal>, cleanup: Vec<Doomed>) {
        let replaced = failed.iter().filter(|reversal| reversal.before != reversal.id);
        let replaced: Vec<Doomed> = replaced
            .map(|reversal| Doomed {
                logical: reversal.logical,
                id: reversal.before.clone(),
                agent: reversal.to.clone(),
                retained: false,
            })
            .collect();
        for doomed in cleanup.iter().chain(&replaced) {
            self.may_be_left(doomed);
        }
        *self.unfinished.borrow_mut() = Unfinished {
            reversals: failed,
            cleanup,
            replaced,
        };
        self.status("UPDATE_ROLLBACK_FAILED").await;
    }

    /// A resource is what it was before the update. Others may have the ARN of before, or that of the reverse Update.
    fn restore(&self, logical: &'static str, agent: &Agent, id: &str, arn: Option<String>) {
        self.resource(logical, |resource| {
            resource.status = "UPDATE_COMPLETE";
            resource.moves_to(id);
            resource.agent = agent.clone();
            resource.sound = true;
            resource.held.extend(arn);
        });
    }
}
