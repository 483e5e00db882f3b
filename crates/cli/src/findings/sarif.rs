//! Findings as SARIF 2.1.0, which code scanning services and editors read.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Finding, Level};

/// What no path in a URI has as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A document with one run.
#[must_use]
pub fn sarif(findings: &[Finding]) -> Value {
    let results: Vec<Value> = findings.iter().map(result).collect();
    let rules = [Level::Error, Level::Warning, Level::Note];
    let rules = rules.map(|level| json!({"id": rule(level), "shortDescription": {"text": description(level)}}));
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "agent-composer",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let Finding { file, at, level, text } = finding;
    let mut region = json!({"startLine": at.start.line.max(1), "startColumn": at.start.column.max(1)});
    if at.end > at.start {
        region["endLine"] = at.end.line.into();
        region["endColumn"] = at.end.column.into();
    }
    json!({
        "ruleId": rule(*level),
        "level": match level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        },
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(file)}, "region": region}}],
    })
}

fn rule(level: Level) -> &'static str {
    match level {
        Level::Error => "refused",
        Level::Warning => "left-to-do",
        Level::Note => "worth-knowing",
    }
}

fn description(level: Level) -> &'static str {
    match level {
        Level::Error => "The provider or CloudFormation would refuse this",
        Level::Warning => "The migration leaves this to you",
        Level::Note => "This may not be what you expect",
    }
}

fn uri(file: &str) -> String {
    let path = utf8_percent_encode(&file.replace('\\', "/"), PATH).to_string();
    if path.starts_with('/') {
        format!("file://{path}")
    } else {
        path
    }
}
