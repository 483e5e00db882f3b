//! Findings as lines that a person reads; colours are ANSI's, for a terminal.

use anstyle::{AnsiColor, Style};

use super::finding::{Finding, Outcome};

const NAME: Style = AnsiColor::Cyan.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// The family, and below it each finding with what to do.
#[must_use]
pub fn report(family: &str, findings: &[Finding]) -> String {
    let lines = findings.iter().map(line);
    format!("{NAME}{family}{NAME:#}\n{}", lines.collect::<String>())
}

fn line(finding: &Finding) -> String {
    let Finding {
        check,
        outcome,
        text,
        advice,
    } = finding;
    let (sign, style) = match outcome {
        Outcome::Fine => ('=', AnsiColor::Green.on_default()),
        Outcome::Note => ('~', AnsiColor::Cyan.on_default()),
        Outcome::Wrong => ('!', AnsiColor::Red.on_default().bold()),
        Outcome::NotChecked => ('?', AnsiColor::Yellow.on_default()),
    };
    let kind = check.name().replace('-', " ");
    let advice = advice.as_ref().map(|advice| format!("      {advice}\n"));
    format!(
        "  {style}{sign}{style:#} {QUIET}{kind}:{QUIET:#} {text}\n{}",
        advice.unwrap_or_default()
    )
}
