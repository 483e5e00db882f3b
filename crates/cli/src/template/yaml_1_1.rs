//! YAML 1.1, which CloudFormation reads: words without quotes that are numbers or booleans there, and arrive as other texts
//! than those that were written.

use std::sync::LazyLock;

use regex_lite::Regex;

/// What CloudFormation makes of a word without quotes, where that is another text.
#[must_use]
pub(super) fn made(word: &str) -> Option<String> {
    let made = boolean(word)
        .map(ToOwned::to_owned)
        .or_else(|| integer(word))
        .or_else(|| float(word))?;
    (made != word).then_some(made)
}

fn boolean(word: &str) -> Option<&'static str> {
    match word {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => Some("true"),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => Some("false"),
        _ => None,
    }
}

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// The resolver's own patterns, as SnakeYAML has them.
static INTEGER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r"^[-+]?(?:0b[0-1_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$")
});

static FLOAT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?)$",
    )
});

fn integer(word: &str) -> Option<String> {
    if !INTEGER.as_ref()?.is_match(word) {
        return None;
    }
    let plain = word.replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let value = if let Some(digits) = digits.strip_prefix("0b") {
        u128::from_str_radix(digits, 2).ok()?
    } else if let Some(digits) = digits.strip_prefix("0x") {
        u128::from_str_radix(digits, 16).ok()?
    } else if digits.contains(':') {
        digits.split(':').try_fold(0_u128, |value, digits| {
            value.checked_mul(60)?.checked_add(digits.parse().ok()?)
        })?
    } else if digits.len() > 1 && digits.starts_with('0') {
        u128::from_str_radix(digits, 8).ok()?
    } else {
        return Some(format!("{sign}{digits}"));
    };
    Some(format!("{sign}{value}"))
}

/// Writes it as Java writes a double: at least one digit behind the point, and powers of ten from ten million on.
fn float(word: &str) -> Option<String> {
    if !FLOAT.as_ref()?.is_match(word) {
        return None;
    }
    let value: f64 = word.replace('_', "").parse().ok()?;
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return Some(format!("{value:?}"));
    }
    let text = format!("{value:e}");
    let (digits, power) = text.split_once('e')?;
    let point = if digits.contains('.') { "" } else { ".0" };
    Some(format!("{digits}{point}E{power}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_arrives_as_cloudformation_reads_it() {
        for (written, arrives) in [
            ("1_024", "1024"),
            ("yes", "true"),
            ("No", "false"),
            ("on", "true"),
            ("OFF", "false"),
            ("True", "true"),
            ("0022", "18"),
            ("012345670123", "1402433619"),
            ("4:16", "256"),
            ("190:20:30", "685230"),
            ("0x1F", "31"),
            ("-0b101", "-5"),
            ("+7", "7"),
            ("1.10", "1.1"),
            ("3.", "3.0"),
            ("1_000.5", "1000.5"),
            ("20185875.0", "2.0185875E7"),
            ("5e8", "5.0E8"),
            (".5", "0.5"),
        ] {
            assert_eq!(made(written).as_deref(), Some(arrives), "{written}");
        }
    }

    #[test]
    fn every_other_word_stays() {
        for word in [
            "ruby",
            "1024",
            "true",
            "false",
            "y",
            "n",
            "0",
            "3.4",
            "1.0",
            "012345678901",
            "123456789012",
            "8080:80",
            "2012-10-17",
            "1.2.3",
            "-",
            "",
            "0o14",
            "_1",
            "on-demand",
            "ruby:3.10",
            "-5",
        ] {
            assert_eq!(made(word), None, "{word}");
        }
    }
}
