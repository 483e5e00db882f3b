//! Findings as GitHub's workflow commands, which it shows at the lines of a pull request.

use super::{Finding, Level};

/// A line for each finding.
#[must_use]
pub fn github(findings: &[Finding]) -> String {
    let each = findings.iter().map(|finding| {
        let Finding { file, at, level, text } = finding;
        let command = match level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let (line, column) = (at.start.line.max(1), at.start.column.max(1));
        let until = if at.end.line == line && at.end.column > column {
            // The last character's column, where ours is that behind it.
            format!(",endColumn={}", at.end.column - 1)
        } else {
            String::new()
        };
        format!(
            "::{command} file={},line={line},col={column}{until},title=agent-composer::{}\n",
            property(file),
            data(text)
        )
    });
    each.collect()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
