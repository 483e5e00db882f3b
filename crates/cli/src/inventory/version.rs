//! Versions of the provider, compared as Semantic Versioning orders them.

use std::cmp::Ordering;

/// Whether `version` is before `wanted`; what is not a version is before every one.
#[must_use]
pub(super) fn is_older(version: &str, wanted: &str) -> bool {
    match (parts(version), parts(wanted)) {
        (Some(version), Some(wanted)) => version.compared(&wanted) == Ordering::Less,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// Reads a version that is wanted.
///
/// # Errors
/// What to write instead.
pub fn checked(version: &str) -> Result<String, String> {
    parts(version)
        .map(|_| version.to_owned())
        .ok_or_else(|| "write MAJOR.MINOR.PATCH".to_owned())
}

struct Parts<'a> {
    numbers: [u64; 3],
    before: Option<&'a str>,
}

impl Parts<'_> {
    fn compared(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| match (self.before, other.before) {
                (None, None) => Ordering::Equal,
                // A release is after everything that leads to it.
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(one), Some(other)) => identifiers(one, other),
            })
    }
}

fn identifiers(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        let ordering = match (one.next(), other.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(other)) => match (one.parse::<u64>(), other.parse::<u64>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => one.cmp(other),
            },
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

fn parts(version: &str) -> Option<Parts<'_>> {
    let version = version.split('+').next().unwrap_or(version);
    let (numbers, before) = match version.split_once('-') {
        Some((numbers, before)) => (numbers, Some(before)),
        None => (version, None),
    };
    let numbers: Vec<u64> = (numbers.split('.'))
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    Some(Parts {
        numbers: numbers.try_into().ok()?,
        before,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semantic_versioning_orders_them() {
        let ascending = [
            "0.1.0-alpha",
            "0.1.0-alpha.1",
            "0.1.0-alpha.beta",
            "0.1.0-beta.2",
            "0.1.0-beta.11",
            "0.1.0",
            "0.1.9",
            "0.1.10",
            "0.2.0",
            "1.0.0",
            "10.0.0",
        ];
        for (index, version) in ascending.iter().enumerate() {
            for (other, wanted) in ascending.iter().enumerate() {
                assert_eq!(is_older(version, wanted), index < other, "{version} {wanted}");
            }
        }
        assert!(!is_older("1.0.0+build", "1.0.0"));
    }

    #[test]
    fn what_is_not_a_version_is_before_every_one() {
        for text in ["", "1", "1.0", "v1.0.0", "1.0.0.0", "latest"] {
            assert!(is_older(text, "0.0.0"), "{text}");
            assert!(checked(text).is_err(), "{text}");
        }
        assert_eq!(checked("0.1.0-rc.1").as_deref(), Ok("0.1.0-rc.1"));
    }
}
