//! What an unknown part of an ARN or of an ECR host must be, by its position: partition, Region or account.

use crate::template::{Deployment, Evaluator, Unknown};

/// A text in which each part that is not known has the form that its place asks for.
pub(super) struct Typed {
    pub(super) text: String,
    pub(super) unknowns: Vec<Unknown>,
}

/// What a place asks for.
#[derive(Clone, Copy)]
enum Place {
    Partition,
    Region,
    Account,
}

/// The text with Regions and accounts of their own, and with those of the deployment; none where no place says anything.
pub(super) fn forms(evaluator: &Evaluator<'_>, text: &str) -> Vec<Typed> {
    let places = places(evaluator, text);
    if places.is_empty() {
        return Vec::new();
    }
    let made = |own: bool| {
        let mark = evaluator.mark();
        let deployment: &Deployment = evaluator.deployment();
        let mut whole = String::new();
        let mut at = 0;
        let mut unknowns = Vec::new();
        for (index, (start, end, place)) in places.iter().enumerate() {
            let token = &text[*start..*end];
            let number = evaluator.unknowns.len() + 1 + index;
            let form = match (place, own) {
                (Place::Partition, _) => deployment.partition().to_owned(),
                (Place::Region, true) => deployment.other_region(mark, number),
                (Place::Region, false) => deployment.region.clone(),
                (Place::Account, true) => mark.account(number),
                (Place::Account, false) => deployment.account.clone(),
            };
            if own && !matches!(place, Place::Partition) {
                let (shown, expression) = evaluator.meaning(token);
                unknowns.push(Unknown {
                    text: form.clone(),
                    shown,
                    expression,
                });
            }
            whole.push_str(&text[at..*start]);
            whole.push_str(&form);
            at = *end;
        }
        whole.push_str(&text[at..]);
        // Where a part has become what it must be, only the whole is as its author wrote it.
        if !own || places.iter().any(|(_, _, place)| matches!(place, Place::Partition)) {
            let (shown, expression) = evaluator.meaning(text);
            unknowns.push(Unknown {
                text: whole.clone(),
                shown,
                expression,
            });
        }
        Typed { text: whole, unknowns }
    };
    vec![made(true), made(false)]
}

/// Where each part is that is not known, from and to, and what it must be.
fn places(evaluator: &Evaluator<'_>, text: &str) -> Vec<(usize, usize, Place)> {
    let mut found = Vec::new();
    let mut look = |start: usize, part: &str, place: Place| {
        if evaluator.mark().is_token(part) {
            found.push((start, start + part.len(), place));
        }
    };
    if text.starts_with("arn:") {
        let mut at = 0;
        for (index, field) in text.split(':').take(5).enumerate() {
            match index {
                1 => look(at, field, Place::Partition),
                3 => look(at, field, Place::Region),
                4 => look(at, field, Place::Account),
                _ => {}
            }
            at += field.len() + 1;
        }
        return found;
    }
    let host = text.split('/').next().unwrap_or_default();
    let Some((account, rest)) = host.split_once(".dkr") else {
        return found;
    };
    look(0, account, Place::Account);
    let after = [".ecr.", "-ecr.", ".ecr-fips.", "-ecr-fips."];
    if let Some(before) = after.into_iter().find(|before| rest.starts_with(before)) {
        let start = account.len() + ".dkr".len() + before.len();
        let region = host[start..].split('.').next().unwrap_or_default();
        look(start, region, Place::Region);
    }
    found
}
