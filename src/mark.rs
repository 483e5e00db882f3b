//! The mark: a tag on the execution role that says which request was the newest to change the resource, and what it gave.
//!
//! Lambda may deliver CloudFormation's events out of order or very late; a request that is older than the mark is not
//! carried out. The mark is written before rights are given, and again when former ones have been removed.

use std::collections::BTreeSet;

use crate::{
    aws::ObservedRole,
    composition::{Composition, Role},
    identity::hash,
    ownership::Tags,
};

/// The tag's key. A later form gets another version, so that no version misreads another's.
pub const KEY: &str = "agent-composer:request:v1";

/// The placeholder for a policy that was not given.
const NONE: &str = "-";

/// How many managed policies fit a tag's value, which has at most 256 characters. Those of the new and of the old properties
/// are ten at most; the rest is for what failed attempts attached.
const MOST_MANAGED: usize = 18;

/// The newest request, and the policies that it gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When CloudFormation made the request, in seconds since 1970, as its response URL says.
    pub time: u64,
    /// The first eight digits of the hash of its `RequestId`.
    pub request: String,
    /// The name of the execution role's inline policy.
    pub execution_policy: Option<String>,
    /// The name of the task role's inline policy.
    pub task_policy: Option<String>,
    /// The managed policies that the provider attached to the task role, each as the first eight digits of its ARN's hash.
    /// Until a request has removed them, those of the old properties and of the last mark are here too.
    pub managed_policies: BTreeSet<String>,
}

impl Mark {
    /// The mark of a request that was made at `time`, once `composition` and nothing else holds.
    #[must_use]
    pub fn of(time: u64, request_id: &str, composition: &Composition) -> Self {
        Self {
            time,
            request: abbreviated(request_id),
            execution_policy: composition.execution_role.policy_name(),
            task_policy: composition.task_role.made().and_then(Role::policy_name),
            managed_policies: managed_policies(composition),
        }
    }

    /// The same while what was there `before`, and what the `last` mark names, has not been removed yet.
    #[must_use]
    pub fn until_narrowed(mut self, before: Option<&Composition>, last: Option<&Self>) -> Self {
        let before = before.map(managed_policies).unwrap_or_default();
        let last_managed = last.map(|last| last.managed_policies.clone()).unwrap_or_default();
        for policy in before.into_iter().chain(last_managed) {
            if self.managed_policies.len() < MOST_MANAGED {
                self.managed_policies.insert(policy);
            }
        }
        // Without a made role there is no list of its policies to go by.
        self.task_policy = self.task_policy.or_else(|| last?.task_policy.clone());
        self
    }

    /// The mark of a role, if it has one that can be read.
    #[must_use]
    pub fn on(role: &ObservedRole) -> Option<Self> {
        Self::from_tags(&role.tags)
    }

    /// The mark among a role's tags, if it has one that can be read.
    #[must_use]
    pub fn from_tags(tags: &Tags) -> Option<Self> {
        let mut parts = tags.get(KEY)?.split('/');
        let time = parts.next()?.parse().ok()?;
        let request = parts.next()?.to_owned();
        let mut policy = || Some(parts.next()?.to_owned());
        let (execution_policy, task_policy) = (policy()?, policy()?);
        let managed = parts.next()?.split('+').filter(|name| *name != NONE);
        let given = |policy: String| Some(policy).filter(|name| name != NONE);
        Some(Self {
            time,
            request,
            execution_policy: given(execution_policy),
            task_policy: given(task_policy),
            managed_policies: managed.map(str::to_owned).collect(),
        })
    }

    /// Whether it is the mark of that very request: an earlier run of it has begun to write. CloudFormation may use an id
    /// again, with another URL, and make two requests within a second.
    #[must_use]
    pub fn is_of(&self, time: u64, request_id: &str) -> bool {
        self.time == time && self.request == abbreviated(request_id)
    }

    /// The tag: key and value.
    #[must_use]
    pub fn tag(&self) -> (String, String) {
        let Self {
            time,
            request,
            execution_policy,
            task_policy,
            managed_policies,
        } = self;
        let or_none = |policy: &Option<String>| policy.clone().unwrap_or_else(|| NONE.to_owned());
        let (execution, task) = (or_none(execution_policy), or_none(task_policy));
        let managed: Vec<&str> = managed_policies.iter().map(String::as_str).collect();
        let managed = if managed.is_empty() {
            NONE.to_owned()
        } else {
            managed.join("+")
        };
        (KEY.to_owned(), format!("{time}/{request}/{execution}/{task}/{managed}"))
    }
}

/// The managed policies that a composition attaches, as a mark names them.
pub fn managed_policies(composition: &Composition) -> BTreeSet<String> {
    let task_role = composition.task_role.made();
    let arns = task_role
        .map(|role| role.managed_policies.as_slice())
        .unwrap_or_default();
    arns.iter().map(|arn| abbreviated(arn)).collect()
}

/// How a mark names a managed policy or a request: by the first eight digits of the hash.
#[must_use]
pub fn abbreviated(name: &str) -> String {
    let mut digits = hash(&[name]);
    digits.truncate(8);
    digits
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        request::{Request, tests::event},
        settings::Settings,
    };

    fn mark() -> Mark {
        Mark {
            time: 1_795_464_900,
            request: "5a6b7c8d".to_owned(),
            execution_policy: Some("agent-composer-0123456789abcdef".to_owned()),
            task_policy: None,
            managed_policies: BTreeSet::from(["0a1b2c3d".to_owned(), "4e5f6071".to_owned()]),
        }
    }

    #[test]
    fn the_text_of_version_one_never_changes() {
        let (key, value) = mark().tag();
        assert_eq!(key, "agent-composer:request:v1");
        assert_eq!(
            value,
            "1795464900/5a6b7c8d/agent-composer-0123456789abcdef/-/0a1b2c3d+4e5f6071"
        );
    }

    #[test]
    fn a_mark_is_read_back_from_its_tag() {
        let nothing_given = Mark {
            execution_policy: None,
            managed_policies: BTreeSet::new(),
            ..mark()
        };
        for mark in [mark(), nothing_given] {
            let tags = Tags::from([mark.tag(), ("team".to_owned(), "platform".to_owned())]);
            assert_eq!(Mark::from_tags(&tags), Some(mark));
        }
    }

    #[test]
    fn a_mark_is_of_one_request_alone() {
        let mark = Mark {
            request: abbreviated("one"),
            ..mark()
        };
        assert!(mark.is_of(mark.time, "one"));
        assert!(!mark.is_of(mark.time, "another") && !mark.is_of(mark.time + 1, "one"));
    }

    #[test]
    fn what_is_not_a_mark_is_absent() {
        for value in [
            "",
            "soon/5a6b7c8d/-/-/-",
            "1795464900",
            "1795464900/5a6b7c8d/-/-",
            "-1/5a6b7c8d/-/-/-",
        ] {
            let tags = Tags::from([(KEY.to_owned(), value.to_owned())]);
            assert_eq!(Mark::from_tags(&tags), None, "{value}");
        }
    }

    #[test]
    fn managed_policies_are_those_of_the_task_role_each_by_eight_characters() {
        let boundary = ("PERMISSIONS_BOUNDARY_ARN", "arn:aws:iam::123456789012:policy/Most");
        let settings = Settings::read(|name| (name == boundary.0).then(|| boundary.1.to_owned())).unwrap();
        let owner = Request::parse(&event()).unwrap().owner;
        let named = |arns: &[&str]| {
            let written = json!({"Image": "ruby", "TaskRoleManagedPolicyArns": arns});
            let (_, composition) = Composition::of(written.as_object().unwrap(), &owner, &settings).unwrap();
            managed_policies(&composition)
        };
        let [deploy, read] = [
            "arn:aws:iam::123456789012:policy/Deploy",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
        ];
        assert_eq!(named(&[]), BTreeSet::new());
        assert_eq!(named(&[deploy, read]), BTreeSet::from([deploy, read].map(abbreviated)));
        assert_eq!(abbreviated(deploy).len(), 8);
        assert_ne!(abbreviated(deploy), abbreviated(read));
    }

    #[test]
    fn the_longest_mark_fits_a_tag() {
        let policy = Some(format!("agent-composer-{}", "f".repeat(16)));
        let mark = Mark {
            time: u64::MAX,
            request: abbreviated("one"),
            execution_policy: policy.clone(),
            task_policy: policy,
            managed_policies: (0..MOST_MANAGED).map(|n| abbreviated(&format!("{n}"))).collect(),
        };
        let (key, value) = mark.tag();
        assert!(key.len() <= 128 && value.len() <= 256, "{key} {value}");
    }
}
