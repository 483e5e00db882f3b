//! The presigned URL that takes the answer: a credential, and the time of the request.

use std::{collections::BTreeMap, fmt};

use time::{PrimitiveDateTime, macros::format_description};

/// How long CloudFormation's URLs are valid, in seconds: `X-Amz-Expires=7200` (docs/internals/cloudformation.md,
/// "Requests").
pub const VALID: u64 = 7200;

/// The presigned URL that takes the answer. Its query is a credential, which neither [`fmt::Debug`] nor [`fmt::Display`]
/// shows.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseUrl(String);

impl ResponseUrl {
    /// The URL of that text; `None` where it is not one for HTTP.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        (url.starts_with("https://") || url.starts_with("http://")).then(|| Self(url.to_owned()))
    }

    /// The whole URL, for the PUT alone.
    #[must_use]
    pub fn with_credential(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once('?') {
            Some((place, _)) => write!(f, "{place}?***"),
            None => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for ResponseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseUrl({self})")
    }
}

/// When a URL was made and expires, in seconds since 1970. CloudFormation makes it with the request, so this is also the
/// request's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// When the URL was made; for the older form, which does not say, [`VALID`] before its end.
    pub made: u64,
    /// When it expires: at most [`VALID`] later, whatever it says.
    pub expires: u64,
}

impl Signed {
    /// Reads `X-Amz-Date` and `X-Amz-Expires`, or the older form's `Expires`; `None` where the URL has neither.
    #[must_use]
    pub fn of(url: &ResponseUrl) -> Option<Self> {
        let (_, query) = url.with_credential().split_once('?')?;
        let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        if let Some(date) = query.get("X-Amz-Date") {
            let form = format_description!("[year][month][day]T[hour][minute][second]Z");
            let made = PrimitiveDateTime::parse(date, form).ok()?.assume_utc().unix_timestamp();
            let made = u64::try_from(made).ok()?;
            let valid: Option<u64> = query.get("X-Amz-Expires").and_then(|seconds| seconds.parse().ok());
            return Some(Self {
                made,
                expires: made.saturating_add(valid.unwrap_or(VALID).min(VALID)),
            });
        }
        let expires: u64 = query.get("Expires")?.parse().ok()?;
        Some(Self {
            made: expires.saturating_sub(VALID),
            expires,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(query: &str) -> Option<Signed> {
        Signed::of(&ResponseUrl::parse(&format!("https://s3.example/answer?{query}")).unwrap())
    }

    #[test]
    fn both_forms_say_when_the_url_was_made_and_expires() {
        let expected = Some(Signed {
            made: 1_795_464_900,
            expires: 1_795_472_100,
        });
        for query in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261123T201500Z&X-Amz-Expires=7200&X-Amz-Signature=s",
            "X-Amz-Date=20261123T201500Z&X-Amz-Expires=604800&X-Amz-Signature=s",
            "X-Amz-Date=20261123T201500Z&X-Amz-Expires=18446744073709551615",
            "X-Amz-Date=20261123T201500Z",
            "AWSAccessKeyId=a&Expires=1795472100&Signature=s",
        ] {
            assert_eq!(signed(query), expected, "{query}");
        }
    }

    #[test]
    fn a_url_without_a_time_says_none() {
        for query in ["", "X-Amz-Date=yesterday", "Expires=soon", "Expires=-1", "Signature=s"] {
            assert_eq!(signed(query), None, "{query}");
        }
    }

    #[test]
    fn the_largest_times_are_read_without_a_panic() {
        let end = signed("Expires=18446744073709551615").unwrap();
        assert_eq!(end.expires, u64::MAX);
    }
}
