//! The stand-in for a value that is not known: the first form that the validation takes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Assumed, typed};
use crate::template::{Evaluator, Form, restore};
use agent_composer_model::{Faults, properties::CPUS};

/// Properties without anything in them that is a fault only because it is not known, as far as that can be had.
pub(super) struct Settled {
    pub(super) values: Map<String, Value>,
    /// What is taken to be something, since no stand-in is legal there.
    pub(super) assumed: Vec<Assumed>,
    /// JSON pointers to everything that is not known, or in part.
    pub(super) pointers: Vec<String>,
    /// The same as paths.
    unknown: Vec<String>,
}

impl Settled {
    /// Whether a fault may be none: it is about what is not known, or about a name that this may well have.
    pub(super) fn excuses(&self, path: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            (inner.strip_prefix(outer)).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let refers = [
            "SourceVolume",
            "ContainerName",
            "SourceContainer",
            "Condition",
            "LogDriver",
        ]
        .iter()
        .any(|name| path.ends_with(name));
        self.unknown.iter().any(|unknown| {
            within(path, unknown)
                || within(unknown, path)
                || (refers && ["Volumes", "Sidecars"].iter().any(|named| within(unknown, named)))
                || (within(path, "SecretsKmsKeyArns") && !within(unknown, "SecretsKmsKeyArns"))
        })
    }
}

/// Puts into the place of each text with a stand-in what causes the fewest faults. Task roles lie under `role_path`.
pub(super) fn settle(
    evaluator: &mut Evaluator<'_>,
    written: Map<String, Value>,
    role_path: &str,
    validate: impl Fn(&Map<String, Value>) -> Faults,
) -> Settled {
    let mut whole = Value::Object(written);
    let mut pointers = Vec::new();
    collect(evaluator, &whole, String::new(), &mut pointers);
    let unknown = pointers.iter().map(|pointer| path(pointer)).collect();
    let known = known_values(evaluator, &whole);
    let mut assumed = Vec::new();
    for pointer in &pointers {
        let Some(text) = whole.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned) else {
            continue;
        };
        let count = |value: Value| {
            let mut tried = whole.clone();
            if let Some(slot) = tried.pointer_mut(pointer) {
                *slot = value;
            }
            tried
                .as_object()
                .map_or(usize::MAX, |tried| validate(tried).iter().count())
        };
        let as_it_is = count(text.clone().into());
        // What its place in an ARN or a host says of a part goes before everything else.
        let typed = typed::forms(evaluator, &text);
        let placed = typed
            .into_iter()
            .map(|typed| (count(typed.text.clone().into()), typed))
            .filter(|(faults, _)| *faults <= as_it_is)
            .min_by_key(|(faults, _)| *faults);
        let value = if let Some((_, placed)) = placed {
            evaluator.unknowns.extend(placed.unknowns);
            placed.text.into()
        } else if as_it_is == 0 {
            continue;
        } else {
            let candidates = candidates(evaluator, role_path, &known);
            let Some(taken) = best(candidates, as_it_is, count) else {
                continue;
            };
            let value = taken.value();
            match &taken {
                Taken::Form(form) => evaluator.stand_in(form, &text),
                Taken::Known(_) | Taken::Absent => assumed.push(Assumed {
                    path: path(pointer),
                    pointer: pointer.clone(),
                    written: restore::shown(&text, &evaluator.all_unknowns()),
                    text,
                    taken: value.as_str().map(ToOwned::to_owned),
                    places: None,
                }),
            }
            value
        };
        if let Some(slot) = whole.pointer_mut(pointer) {
            *slot = value;
        }
    }
    let values = match whole {
        Value::Object(settled) => settled,
        _ => Map::new(),
    };
    Settled {
        values,
        assumed,
        pointers,
        unknown,
    }
}

/// The first candidate with the fewest faults, if that is better than `as_it_is`.
fn best(candidates: impl IntoIterator<Item = Taken>, as_it_is: usize, count: impl Fn(Value) -> usize) -> Option<Taken> {
    let mut best = (as_it_is, None);
    for taken in candidates {
        let faults = count(taken.value());
        if faults < best.0 {
            best = (faults, Some(taken));
        }
        if best.0 == 0 {
            break;
        }
    }
    best.1
}

enum Taken {
    /// A form around a stand-in.
    Form(Form),
    /// A value that is legal and says nothing.
    Known(String),
    Absent,
}

impl Taken {
    fn value(&self) -> Value {
        match self {
            Self::Form(form) => form.text.clone().into(),
            Self::Known(text) => text.clone().into(),
            // Null is absent to the validation, and leaves the indexes of a list as they are.
            Self::Absent => Value::Null,
        }
    }
}

/// Sizes beside the CPU units: a disk, memories.
const NUMBERS: [u32; 9] = [30, 4096, 8192, 16384, 32768, 61440, 65536, 122_880, 249_856];

/// Words that a property must have where it is not absent.
const WORDS: [&str; 5] = ["START", "ENABLED", "Allow", "2012-10-17", "FARGATE"];

/// Values that a property may take: the least particular first, and those last that are written elsewhere, as names that
/// it may refer to, or that refer to it.
pub(super) fn known_values(evaluator: &Evaluator<'_>, whole: &Value) -> Vec<String> {
    let numbers = CPUS.iter().chain(&NUMBERS).map(ToString::to_string);
    let mut known: BTreeSet<String> = WORDS.iter().map(|&word| word.to_owned()).collect();
    known_texts(evaluator, whole, &mut known);
    numbers.chain(known).collect()
}

/// What a property may take, the least particular first.
fn candidates(evaluator: &Evaluator<'_>, role_path: &str, known: &[String]) -> Vec<Taken> {
    let forms = evaluator.forms().all(role_path).into_iter().map(Taken::Form);
    let known = known.iter().cloned().map(Taken::Known);
    forms.chain([Taken::Absent]).chain(known).collect()
}

fn known_texts(evaluator: &Evaluator<'_>, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if evaluator.mark().leaves(text) => {
            found.insert(text.clone());
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| known_texts(evaluator, element, found)),
        Value::Object(fields) => fields.values().for_each(|field| known_texts(evaluator, field, found)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// JSON pointers to every text with a stand-in.
fn collect(evaluator: &Evaluator<'_>, value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::String(text) if !evaluator.mark().leaves(text) => found.push(pointer),
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect(evaluator, element, format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(evaluator, field, format!("{pointer}/{name}"), found);
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `/Secrets/1/Name` as `Secrets[1].Name`.
pub(super) fn path(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, part| {
        let part = part.replace("~1", "/").replace("~0", "~");
        match (path.as_str(), part.parse::<usize>()) {
            (_, Ok(index)) => format!("{path}[{index}]"),
            ("", Err(_)) => part,
            (_, Err(_)) => format!("{path}.{part}"),
        }
    })
}
