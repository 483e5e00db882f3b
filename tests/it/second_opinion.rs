//! Another evaluator of IAM policies agrees with the account's, on all that the provider asks for.

use std::collections::BTreeMap;

use fake_aws::{Demand, Policy, Verdict, verdict};
use iam_rs::{Arn, Context, ContextValue, Decision, IAMPolicy, IAMRequest, Principal, PrincipalId, evaluate_policies};
use serde_json::Value;

use crate::{
    faults::{before, cases, narrowed},
    granted::{BOUNDED, DEFAULT, UNBOUNDED},
};

/// What the other evaluator says.
fn second(policies: &[Value], demand: &Demand) -> Verdict {
    let policies: Vec<IAMPolicy> = policies
        .iter()
        .map(|policy| serde_json::from_value(policy.clone()).expect("a policy"))
        .collect();
    // An action without resources is asked of some ARN: only `*` matches it.
    let arn = if demand.resource == "*" {
        "arn:aws:any:us-east-1:111122223333:any"
    } else {
        &demand.resource
    };
    let handler = "arn:aws:iam::111122223333:role/handler".to_owned();
    let context = demand.context.iter().map(|(key, values)| {
        let value = match (key.as_str(), values.as_slice()) {
            ("aws:TagKeys", _) => ContextValue::StringList(values.clone()),
            (_, [one]) => ContextValue::String(one.clone()),
            (_, several) => panic!("{key} has {} values", several.len()),
        };
        (key.clone(), value)
    });
    let request = IAMRequest::new_with_context(
        Principal::Aws(PrincipalId::String(handler)),
        demand.action.clone(),
        Arn::parse(arn).expect("an ARN"),
        Context::with_data(context.collect()),
    );
    match evaluate_policies(&policies, &request).expect("a decision") {
        Decision::Allow => Verdict::Allowed,
        Decision::Deny => Verdict::Denied,
        Decision::NotApplicable => Verdict::NotAllowed,
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_evaluator_agrees_on_every_right_that_is_asked_for() {
    let mut asked: BTreeMap<String, Demand> = BTreeMap::new();
    for (agent, operation) in cases() {
        let (stack, event) = before(agent, operation).await;
        stack.deliver(&event).await.unwrap().success();
        for demand in stack.account.calls().into_iter().flat_map(|record| record.demands) {
            asked.insert(format!("{demand:?}"), demand);
        }
    }
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    for granted in [&BOUNDED, &UNBOUNDED, &DEFAULT] {
        let all = narrowed(granted).into_iter().map(|(_, policies)| policies);
        for policies in all.chain([granted.to_vec()]) {
            let parsed: Vec<Policy> = policies
                .iter()
                .map(|one| Policy::parse(one).expect("a policy"))
                .collect();
            for demand in asked.values() {
                let first = verdict(&parsed, demand);
                assert_eq!(first, second(&policies, demand), "{demand:#?}");
                *verdicts
                    .entry(if first == Verdict::Allowed {
                        "allowed"
                    } else {
                        "refused"
                    })
                    .or_default() += 1;
            }
        }
    }
    assert!(verdicts["allowed"] > 1000 && verdicts["refused"] > 100, "{verdicts:?}");
}
