//! What a test can make the account do: faults, lags, rates, rights, latencies.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Account;
use super::call::Call;
use super::fault::{self, Fault};
use super::lag::Lag;
use super::pace::{Held, Moment, Pace};
use super::policy::Policy;

// Faults.
impl Account {
    /// The call of that number (the first is 1) has the fault.
    pub fn fault_at(&self, number: usize, fault: Fault) {
        self.lock().faults.add(fault::at(number, fault));
    }

    /// The `nth` call from now (the next is 1) has the fault.
    pub fn fault_in(&self, nth: usize, fault: Fault) {
        let mut inside = self.lock();
        let number = inside.journal.len() + nth;
        inside.faults.add(fault::at(number, fault));
    }

    /// The `nth` call of this caller from now (the next is 1) has the fault, however others interleave with it.
    pub fn fault_own(&self, nth: usize, fault: Fault) {
        let caller = self.caller.to_string();
        let mut seen = 0;
        self.fault_when(move |call| {
            seen += usize::from(call.caller == caller);
            (call.caller == caller && seen == nth).then(|| fault.clone())
        });
    }

    /// The `occurrence`th call of an action (`iam:CreateRole`; the next is 1) has the fault.
    pub fn fault_on(&self, action: &str, occurrence: usize, fault: Fault) {
        self.lock().faults.add(fault::on(action, occurrence, fault));
    }

    /// Every call of an action has the fault.
    pub fn fault_always(&self, action: &str, fault: Fault) {
        let action = action.to_owned();
        self.fault_when(move |call| (call.action() == action).then(|| fault.clone()));
    }

    /// Every distinct call (caller, action and parameters) has the fault at its first `times` attempts.
    pub fn fault_each(&self, times: usize, fault: Fault) {
        self.lock().faults.add(fault::each(times, fault));
    }

    /// Every call of which `rule` says so has that fault. The first rule that names one decides.
    pub fn fault_when(&self, rule: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.lock().faults.add(rule);
    }

    /// No more faults.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }
}

// Lags.
impl Account {
    /// What the `occurrence`th successful write of an action did stays hidden from reads for a while.
    pub fn stale_after(&self, action: &str, occurrence: usize, lag: Lag) {
        let action = action.to_owned();
        let mut seen = 0;
        self.stale_when(move |call| {
            seen += usize::from(call.action() == action);
            (call.action() == action && seen == occurrence).then_some(lag)
        });
    }

    /// What any write did stays hidden from reads for a while.
    pub fn stale_each(&self, lag: Lag) {
        self.stale_when(move |_| Some(lag));
    }

    /// What a write did stays hidden from reads for as long as `rule` says.
    pub fn stale_when(&self, rule: impl FnMut(&Call) -> Option<Lag> + Send + 'static) {
        self.lock().staleness.add(rule);
    }

    /// Everything is visible from now on.
    pub fn clear_staleness(&self) {
        self.lock().staleness.clear();
    }

    /// Writes to a role made from now on (a policy, a tag, …) answer `NoSuchEntity` for a while.
    pub fn set_role_lag(&self, lag: Lag) {
        self.lock().fresh_roles.set(lag);
    }

    /// Passing a role made from now on to ECS is denied for a while.
    pub fn set_pass_role_lag(&self, lag: Lag) {
        self.lock().passable_roles.set(lag);
    }
}

// Limits.
impl Account {
    /// At most so many items on a page of any list, so that few items make several pages.
    pub fn set_page_size(&self, size: usize) {
        self.lock().page = size;
    }

    /// Whether ECS's rates hold (docs/internals/aws.md, "Rates"). They do unless switched off.
    pub fn set_throttling(&self, on: bool) {
        self.lock().throttle.ecs_off = !on;
    }

    /// Whether the rates that Logs had in 2023 hold (docs/internals/aws.md, "CloudWatch Logs"). They don't unless
    /// switched on.
    pub fn set_logs_throttling(&self, on: bool) {
        self.lock().throttle.logs_on = on;
    }

    /// Whether DescribeStacks and DescribeStackResource together are let through five times a second. They aren't held
    /// to that unless switched on.
    pub fn set_stacks_throttling(&self, on: bool) {
        self.lock().throttle.stacks_on = on;
    }

    /// Makes IAM let so many calls through from now on, at once and then a second.
    pub fn set_iam_rate(&self, burst: f64, per_second: f64) {
        self.lock().throttle.iam = Some((burst, per_second));
    }

    /// Makes ECS let so many registrations and deregistrations through from now on, at once and then a second.
    pub fn set_registration_rate(&self, burst: f64, per_second: f64) {
        self.lock().throttle.registrations = Some((burst, per_second));
    }

    /// Whether Describe finds INACTIVE revisions. AWS says that it may not (docs/internals/aws.md, "Consistency"); it
    /// does unless switched off.
    pub fn set_inactive_described(&self, on: bool) {
        self.lock().state.ecs.forgetful = !on;
    }
}

// Rights.
impl Account {
    /// Every call is checked against this identity policy from now on.
    ///
    /// # Panics
    ///
    /// If the policy has anything that would not be evaluated as AWS does.
    pub fn enforce(&self, policy: &Value) {
        self.enforce_all(std::slice::from_ref(policy));
    }

    /// Every call is checked against these identity policies together from now on.
    ///
    /// # Panics
    ///
    /// If a policy has anything that would not be evaluated as AWS does.
    pub fn enforce_all(&self, policies: &[Value]) {
        let parsed: Result<Vec<Policy>, String> = policies.iter().map(Policy::parse).collect();
        assert!(parsed.is_ok(), "can't enforce the policy: {parsed:?}");
        self.lock().policies = parsed.ok();
    }

    /// Everything is allowed again.
    pub fn enforce_nothing(&self) {
        self.lock().policies = None;
    }

    /// Whether rights over a role that does not exist are looked up under its bare name, so that a policy for
    /// `role/PATH/*` gives AccessDenied in place of NoSuchEntity. On unless switched off: see `authorise`.
    pub fn set_absent_roles_pathless(&self, on: bool) {
        self.lock().state.iam.absent_roles_have_any_path = !on;
    }

    /// A managed policy that does not exist; all others do.
    pub fn set_managed_policy_absent(&self, arn: &str) {
        self.lock().state.iam.absent_policies.insert(arn.to_owned());
    }
}

// Time.
impl Account {
    /// Sets the account's clock, in seconds since 1970; without it, it starts with the first call.
    pub fn set_time(&self, seconds: u64) {
        let mut inside = self.lock();
        inside.began = Some(Instant::now());
        inside.beginning = i64::try_from(seconds).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
    }

    /// What DescribeStacks and DescribeStackResource show lags behind by that much from now on.
    pub fn set_stack_lag(&self, lag: Duration) {
        self.lock().state.stacks.lag = i64::try_from(lag.as_millis()).unwrap_or_default();
    }

    /// Each way of each call takes up to `longest`, drawn from `seed`, so that concurrent callers interleave.
    pub fn set_latency(&self, seed: u64, longest: Duration) {
        self.lock().pace.draw(seed, longest);
    }

    /// `hook` is called, and what it returns awaited, on both ways of every call: a scheduler's place.
    pub fn set_hook(&self, hook: impl Fn(Call, Moment) -> Held + Send + Sync + 'static) {
        self.lock().pace.hook = Some(Arc::new(hook));
    }

    /// No more latency and no hook.
    pub fn clear_pace(&self) {
        self.lock().pace = Pace::default();
    }
}
