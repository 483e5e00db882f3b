//! `SecretsKmsKeyArns`: the customer's keys under which secrets are encrypted.

use super::{SecretSource, arn::Arn, wire::Fields};
use crate::{Faults, identity::StackId, quoted};

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKey {
    /// Its ARN.
    pub arn: String,
    /// The Region that it is in: it decrypts what is read there.
    pub region: String,
}

impl KmsKey {
    /// Reads the ARN of a key, not of an alias.
    pub(super) fn parse(arn: &str, stack: &StackId) -> Option<Self> {
        let parsed = Arn::parse(arn).filter(|parsed| parsed.is_regional("kms", &stack.partition))?;
        let id = parsed.resource.strip_prefix("key/")?;
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_id.then(|| Self {
            region: parsed.region.to_owned(),
            arn: arn.to_owned(),
        })
    }
}

/// A key decrypts in its own Region alone, so that one of a Region in which no secret is would be for nothing.
pub(super) fn check_regions(keys: &[KmsKey], sources: &[SecretSource], faults: &mut Faults) {
    for (index, key) in keys.iter().enumerate() {
        if !sources.iter().any(|source| source.region() == key.region) {
            faults.add(
                format!("SecretsKmsKeyArns[{index}]"),
                format!(
                    "is a key in {}, but the task has no secret in that Region: {:?}; leave it out",
                    key.region, key.arn
                ),
            );
        }
    }
}

/// Reads the ARN of a key that something in the stack's own Region uses.
pub(super) fn of_stacks_region(name: &str, arn: &str, stack: &StackId, faults: &mut Faults) -> Option<String> {
    let key = KmsKey::parse(arn, stack).filter(|key| key.region == stack.region);
    if key.is_none() {
        faults.add(
            name,
            format!(
                "is not the ARN of a KMS key of the stack's Region: {}; write arn:{}:kms:{}:ACCOUNT:key/ID",
                quoted(arn),
                stack.partition,
                stack.region
            ),
        );
    }
    key.map(|key| key.arn)
}

/// Reads the keys.
pub(super) fn read(fields: &Fields<'_>, stack: &StackId, faults: &mut Faults) -> Vec<KmsKey> {
    let texts = fields.texts("SecretsKmsKeyArns", faults);
    texts
        .into_iter()
        .filter_map(|(path, arn)| {
            let Some(key) = KmsKey::parse(&arn, stack) else {
                // An alias' ARN in a policy gives no right on its key (docs/internals/aws.md, "KMS").
                let hint = if arn.contains("alias/") {
                    "an alias gives no rights in a policy; "
                } else {
                    ""
                };
                faults.add(
                    path,
                    format!(
                        "is not the ARN of a KMS key: {arn}; {hint}write arn:{}:kms:REGION:ACCOUNT:key/ID",
                        stack.partition,
                        arn = quoted(&arn)
                    ),
                );
                return None;
            };
            Some(key)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::identity;

    #[test]
    fn a_key_is_named_by_its_id() {
        let stack = identity("Ruby2", "ruby2").owner.stack_id;
        let parse = |resource: &str| KmsKey::parse(&format!("arn:aws:kms:us-east-1:123456789012:{resource}"), &stack);
        for id in [
            "11112222-3333-4444-5555-666677778888",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
        ] {
            assert!(parse(&format!("key/{id}")).is_some(), "{id}");
        }
        for other in ["key/", "key", "key/*", "key/a/b", "key/a b", "alias/secrets"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
