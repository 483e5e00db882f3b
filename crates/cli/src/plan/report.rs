//! What is wrong with a template, shown in its text; colours are ANSI's, for a terminal.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::Finding;
use crate::template::{Extent, Weight};

/// The findings as compilers show them, each with its line.
#[must_use]
pub fn report(findings: &[Finding], text: &str, path: &str) -> String {
    let renderer = Renderer::styled();
    let each = findings.iter().map(|finding| {
        let Finding {
            weight,
            logical_id,
            path: _,
            at,
            sentence,
        } = finding;
        let of = logical_id.as_ref().map(|logical_id| format!("{logical_id}: "));
        let title = format!("{}{sentence}", of.unwrap_or_default());
        let place = AnnotationKind::Primary.span(within_a_line(*at, text));
        let snippet = Snippet::source(text).path(path).annotation(place);
        let level = match weight {
            Weight::Fault => Level::ERROR,
            Weight::Note => Level::NOTE,
        };
        renderer.render(&[level.primary_title(title).element(snippet)])
    });
    each.map(|one| one + "\n").collect()
}

/// A place cut at the end of its first line.
fn within_a_line(at: Extent, text: &str) -> std::ops::Range<usize> {
    let start = at.start.offset.min(text.len());
    let line = text[start..].find('\n').map_or(text.len(), |end| start + end);
    let end = at.end.offset.clamp(start, line);
    start..end.max((start + 1).min(text.len()))
}
