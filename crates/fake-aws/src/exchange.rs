//! One call from its arrival to its answer.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::authorise;
use super::call::{Call, Service};
use super::error::ApiError;
use super::fault::{Fault, throttled};
use super::iam::{absent_role, role_name};
use super::journal::{Outcome, Record};
use super::pace::Moment;
use super::policy::{Context, Demand, Verdict};
use super::state::Scene;
use super::wire::{self, Delivery, Request};
use super::{Account, Inside, ecs};

/// When the account's clock starts unless a test sets it: 2026-01-01T00:00:00Z, in milliseconds.
pub(super) const BEGINNING: i64 = 1_767_225_600_000;

/// The writes that a role made a moment ago may not know of itself yet (docs/internals/aws.md, "Roles").
const NEED_THE_ROLE: [&str; 5] = [
    "PutRolePolicy",
    "AttachRolePolicy",
    "PutRolePermissionsBoundary",
    "UpdateAssumeRolePolicy",
    "TagRole",
];

/// A call that has a number and a fate.
struct Arrival {
    call: Call,
    fault: Option<Fault>,
    there: Duration,
    back: Duration,
}

impl Account {
    /// Takes a request through everything.
    pub(super) async fn exchange(&self, request: &Request) -> Delivery {
        let arrival = self.lock().arrive(wire::read(request), &self.caller);
        self.hold(&arrival.call, Moment::Arriving, arrival.there).await;
        let fault = arrival.fault.as_ref();
        match fault {
            Some(fault) if !fault.strikes_after_effect() => {
                let answer = self.lock().refuse(&arrival.call, fault);
                match (answer, fault) {
                    (Some(error), _) => {
                        self.hold(&arrival.call, Moment::Answering, arrival.back).await;
                        Delivery::Answer(wire::write(&arrival.call, &Err(error)))
                    }
                    (None, Fault::BadGateway) => Delivery::Answer(wire::bad_gateway()),
                    (None, Fault::Timeout) => Delivery::TimedOut,
                    (None, Fault::Hang) => Delivery::Silence,
                    (None, Fault::CrashBefore) => self.crash(),
                    (None, _) => Delivery::Reset,
                }
            }
            _ => {
                let outcome = self.lock().settle(&arrival.call);
                // The caller dies at this very moment, not when its answer would have come.
                if fault == Some(&Fault::CrashAfter) {
                    return self.crash();
                }
                self.hold(&arrival.call, Moment::Answering, arrival.back).await;
                match fault {
                    None => Delivery::Answer(wire::write(&arrival.call, &outcome)),
                    Some(Fault::LostAnswer) => Delivery::Reset,
                    Some(Fault::LateTimeout) => Delivery::TimedOut,
                    Some(Fault::HangAfter) => Delivery::Silence,
                    Some(fault) => {
                        let error = self.lock().error_of(&arrival.call, fault);
                        Delivery::Answer(wire::write(&arrival.call, &error.map_or(outcome, Err)))
                    }
                }
            }
        }
    }

    /// Resolves when a [`Fault::CrashBefore`] or [`Fault::CrashAfter`] has struck this caller. Race it against the
    /// work and drop the work.
    pub async fn crashed(&self) {
        let notify = self.crash_notify();
        notify.notified().await;
    }

    fn crash(&self) -> Delivery {
        self.crash_notify().notify_one();
        Delivery::Silence
    }

    fn crash_notify(&self) -> Arc<Notify> {
        Arc::clone(self.lock().crashes.entry(Arc::clone(&self.caller)).or_default())
    }

    async fn hold(&self, call: &Call, moment: Moment, latency: Duration) {
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        // The hook may look at the account: the lock is not held while it runs.
        let hook = self.lock().pace.hook.clone();
        if let Some(hook) = hook {
            hook(call.clone(), moment).await;
        }
    }
}

/// What a caller gets whom nobody answers.
pub(super) async fn silence<T>() -> T {
    pending().await
}

impl Inside {
    fn arrive(&mut self, mut call: Call, caller: &str) -> Arrival {
        let now = Instant::now();
        call.number = self.journal.len() + 1;
        caller.clone_into(&mut call.caller);
        let fault = self.faults.decide(&call);
        let (there, back) = self.pace.next();
        self.journal.push(Record {
            at: now.saturating_duration_since(*self.began.get_or_insert(now)),
            demands: authorise::demands(&call, &self.home, &self.state),
            outcome: Outcome::Abandoned,
            fault: fault.clone(),
            settled: call.number,
            call: call.clone(),
        });
        Arrival {
            call,
            fault,
            there,
            back,
        }
    }

    /// The fault strikes before the call does anything; gives the error that the service answers with, if it answers.
    fn refuse(&mut self, call: &Call, fault: &Fault) -> Option<ApiError> {
        let error = self.error_of(call, fault);
        self.note(call, error.clone().map_or(Outcome::Undone, Outcome::Refused));
        error
    }

    fn error_of(&self, call: &Call, fault: &Fault) -> Option<ApiError> {
        fault.answer(call, &self.home, &self.own_demand(call))
    }

    /// The call does what it does.
    fn settle(&mut self, call: &Call) -> Result<Value, ApiError> {
        let outcome = self.admit(call).and_then(|()| self.perform(call));
        self.note(
            call,
            match &outcome {
                Ok(value) => Outcome::Done(value.clone()),
                Err(error) => Outcome::Refused(error.clone()),
            },
        );
        outcome
    }

    fn note(&mut self, call: &Call, outcome: Outcome) {
        let settled = self.journal.len();
        if let Some(record) = self.journal.get_mut(call.number - 1) {
            record.outcome = outcome;
            record.settled = settled;
        }
    }

    /// Rates, then rights, then what IAM has not spread yet.
    fn admit(&mut self, call: &Call) -> Result<(), ApiError> {
        let now = Instant::now();
        if !self.throttle.admit(call, now) {
            return Err(throttled(call.service));
        }
        if let Some(policies) = &self.policies {
            authorise::check(call, &self.home, &self.state, policies)?;
        }
        let is = |service, operation: &str| call.service == service && call.operation == operation;
        if is(Service::Ecs, "RegisterTaskDefinition") {
            for arn in ecs::passed_roles(&call.params) {
                let name = arn.rsplit('/').next().unwrap_or_default();
                let role = self.state.iam.find(name);
                if role.is_some_and(|role| self.passable_roles.lags(&role.id, now)) {
                    let demand = authorise::pass_role(&arn, &self.home);
                    return Err(authorise::denial(
                        call.service,
                        &self.home,
                        &demand,
                        Verdict::NotAllowed,
                    ));
                }
            }
        }
        if call.service == Service::Iam && NEED_THE_ROLE.contains(&call.operation.as_str()) {
            let name = role_name(&call.params);
            let role = self.state.iam.find(name);
            if role.is_some_and(|role| self.fresh_roles.lags(&role.id, now)) {
                return Err(absent_role(name));
            }
        }
        Ok(())
    }

    fn perform(&mut self, call: &Call) -> Result<Value, ApiError> {
        let now = Instant::now();
        let scene = self.scene();
        let subjects = authorise::subjects(call, &self.home);
        if call.is_read() {
            return match self.staleness.seen(&subjects, now) {
                Some(mut old) => old.perform(call, &scene),
                None => self.state.perform(call, &scene),
            };
        }
        let before = self.staleness.is_on().then(|| self.state.clone());
        let outcome = self.state.perform(call, &scene)?;
        if let Some(before) = before
            && let Some(lag) = self.staleness.decide(call)
        {
            self.staleness.hide(subjects, before, lag, now);
        }
        if call.service == Service::Iam
            && call.operation == "CreateRole"
            && let Some(role) = self.state.iam.find(role_name(&call.params))
        {
            self.fresh_roles.begin(&role.id, now);
            self.passable_roles.begin(&role.id, now);
        }
        Ok(outcome)
    }

    pub(super) fn scene(&self) -> Scene {
        let elapsed = self
            .began
            .map(|began| Instant::now().saturating_duration_since(began))
            .unwrap_or_default();
        Scene {
            home: self.home.clone(),
            now: self.beginning + i64::try_from(elapsed.as_millis()).unwrap_or_default(),
            page: self.page,
        }
    }

    /// What the call's own action needs.
    fn own_demand(&self, call: &Call) -> Demand {
        authorise::demands(call, &self.home, &self.state)
            .into_iter()
            .next()
            .unwrap_or_else(|| Demand {
                action: call.action(),
                resource: "*".to_owned(),
                named: "*".to_owned(),
                context: Context::new(),
            })
    }
}
