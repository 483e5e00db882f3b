//! Whether the agent, which is written in Go, can read a pattern: the grammar of `regexp` and of `path.Match`.

use std::{iter::Peekable, str::Chars};

/// The longest repetition (`regexp/syntax`, `ErrInvalidRepeatSize`).
const REPETITIONS: u32 = 1000;

/// The classes between `[:` and `:]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// What the last thing was that a repetition would apply to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    One,
    Repetition,
}

/// Checks a regular expression.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    let mut before = Last::Nothing;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        before = match c {
            '(' => {
                if group(&mut chars)? {
                    depth += 1;
                    Last::Nothing
                } else {
                    before
                }
            }
            ')' if depth == 0 => return Err("`)` closes no group".to_owned()),
            ')' => {
                depth -= 1;
                Last::One
            }
            '|' => Last::Nothing,
            '*' | '+' | '?' => repetition(&mut chars, before, &c.to_string())?,
            '{' => match counts(&mut chars) {
                None => Last::One,
                Some((written, least, most)) => {
                    if least.max(most.unwrap_or(0)) > REPETITIONS || most.is_some_and(|most| least > most) {
                        return Err(format!(
                            "`{written}` is not a number of repetitions, up to {REPETITIONS}"
                        ));
                    }
                    repetition(&mut chars, before, &written)?
                }
            },
            '[' => {
                class(&mut chars)?;
                Last::One
            }
            '\\' => escape(&mut chars, false)?,
            _ => Last::One,
        };
    }
    if depth > 0 {
        return Err("a group `(` is not closed".to_owned());
    }
    Ok(())
}

/// Checks a pattern of names, with `*`, `?` and `[…]`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_glob(pattern: &str) -> Result<(), String> {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => return Err("it ends with `\\`".to_owned()),
            '[' if chars.as_str().trim_start_matches('^').starts_with(']') || !chars.any(|c| c == ']') => {
                return Err("a class `[` is not closed, or has nothing in it".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads what follows `(`, and returns whether a group begins.
fn group(chars: &mut Peekable<Chars<'_>>) -> Result<bool, String> {
    if chars.peek() != Some(&'?') {
        return Ok(true);
    }
    chars.next();
    let rest: String = chars.clone().collect();
    if ["=", "!", "<=", "<!"].iter().any(|look| rest.starts_with(look)) {
        return Err("Go's patterns cannot look ahead or behind".to_owned());
    }
    if let Some(named) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<')) {
        let name = named.split('>').next().unwrap_or_default();
        let legal = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !legal || !named.contains('>') {
            return Err("a group's name is not one".to_owned());
        }
        while chars.next().is_some_and(|c| c != '>') {}
        return Ok(true);
    }
    for c in chars.by_ref() {
        match c {
            ':' => return Ok(true),
            ')' => return Ok(false),
            'i' | 'm' | 's' | 'U' | '-' => {}
            other => return Err(format!("`(?{other}` is unknown to Go")),
        }
    }
    Err("a group `(` is not closed".to_owned())
}

fn repetition(chars: &mut Peekable<Chars<'_>>, last: Last, written: &str) -> Result<Last, String> {
    if chars.peek() == Some(&'?') {
        chars.next();
    }
    match last {
        Last::Nothing => Err(format!(
            "`{written}` repeats nothing; write `.{written}` for any characters"
        )),
        Last::Repetition => Err(format!("`{written}` follows another repetition")),
        Last::One => Ok(Last::Repetition),
    }
}

/// `{2}`, `{2,}` or `{2,3}`; anything else is a brace.
fn counts(chars: &mut Peekable<Chars<'_>>) -> Option<(String, u32, Option<u32>)> {
    let rest: String = chars.clone().collect();
    let (inner, _) = rest.split_once('}')?;
    let (least, most) = match inner.split_once(',') {
        None => (inner, Some(inner)),
        Some((least, "")) => (least, None),
        Some((least, most)) => (least, Some(most)),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(least) || !most.is_none_or(is_number) {
        return None;
    }
    let number = |text: &str| text.parse().unwrap_or(u32::MAX);
    for _ in 0..=inner.len() {
        chars.next();
    }
    Some((format!("{{{inner}}}"), number(least), most.map(number)))
}

fn class(chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
    const OPEN: &str = "a class `[` is not closed";
    if chars.peek() == Some(&'^') {
        chars.next();
    }
    let mut first = true;
    loop {
        let Some(c) = chars.next() else {
            return Err(OPEN.to_owned());
        };
        if c == ']' && !first {
            return Ok(());
        }
        first = false;
        if c == '[' && chars.peek() == Some(&':') {
            let rest: String = chars.clone().collect();
            if let Some((name, _)) = rest[1..].split_once(":]") {
                if !CLASSES.contains(&name.strip_prefix('^').unwrap_or(name)) {
                    return Err(format!("`[:{name}:]` is unknown to Go"));
                }
                for _ in 0..name.chars().count() + 3 {
                    chars.next();
                }
                continue;
            }
        }
        if c == '\\' {
            escape(chars, true)?;
        }
        let mut ahead = chars.clone();
        if ahead.next() == Some('-') && ahead.peek().is_some_and(|end| *end != ']') {
            chars.next();
            let Some(end) = chars.next() else {
                return Err(OPEN.to_owned());
            };
            if end == '\\' {
                escape(chars, true)?;
            } else if c != '\\' && end < c {
                return Err(format!("`{c}-{end}` is a range from back to front"));
            }
        }
    }
}

/// Reads what follows a backslash.
fn escape(chars: &mut Peekable<Chars<'_>>, in_class: bool) -> Result<Last, String> {
    let unknown = |c: char| Err(format!("`\\{c}` is unknown to Go"));
    let Some(c) = chars.next() else {
        return Err("it ends with `\\`".to_owned());
    };
    match c {
        'A' | 'b' | 'B' | 'z' if !in_class => {}
        'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' | '0' => {}
        'Q' if !in_class => {
            // Up to `\E`, or to the end.
            let mut before = ' ';
            for c in chars.by_ref() {
                if before == '\\' && c == 'E' {
                    break;
                }
                before = c;
            }
        }
        '1'..='7' if chars.peek().is_some_and(|c| ('0'..='7').contains(c)) => {}
        '1'..='9' => return Err(format!("Go's patterns cannot refer back to a group: `\\{c}`")),
        'p' | 'P' => {
            let is_named = match chars.next() {
                Some('{') => chars.by_ref().any(|c| c == '}'),
                letter => letter.is_some(),
            };
            if !is_named {
                return Err(format!("`\\{c}` names no class, or its `{{` is not closed"));
            }
        }
        'x' => {
            let rest: String = chars.clone().collect();
            let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
            let is_unicode = |hex: &str| u32::from_str_radix(hex, 16).is_ok_and(|c| c <= char::MAX.into());
            let length = match rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some((inner, _)) if is_hex(inner) && is_unicode(inner) => inner.len() + 2,
                None if rest.get(..2).is_some_and(is_hex) => 2,
                _ => return unknown(c),
            };
            for _ in 0..length {
                chars.next();
            }
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => {}
        c => return unknown(c),
    }
    Ok(Last::One)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_compiles_is_taken() {
        for pattern in [
            "",
            "git@github.com:example/.*",
            r"^https://github\.com/(example|other)/[a-z0-9_-]+(\.git)?$",
            r"(?i)Example\x2c\x{1F600}",
            "(?P<org>a)(?<repo>b)(?:c)(?i:d)",
            "(?P<org_1>a)",
            "a{2}b{2}?c{,3}d{x}{",
            "[]a][^]a][[:alpha:][:^digit:]][a-][-a]",
            "[a][ab(][a-z][a-a]",
            "[[ab:]][[:alpha:](]",
            "[[:alpha:]]",
            r"[a-\x7a][\d-a]",
            r"\pL\p{Greek}\P{^Greek}\Qa.b(\E[\w\]-]",
            r"\QE\b(\E",
            r"\pL",
            r"\Aa\b\B\z",
            r"\0\12\x41",
            r"\x{41}*\x{10FFFF}\x{0000041}",
            r"\/\-\_\@ a|*b".split_once(" a").map_or("", |(escapes, _)| escapes),
            "a|b|",
            "()",
            "^*$",
            "a{1000}",
            "a*?b+?c??",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_go_does_not_compile_is_refused() {
        for pattern in [
            "*",
            "*.git",
            "a**",
            "a+*",
            "(a",
            "a)",
            "[a",
            "[]",
            "[z-a]",
            "[[:letters:]]",
            r"\",
            r"\1",
            r"\h",
            r"\18",
            r"\9",
            r"\x2",
            r"\xzz",
            r"\x{}",
            r"\x{zz}",
            r"\x{+41}",
            r"\x{41",
            r"\x{110000}",
            r"\x{1F600}(",
            r"\p",
            r"\p{Greek",
            r"\Qa\E(",
            // Outside of a class these are a place or a quotation.
            r"[\A]",
            r"[\b]",
            r"[\z]",
            r"[\Qa\E]",
            "[[:^^alpha:]]",
            "(?=a)",
            "(?<!a)b",
            "(?x)a",
            "(?<>a)",
            "(?<a-b>a)",
            "(?<é>a)",
            "(?<a",
            "(?P<a>*)",
            "a{1001}",
            "a{3,2}",
            "|*",
            "(+)",
        ] {
            assert!(check(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_of_names_is_one_of_path_match() {
        for pattern in ["*_TOKEN", "A?", "[AB]_KEY", r"\*", ""] {
            assert_eq!(check_glob(pattern), Ok(()), "{pattern}");
        }
        for pattern in ["[AB_KEY", "[]", r"A\"] {
            assert!(check_glob(pattern).is_err(), "{pattern}");
        }
    }
}
