//! Findings as Markdown for `buildkite-agent annotate`.

use std::{collections::BTreeMap, fmt::Write};

use super::{Finding, Level, counted};

/// A heading, and below it the findings of each file.
#[must_use]
pub fn buildkite(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "#### agent-composer: nothing is wrong\n".to_owned();
    }
    let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        files.entry(&finding.file).or_default().push(finding);
    }
    let mut text = format!("#### agent-composer: {}\n", counted(findings));
    for (file, findings) in files {
        let _ = write!(text, "\n**`{}`**\n\n", file.replace('`', "'"));
        for Finding {
            at,
            level,
            text: message,
            ..
        } in findings
        {
            let sign = match level {
                Level::Error => ":x:",
                Level::Warning => ":warning:",
                Level::Note => ":information_source:",
            };
            let _ = writeln!(text, "- {sign} line {}: {}", at.start.line.max(1), escaped(message));
        }
    }
    text
}

/// A text in which nothing but what is between backticks is markup.
fn escaped(text: &str) -> String {
    let mut whole = String::new();
    let mut in_code = false;
    for sign in text.chars() {
        match sign {
            '`' => in_code = !in_code,
            '\n' | '\r' => {
                whole.push(' ');
                continue;
            }
            '<' if !in_code => {
                whole += "&lt;";
                continue;
            }
            '*' | '_' | '[' | ']' | '|' | '~' | '\\' if !in_code => whole.push('\\'),
            _ => {}
        }
        whole.push(sign);
    }
    whole
}
