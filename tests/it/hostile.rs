//! Events that nobody would write: whatever comes, nothing panics, and what can be answered is answered within CloudFormation's
//! limits. `PROPTEST_CASES=100000 cargo test --workspace --test it hostile` goes on for longer; what it finds is kept in
//! `tests/it/hostile.proptest-regressions`.

use std::time::Duration;

use agent_composer::{
    event,
    mark::{self, Mark},
    response_url::{ResponseUrl, Signed},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json, value::RawValue};

use crate::stack::{Stack, TIMEOUT};

/// How long CloudFormation's answers may be, in bytes (docs/internals/cloudformation.md, "Answers").
const LONGEST: usize = 4096;

/// Every property, well written.
fn every_property() -> Map<String, Value> {
    let text = include_str!("../../crates/model/src/properties/every_property.json");
    serde_json::from_str(text).unwrap()
}

/// Any JSON, not too deep for a shrunk case to be read.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[a-zA-Z0-9:/._{}$*-]{0,80}".prop_map(Value::from),
        "(arn:aws:[a-z]{0,12}:[a-z0-9-]{0,12}:[0-9]{0,12}:.{0,30})".prop_map(Value::from),
        (1..20_000_usize).prop_map(|length| Value::from("x".repeat(length))),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec(("[A-Za-z]{1,12}|.{0,5}", inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A place in a value: which child to enter, again and again.
fn place() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 1..6)
}

/// Replaces what is at the place, as deep as the value goes.
fn replace(value: &mut Value, place: &[prop::sample::Index], with: Value) {
    let Some((first, rest)) = place.split_first() else {
        *value = with;
        return;
    };
    let child = match value {
        Value::Array(elements) if !elements.is_empty() => {
            let at = first.index(elements.len());
            elements.get_mut(at)
        }
        Value::Object(fields) if !fields.is_empty() => {
            let at = first.index(fields.len());
            fields.values_mut().nth(at)
        }
        _ => None,
    };
    match child {
        Some(child) => replace(child, rest, with),
        None => *value = with,
    }
}

/// What was answered.
struct Answers {
    reasons: Vec<String>,
    /// Sizes in bytes.
    sizes: Vec<usize>,
}

/// Hands a payload over while the stack is creating the resource.
fn handed_over(payload: &[u8]) -> Answers {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let stack = Stack::new();
        let event = stack.event("Create", "Ruby2", None, &json!({}));
        stack.waits_for(&event);
        // As in main.rs; what Lambda's runtime can't read never gets to the handler.
        let quoted = event::quoted(payload).map(String::into_bytes);
        let body = quoted.as_deref().unwrap_or(payload);
        if let Ok(text) = serde_json::from_slice::<&RawValue>(body) {
            let _ = stack.hand_over_text(text.get(), TIMEOUT + Duration::from_secs(1)).await;
        }
        let answers = stack.inbox.since(0);
        let reasons = answers.iter().filter_map(|answer| answer["Reason"].as_str());
        Answers {
            reasons: reasons.map(str::to_owned).collect(),
            sizes: stack.inbox.sizes(),
        }
    })
}

fn assert_no_panic(Answers { reasons, .. }: &Answers) {
    assert!(!reasons.iter().any(|reason| reason.contains("panicked")), "{reasons:?}");
}

/// An event with these properties, as text.
fn event_with(properties: &Value) -> Value {
    Stack::new().event("Create", "Ruby2", None, properties)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: Some(Box::new(
        proptest::test_runner::FileFailurePersistence::Direct("tests/it/hostile.proptest-regressions"),
    )), ..ProptestConfig::default() })]

    #[test]
    fn any_value_at_any_place_of_the_properties_is_answered(at in place(), with in anything()) {
        let mut properties = Value::Object(every_property());
        replace(&mut properties, &at, with);
        let answers = handed_over(event_with(&properties).to_string().as_bytes());
        assert_no_panic(&answers);
        prop_assert!(answers.sizes.len() <= 1 && answers.sizes.iter().all(|size| *size <= LONGEST));
    }

    // The answer repeats the event's ids, so an event with longer ids than CloudFormation's has a longer answer.
    #[test]
    fn any_value_at_any_place_of_the_event_breaks_nothing(at in place(), with in anything()) {
        let mut event = event_with(&Value::Object(every_property()));
        replace(&mut event, &at, with);
        assert_no_panic(&handed_over(event.to_string().as_bytes()));
    }

    #[test]
    fn any_bytes_in_the_event_break_nothing(
        at in any::<prop::sample::Index>(), length in 0..40_usize, with in prop::collection::vec(any::<u8>(), 0..40)
    ) {
        let mut payload = event_with(&Value::Object(every_property())).to_string().into_bytes();
        let from = at.index(payload.len());
        let to = (from + length).min(payload.len());
        payload.splice(from..to, with);
        assert_no_panic(&handed_over(&payload));
    }

    #[test]
    fn any_bytes_that_are_not_text_are_answered(at in any::<prop::sample::Index>()) {
        let event = event_with(&json!({"Image": "ruby", "Environment": [{"Name": "A", "Value": "x".repeat(40)}]})).to_string();
        let value = event.find("xxx").unwrap();
        let mut payload = event.into_bytes();
        payload[value + at.index(40)] = 0xff;
        let answers = handed_over(&payload);
        prop_assert!(answers.reasons.len() == 1 && answers.reasons[0].contains("not UTF-8"), "{:?}", answers.reasons);
    }

    #[test]
    fn any_query_of_the_url_is_read_or_has_no_time(query in ".{0,60}", date in "[0-9TZ]{0,18}", seconds in any::<u64>()) {
        for text in [
            query,
            format!("X-Amz-Date={date}&X-Amz-Expires={seconds}"),
            format!("X-Amz-Date=20261123T201500Z&X-Amz-Expires={seconds}"),
            format!("Expires={seconds}"),
        ] {
            if let Some(signed) = ResponseUrl::parse(&format!("https://s3.example/?{text}")).and_then(|url| Signed::of(&url)) {
                prop_assert!(signed.made <= signed.expires);
            }
        }
    }

    #[test]
    fn any_text_is_a_mark_or_none(text in ".{0,120}", numbers in "[0-9]{0,25}(/[0-9a-f+-]{0,20}){0,6}") {
        for text in [text, numbers] {
            let _ = Mark::from_tags(&[(mark::KEY.to_owned(), text)].into());
        }
    }
}
