//! The order of the requests of one resource, and the record of the newest that its execution role keeps.
//!
//! Lambda may deliver an event again, hours later, and CloudFormation sends a reverse Update while the Update that it
//! takes back still runs. The time in the presigned response URL tells which came first, and the records tell every
//! run what the newest request wants (design.md section 2).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use time::{PrimitiveDateTime, macros::format_description};

use crate::{
    composition::{Composition, Role},
    identity::hash,
    ownership::Tags,
    request::ResponseUrl,
};

/// How the key of every record begins. The rest is the order, so that no run writes over another's record, and what
/// is newest only ever grows.
pub const RECORD: &str = "agent-composer:request:";

/// How long CloudFormation's URLs are valid (cloudformation.md section 4).
pub const VALID: Duration = Duration::from_secs(7200);

/// Lambda delivers an event again no sooner than a minute after an error (cloudformation.md section 4).
const LATE: Duration = Duration::from_secs(45);

/// When a presigned URL was made and ends, in seconds since 1970. All are valid for equally long, so this also tells which request
/// CloudFormation made first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// When it was made; what the older form does not say is reckoned from its end.
    pub made: u64,
    /// No answer is taken after that.
    pub ends: u64,
}

impl Signed {
    /// Reads `X-Amz-Date` and `X-Amz-Expires`, or the older form's `Expires`; `None` where the URL has neither.
    #[must_use]
    pub fn of(url: &ResponseUrl) -> Option<Self> {
        let (_, query) = url.with_credential().split_once('?')?;
        let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        if let Some(date) = query.get("X-Amz-Date") {
            let form = format_description!("[year][month][day]T[hour][minute][second]Z");
            let date = PrimitiveDateTime::parse(date, form).ok()?.assume_utc().unix_timestamp();
            let date = u64::try_from(date).ok()?;
            // Seven days is the longest that S3 signs for, and so what is assumed where the URL does not say.
            let valid = query
                .get("X-Amz-Expires")
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(604_800);
            return Some(Self {
                made: date,
                ends: date.saturating_add(valid),
            });
        }
        let ends: u64 = query.get("Expires")?.parse().ok()?;
        Some(Self {
            made: ends.saturating_sub(VALID.as_secs()),
            ends,
        })
    }

    /// Whether the request was made so long before `now` that what its stack shows can't be behind it any more.
    #[must_use]
    pub fn is_late(self, now: SystemTime) -> bool {
        now >= UNIX_EPOCH + Duration::from_secs(self.made) + LATE
    }

    /// Whether the URL takes no answer any more.
    #[must_use]
    pub fn has_ended(self, now: SystemTime) -> bool {
        now > UNIX_EPOCH + Duration::from_secs(self.ends)
    }
}

/// One request that was begun, and what it wants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// When CloudFormation made it, as the end of its URL tells.
    pub order: u64,
    /// Within one second: even while the stack went forward, odd under the rollback of that, even again after it. So a
    /// reverse comes after what it takes back, also where neither saw the other.
    phase: u32,
    /// Which of those that are alike so far began later.
    sequence: u32,
    /// Which request it is: a duplicate finds its own record.
    request: String,
    /// What it wants.
    pub wanted: Wanted,
}

/// What a request wants, by name: enough to tell whether it holds, and to make it hold from what is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The content of the newest revision.
    pub content: String,
    /// The execution role's inline policy.
    pub execution_policy: Option<String>,
    /// The task role's.
    pub task_policy: Option<String>,
    /// The managed policies of the task role, each by the beginning of its ARN's hash: a tag's value has 256 characters.
    pub managed_policies: BTreeSet<String>,
}

impl Wanted {
    /// What that composition wants.
    #[must_use]
    pub fn of(composition: &Composition) -> Self {
        let task_role = composition.task_role.made();
        Self {
            content: composition.task_definition.content(),
            execution_policy: composition.execution_role.policy_name(),
            task_policy: task_role.and_then(Role::policy_name),
            managed_policies: task_role
                .map(|role| role.managed_policies.iter().map(|arn| managed_policy(arn)).collect())
                .unwrap_or_default(),
        }
    }
}

/// How a record names a managed policy.
#[must_use]
pub fn managed_policy(arn: &str) -> String {
    let mut name = hash(&[arn]);
    name.truncate(8);
    name
}

impl Record {
    /// The record of a request that begins now, where those of `seen` were before.
    #[must_use]
    pub fn begin(order: u64, in_rollback: bool, request_id: &str, wanted: Wanted, seen: &Tags) -> Self {
        let mut request = hash(&[request_id, &wanted.content]);
        request.truncate(8);
        if let Some(own) = Self::all(seen).find(|record| record.request == request) {
            return Self { wanted, ..own };
        }
        let same_second = || Self::all(seen).filter(|record| record.order == order);
        let last = same_second().map(|record| record.phase).max().unwrap_or_default();
        let phase = last + u32::from((last % 2 == 1) != in_rollback);
        let alike = same_second().filter(|record| record.phase == phase);
        let sequence = alike.map(|record| record.sequence + 1).max().unwrap_or_default();
        Self {
            order,
            phase,
            sequence,
            request,
            wanted,
        }
    }

    /// The same request's record as it was written, if it was.
    #[must_use]
    pub fn written(&self, seen: &Tags) -> Option<Self> {
        Self::all(seen).find(|record| record.request == self.request)
    }

    /// Whether a request that was made after this one, or began after it in the same second, is on record.
    #[must_use]
    pub fn is_overtaken(&self, seen: &Tags) -> bool {
        Self::newest(seen).is_some_and(|newest| newest > *self && newest.key() != self.key())
    }

    /// Whether a request that CloudFormation made after `order` is among a role's records.
    #[must_use]
    pub fn is_any_after(order: u64, tags: &Tags) -> bool {
        Self::newest(tags).is_some_and(|newest| newest.order > order)
    }

    /// The newest record among a role's tags.
    #[must_use]
    pub fn newest(tags: &Tags) -> Option<Self> {
        Self::all(tags).max()
    }

    /// The record's tag.
    #[must_use]
    pub fn tag(&self) -> (String, String) {
        let Wanted {
            content,
            execution_policy,
            task_policy,
            managed_policies,
        } = &self.wanted;
        let or_none = |policy: &Option<String>| policy.clone().unwrap_or_default();
        let (execution, task) = (or_none(execution_policy), or_none(task_policy));
        let managed: Vec<&str> = managed_policies.iter().map(String::as_str).collect();
        // Of a tag's legal characters (aws.md 1.3).
        let managed = managed.join("+");
        (self.key(), format!("{content}/{execution}/{task}/{managed}"))
    }

    /// The record's key.
    #[must_use]
    pub fn key(&self) -> String {
        let Self {
            order,
            phase,
            sequence,
            request,
            wanted: _,
        } = self;
        format!("{RECORD}{order:010}:{phase}:{sequence}:{request}")
    }

    /// The managed policies that any request on record has wanted on the task role: those that are ours to detach.
    #[must_use]
    pub fn managed_policies(tags: &Tags) -> BTreeSet<String> {
        Self::all(tags)
            .flat_map(|record| record.wanted.managed_policies)
            .collect()
    }

    /// Every record among a role's tags.
    pub fn all(tags: &Tags) -> impl Iterator<Item = Self> {
        tags.iter().filter_map(|(key, value)| {
            let mut key = key.strip_prefix(RECORD)?.split(':');
            let mut value = value.split('/').map(str::to_owned);
            Some(Self {
                order: key.next()?.parse().ok()?,
                phase: key.next()?.parse().ok()?,
                sequence: key.next()?.parse().ok()?,
                request: key.next()?.to_owned(),
                wanted: Wanted {
                    content: value.next()?,
                    execution_policy: value.next().filter(|policy| !policy.is_empty()),
                    task_policy: value.next().filter(|policy| !policy.is_empty()),
                    managed_policies: (value.next().unwrap_or_default().split('+'))
                        .filter(|policy| !policy.is_empty())
                        .map(str::to_owned)
                        .collect(),
                },
            })
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
    fn the_url_tells_when_it_was_made_and_when_it_ends() {
        let found =
            signed("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261123T201500Z&X-Amz-Expires=7200&X-Amz-Signature=s");
        assert_eq!(
            found,
            Some(Signed {
                made: 1_795_464_900,
                ends: 1_795_472_100
            })
        );
        assert_eq!(
            signed("AWSAccessKeyId=a&Expires=1795472100&Signature=s"),
            Some(Signed {
                made: 1_795_464_900,
                ends: 1_795_472_100
            })
        );
        for query in ["", "X-Amz-Date=yesterday", "Expires=soon", "Signature=s"] {
            assert_eq!(signed(query), None, "{query}");
        }
    }

    #[test]
    fn a_url_takes_no_answer_after_its_end() {
        let url = Signed { made: 1000, ends: 2000 };
        assert!(!url.has_ended(UNIX_EPOCH + Duration::from_secs(2000)));
        assert!(url.has_ended(UNIX_EPOCH + Duration::from_secs(2001)));
    }

    #[test]
    fn a_request_is_late_when_lambda_may_have_delivered_it_again() {
        let url = Signed { made: 1000, ends: 2000 };
        assert!(!url.is_late(UNIX_EPOCH + Duration::from_secs(1044)));
        assert!(url.is_late(UNIX_EPOCH + Duration::from_secs(1045)));
    }

    fn wanted(content: &str) -> Wanted {
        Wanted {
            content: content.to_owned(),
            execution_policy: Some("agent-composer-0123".to_owned()),
            task_policy: None,
            managed_policies: BTreeSet::from([managed_policy("one"), managed_policy("other")]),
        }
    }

    fn begin(order: u64, in_rollback: bool, request: &str, seen: &Tags) -> Record {
        Record::begin(order, in_rollback, request, wanted(request), seen)
    }

    #[test]
    fn a_record_is_read_back_from_its_tag() {
        let record = begin(1_795_464_900, true, "request", &Tags::new());
        let tags = Tags::from([record.tag(), ("team".to_owned(), "platform".to_owned())]);
        assert_eq!(Record::newest(&tags), Some(record));
    }

    #[test]
    fn the_newest_is_the_one_that_was_made_last_and_among_equals_the_one_that_began_last() {
        let mut tags = Tags::new();
        for (order, in_rollback, request) in [
            (7, false, "one"),
            (7, false, "two"),
            (7, true, "back"),
            (7, false, "again"),
            (8, false, "next"),
            (6, false, "old"),
        ] {
            let record = begin(order, in_rollback, request, &tags);
            let newest = Record::newest(&tags);
            tags.extend([record.tag()]);
            let expected = match request {
                "old" => newest,
                _ => Some(record),
            };
            assert_eq!(Record::newest(&tags), expected, "{request}");
        }
    }

    #[test]
    fn a_reverse_comes_after_what_it_takes_back_where_neither_saw_the_other() {
        let forward = begin(7, false, "forward", &Tags::new());
        let reverse = begin(7, true, "reverse", &Tags::new());
        assert!(reverse > forward);
    }

    #[test]
    fn a_duplicate_finds_its_own_record() {
        let mut tags = Tags::new();
        let first = begin(7, false, "one", &tags);
        tags.extend([first.tag()]);
        tags.extend([begin(7, false, "two", &tags).tag()]);
        assert_eq!(begin(7, true, "one", &tags), first);
    }

    #[test]
    fn a_record_fits_a_tag() {
        let whole = hash(&["content"]);
        let policy = Some("agent-composer-0123456789abcdef".to_owned());
        let wanted = Wanted {
            content: whole,
            execution_policy: policy.clone(),
            task_policy: policy,
            managed_policies: (0..10).map(|n| managed_policy(&format!("{n}"))).collect(),
        };
        let (key, value) = Record::begin(u64::MAX, true, "request", wanted, &Tags::new()).tag();
        assert!(key.len() <= 128 && value.len() <= 256, "{key} {value}");
    }
}
