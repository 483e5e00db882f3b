//! `Secrets`: where each value comes from, an SSM parameter or a Secrets Manager secret.

use super::{arn::Arn, parameter::Parameter, wire::Item};
use crate::{Faults, fault::NOT_SHOWN, identity::StackId, quoted};

/// One secret of the author's: the variable and where its value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The variable's name.
    pub name: String,
    /// Where its value is.
    pub source: SecretSource,
}

/// Where a secret's value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An SSM parameter.
    Parameter(Parameter),
    /// A Secrets Manager secret.
    SecretsManager(SecretsManagerSecret),
}

/// A Secrets Manager secret, with or without `:json-key:version-stage:version-id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsManagerSecret {
    /// The text as written: what ECS's `valueFrom` takes.
    pub value_from: String,
    /// What IAM compares: the first seven fields of the ARN (docs/internals/aws.md, "Secrets Manager"), with `-??????`
    /// where the six characters that Secrets Manager adds to a name are not written. A name like `api-secret` can be
    /// read both ways, so it has two.
    pub resources: Vec<String>,
    /// The Region that it is in.
    pub region: String,
    /// Its account.
    pub account: String,
    /// Its partition.
    pub partition: String,
}

impl SecretSource {
    /// What ECS's `valueFrom` takes.
    #[must_use]
    pub fn value_from(&self) -> &str {
        match self {
            Self::Parameter(parameter) => &parameter.value_from,
            Self::SecretsManager(secret) => &secret.value_from,
        }
    }

    /// The Region that it is in.
    pub(super) fn region(&self) -> &str {
        match self {
            Self::Parameter(parameter) => &parameter.region,
            Self::SecretsManager(secret) => &secret.region,
        }
    }

    pub(super) fn parse(written: &str, stack: &StackId) -> Result<Self, String> {
        match Arn::parse(written) {
            Some(arn) if arn.service == "secretsmanager" => {
                SecretsManagerSecret::parse(written, arn, stack).map(Self::SecretsManager)
            }
            Some(arn) if arn.service != "ssm" => Err(format!(
                "is an ARN of {}: {}; write the name or ARN of an SSM parameter, or the ARN of a Secrets Manager secret",
                quoted(arn.service),
                quoted(written)
            )),
            _ => Parameter::parse(written, stack).map(Self::Parameter),
        }
    }
}

impl SecretsManagerSecret {
    /// One of the stack's own Region and account, by its name.
    pub(super) fn named(name: &str, stack: &StackId) -> Result<Self, String> {
        let StackId {
            partition,
            region,
            account,
            ..
        } = stack;
        let arn = format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}");
        let parsed = Arn::parse(&arn).and_then(|parsed| Self::parse(&arn, parsed, stack).ok());
        let secret = parsed.filter(Self::is_whole).ok_or_else(|| {
            format!(
                "is not a valid name for a Secrets Manager secret: a text of {} characters, {NOT_SHOWN}; legal: letters, digits and `/_+=.@-`",
                name.chars().count()
            )
        })?;
        Ok(Self {
            value_from: name.to_owned(),
            ..secret
        })
    }

    /// Whether no key or version of it is named.
    pub(super) fn is_whole(&self) -> bool {
        self.value_from.split(':').count() <= 7
    }

    fn parse(written: &str, arn: Arn<'_>, stack: &StackId) -> Result<Self, String> {
        let partition = &stack.partition;
        let form = || {
            format!(
                "is not the ARN of a Secrets Manager secret: {}; write arn:{partition}:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX, then nothing or :JSON-KEY:VERSION-STAGE:VERSION-ID with all three colons",
                quoted(written)
            )
        };
        let fields: Vec<&str> = arn.resource.split(':').collect();
        let (name, suffix) = match fields[..] {
            ["secret", name] => (name, None),
            ["secret", name, key, stage, id] => (name, Some((key, stage, id))),
            _ => return Err(form()),
        };
        // Secrets Manager's characters of a name: letters, digits and /_+=.@-
        let legal = !name.is_empty()
            && name.len() <= 519
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c));
        if !arn.is_regional("secretsmanager", partition) || !legal {
            return Err(form());
        }
        if let Some((_, stage, id)) = suffix
            && !stage.is_empty()
            && !id.is_empty()
        {
            return Err(format!(
                "names a version stage and a version id: {}; ECS takes one of them",
                quoted(written)
            ));
        }
        let added = name
            .rsplit_once('-')
            .map(|(_, added)| added)
            .filter(|added| added.len() == 6 && added.bytes().all(|b| b.is_ascii_alphanumeric()));
        let endings: &[&str] = match added {
            None => &["-??????"],
            // One random ending in two hundred has lower-case letters only; a word always has.
            Some(added) if added.bytes().all(|b| b.is_ascii_lowercase()) => &["", "-??????"],
            Some(_) => &[""],
        };
        let Arn { region, account, .. } = arn;
        Ok(Self {
            value_from: written.to_owned(),
            resources: endings
                .iter()
                .map(|ending| format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}{ending}"))
                .collect(),
            region: region.to_owned(),
            account: account.to_owned(),
            partition: partition.clone(),
        })
    }
}

/// Reads every source; a name that is missing is a fault already.
pub(super) fn read(items: &[Item], stack: &StackId, faults: &mut Faults) -> Vec<Secret> {
    items
        .iter()
        .filter_map(|item| {
            let source = SecretSource::parse(item.value.as_deref()?, stack)
                .map_err(|problem| faults.add(format!("{}.ValueFrom", item.path), problem))
                .ok()?;
            Some(Secret {
                name: item.name.clone()?,
                source,
            })
        })
        .collect()
}
