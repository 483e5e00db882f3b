//! What is wrong with a template, shown in its text; colours are ANSI's, for a terminal.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Finding, Plan};
use crate::template::{Extent, Weight};

/// The findings as compilers show them, each with its line; titles longer than `width` in several lines. What may be a
/// secret is not shown.
#[must_use]
pub fn report(plan: &Plan, text: &str, path: &str, width: Option<usize>) -> String {
    let text = veiled(plan, text);
    let renderer = Renderer::styled();
    let renderer = width.map_or(renderer.term_width(usize::MAX / 2), |width| {
        Renderer::styled().term_width(width)
    });
    let each = plan.findings.iter().map(|finding| {
        let Finding {
            weight,
            logical_id,
            path: _,
            at,
            sentence,
            may_show_a_secret: _,
        } = finding;
        let of = logical_id.as_ref().map(|logical_id| format!("{logical_id}: "));
        let title = format!("{}{sentence}", of.unwrap_or_default());
        let title = match width {
            // After `error: `.
            Some(width) => {
                let options = textwrap::Options::new(width.saturating_sub(8).max(20));
                textwrap::fill(&title, options.break_words(false))
            }
            None => title,
        };
        let place = AnnotationKind::Primary.span(within_a_line(*at, &text));
        let snippet = Snippet::source(text.as_str()).path(path).annotation(place);
        let level = match weight {
            Weight::Fault => Level::ERROR,
            Weight::Note => Level::NOTE,
        };
        renderer.render(&[level.primary_title(title).element(snippet)])
    });
    each.map(|one| one + "\n").collect()
}

/// The text with asterisks for all that may be a secret, wherever it is, and each place where it was.
fn veiled(plan: &Plan, text: &str) -> String {
    let mut veiled = text.to_owned();
    for finding in plan.findings.iter().filter(|finding| finding.may_show_a_secret) {
        let Extent { start, end } = finding.at;
        if let Some(part) = veiled.get(start.offset..end.offset) {
            let stars = stars(part);
            veiled.replace_range(start.offset..end.offset, &stars);
        }
    }
    for secret in &plan.secrets {
        veiled = veiled.replace(secret.as_str(), &stars(secret));
    }
    veiled
}

/// Stars of as many bytes, so that every other place stays where it is.
fn stars(part: &str) -> String {
    part.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { '*' })
        .collect()
}

/// A place cut at the end of its first line.
fn within_a_line(at: Extent, text: &str) -> std::ops::Range<usize> {
    let start = at.start.offset.min(text.len());
    let line = text[start..].find('\n').map_or(text.len(), |end| start + end);
    let end = at.end.offset.clamp(start, line);
    start..end.max((start + 1).min(text.len()))
}
