//! What stands for a value that is not known: the first form that the validation takes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Assumed;
use crate::template::{Evaluator, form, restore};
use agent_composer_model::{Faults, properties::CPUS};

/// Properties without anything in them that is a fault only because it is not known, as far as that can be had.
pub(super) struct Settled {
    pub(super) values: Map<String, Value>,
    /// What is taken to be something, since no stand-in is legal there.
    pub(super) assumed: Vec<Assumed>,
    /// The paths of everything that is not known, or in part.
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

/// Puts into the place of each text with a stand-in what causes the fewest faults.
pub(super) fn settle(
    evaluator: &mut Evaluator<'_>,
    written: Map<String, Value>,
    validate: impl Fn(&Map<String, Value>) -> Faults,
) -> Settled {
    let mut whole = Value::Object(written);
    let mut pointers = Vec::new();
    collect(evaluator, &whole, String::new(), &mut pointers);
    let unknown = pointers.iter().map(|pointer| path(pointer)).collect();
    let mut known = WORDS.iter().map(|&word| word.to_owned()).collect();
    known_texts(evaluator, &whole, &mut known);
    let mut assumed = Vec::new();
    for pointer in pointers {
        let Some(text) = whole.pointer(&pointer).and_then(Value::as_str).map(ToOwned::to_owned) else {
            continue;
        };
        let count = |value: Value| {
            let mut tried = whole.clone();
            if let Some(slot) = tried.pointer_mut(&pointer) {
                *slot = value;
            }
            tried
                .as_object()
                .map_or(usize::MAX, |tried| validate(tried).iter().count())
        };
        let as_it_is = count(text.clone().into());
        if as_it_is == 0 {
            break;
        }
        let taken = (candidates(evaluator, &known).into_iter())
            .map(|taken| (count(taken.value()), taken))
            .min_by_key(|(faults, _)| *faults)
            .filter(|(faults, _)| *faults < as_it_is);
        let Some((_, taken)) = taken else { continue };
        let value = taken.value();
        match &taken {
            Taken::Text(form) => evaluator.stand_in(form.clone(), &text),
            Taken::Known(_) | Taken::Absent => assumed.push(Assumed {
                path: path(&pointer),
                written: restore::shown(&text, &evaluator.unknowns),
                taken: value.as_str().map(ToOwned::to_owned),
            }),
        }
        if let Some(slot) = whole.pointer_mut(&pointer) {
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
        unknown,
    }
}

enum Taken {
    /// A form around a stand-in.
    Text(String),
    /// A value that is legal and says nothing.
    Known(String),
    Absent,
}

impl Taken {
    fn value(&self) -> Value {
        match self {
            Self::Text(text) | Self::Known(text) => text.clone().into(),
            // Null is absent to the validation, and leaves the indexes of a list as they are.
            Self::Absent => Value::Null,
        }
    }
}

/// Sizes beside the CPU units: a disk, memories.
const NUMBERS: [u32; 9] = [30, 4096, 8192, 16384, 32768, 61440, 65536, 122_880, 249_856];

/// Words that a property must have where it is not absent.
const WORDS: [&str; 5] = ["START", "ENABLED", "Allow", "2012-10-17", "FARGATE"];

/// What a property may take, the least particular first. The texts that are written elsewhere are names that it may
/// refer to, or that refer to it.
fn candidates(evaluator: &Evaluator<'_>, known: &BTreeSet<String>) -> Vec<Taken> {
    let (region, account) = (evaluator.region(), evaluator.account());
    let token = evaluator.mark().token(evaluator.unknowns.len() + 1);
    let of = |kind, attribute| form(kind, attribute, &token, &region, &account);
    let texts = [
        Some(token.clone()),
        Some(format!("/{token}")),
        Some(format!("https://{token}.example.com")),
        Some(format!("arn:aws:execute-api:{region}:{account}:{token}/stage")),
        of("AWS::KMS::Key", Some("Arn")),
        of("AWS::IAM::Role", Some("Arn")),
        of("AWS::IAM::ManagedPolicy", None),
        of("AWS::SecretsManager::Secret", None),
        of("AWS::EFS::FileSystem", None),
        of("AWS::EFS::AccessPoint", None),
        Some(format!("arn:aws:s3:::{token}")),
    ];
    let numbers = CPUS
        .iter()
        .chain(&NUMBERS)
        .map(|number| Taken::Known(number.to_string()));
    let texts = texts.into_iter().flatten().map(Taken::Text);
    let known = known.iter().cloned().map(Taken::Known);
    texts.chain([Taken::Absent]).chain(numbers).chain(known).collect()
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
fn path(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, part| {
        let part = part.replace("~1", "/").replace("~0", "~");
        match (path.as_str(), part.parse::<usize>()) {
            (_, Ok(index)) => format!("{path}[{index}]"),
            ("", Err(_)) => part,
            (_, Err(_)) => format!("{path}.{part}"),
        }
    })
}
