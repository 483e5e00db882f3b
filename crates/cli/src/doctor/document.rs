//! Findings as JSON, for programs.

use serde_json::{Value, json};

use super::finding::Finding;

/// All findings about a family.
#[must_use]
pub fn document(family: &str, region: &str, findings: &[Finding]) -> Value {
    let findings = findings.iter().map(|finding| {
        let Finding {
            check,
            outcome,
            text,
            advice,
        } = finding;
        json!({"check": check.name(), "outcome": outcome.name(), "text": text, "advice": advice})
    });
    json!({"family": family, "region": region, "findings": findings.collect::<Vec<_>>()})
}
