//! A fault in what somebody wrote: the path of the property or setting, and what would be right.

use std::fmt;

/// How many characters of a text a message repeats: an ARN fits.
const MOST: usize = 200;

/// A text of the author's as a message shows it: in quotes, and of a long one the beginning.
#[must_use]
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?} … ({} characters)", &text[..end], text.chars().count()),
    }
}

/// One fault: where it is, in the author's own words, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The property's path as the author wrote it, such as `Secrets[1].ValueFrom`.
    pub path: String,
    /// What is wrong and what would be right, as a half-sentence without a full stop.
    pub problem: String,
}

impl Fault {
    /// Whether what was written at the path may be a secret itself.
    #[must_use]
    pub fn may_be_a_secret(&self) -> bool {
        self.problem.contains(NOT_SHOWN)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.path, self.problem)
    }
}

/// Why a text stays out of a message: what somebody wrote in the place of a secret's name may be the secret itself.
pub(crate) const NOT_SHOWN: &str = "not shown in case it is the value itself";

/// How many faults are kept. Nobody reads more at once, and an event may have a hundred thousand.
const MOST_KEPT: usize = 200;

/// All faults that were found, in the order in which the author would look for them; beyond the first two hundred only
/// how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    not_kept: usize,
}

impl Faults {
    /// Notes a fault at `path`.
    pub fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        if self.kept.len() == MOST_KEPT {
            self.not_kept += 1;
            return;
        }
        self.kept.push(Fault {
            path: path.into(),
            problem: problem.into(),
        });
    }

    /// Notes an unknown name at `path`, and beside it the `known` ones, unless they were listed already.
    pub(crate) fn add_unknown(&mut self, path: impl Into<String>, problem: String, known: Option<String>) {
        let listed = known.map(|known| format!("; known: {known}"));
        let listed = listed.filter(|listed| !self.kept.iter().any(|fault| fault.problem.ends_with(listed.as_str())));
        self.add(path, problem + listed.as_deref().unwrap_or_default());
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The faults, first one first.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.kept.iter()
    }

    /// `value` where nothing was found, else the faults.
    ///
    /// # Errors
    /// The faults themselves, if there is one.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            Some(_) | None => Err(self),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.kept.as_slice() {
            return write!(f, "{only}");
        }
        write!(f, "{} faults", self.kept.len() + self.not_kept)?;
        for (index, fault) in self.kept.iter().enumerate() {
            write!(f, "{}({}) {fault}", if index == 0 { ": " } else { "; " }, index + 1)?;
        }
        match self.not_kept {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fault_has_no_number_and_several_are_numbered() {
        let mut faults = Faults::default();
        faults.add("Image", "is required");
        assert_eq!(faults.to_string(), "`Image` is required");
        faults.add("TaskCpu", "is not a whole number: \"x\"");
        assert_eq!(
            faults.to_string(),
            "2 faults: (1) `Image` is required; (2) `TaskCpu` is not a whole number: \"x\""
        );
    }

    #[test]
    fn a_fault_whose_text_is_not_shown_may_be_a_secret() {
        for (problem, may_be) in [
            (format!("is not a name: a text of 7 characters, {NOT_SHOWN}"), true),
            ("is not a name: \"x\"".to_owned(), false),
        ] {
            let fault = Fault {
                path: "Secrets[0].ValueFrom".to_owned(),
                problem,
            };
            assert_eq!(fault.may_be_a_secret(), may_be, "{fault}");
        }
    }

    #[test]
    fn beyond_two_hundred_faults_are_counted_and_not_kept() {
        let mut faults = Faults::default();
        for number in 0..100_000 {
            faults.add(format!("Tags[{number}]"), "is not a tag");
        }
        assert_eq!(faults.iter().count(), 200);
        let text = faults.to_string();
        assert!(
            text.starts_with("100000 faults: (1) `Tags[0]` is not a tag; "),
            "{text}"
        );
        assert!(
            text.ends_with("(200) `Tags[199]` is not a tag; and 99800 more"),
            "{text}"
        );
    }
}
