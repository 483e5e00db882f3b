//! What a task definition names that has to exist for its tasks to start.

use std::collections::{BTreeMap, BTreeSet};

use agent_composer_model::properties::Image;
use serde_json::Value;

/// Everything that a task definition names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its own ARN.
    pub arn: String,
    /// The execution role's ARN.
    pub execution_role: Option<String>,
    /// The task role's ARN.
    pub task_role: Option<String>,
    /// Parameters and secrets.
    pub supplies: Vec<Supply>,
    /// Images in private registries of ECR's, each once, by reference.
    pub images: BTreeMap<String, EcrImage>,
    /// Log groups of the Region that containers write to.
    pub log_groups: BTreeSet<String>,
}

/// A parameter or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    /// What it is for: a variable, or a registry.
    pub purpose: String,
    /// Where its value is.
    pub source: Source,
}

/// Where a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An SSM parameter.
    Parameter(Place),
    /// A secret of Secrets Manager, with the version that is asked for.
    Secret {
        /// The secret, by its ARN without a version, or by its name.
        place: Place,
        /// The version's stage or id, if one is named.
        version: Option<String>,
    },
    /// A secret of Secrets Manager by way of a parameter.
    Reference {
        /// The parameter.
        parameter: Place,
        /// The secret.
        secret: Place,
    },
    /// What is not an ARN of either.
    Other,
}

/// Something with an ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The ARN.
    pub arn: String,
    /// The partition.
    pub partition: String,
    /// The Region.
    pub region: String,
    /// The account.
    pub account: String,
    /// What is after the type in the ARN: the name, of a secret with its six random characters.
    pub name: String,
    /// What it is looked up with.
    pub id: String,
}

/// An image in a private registry of ECR's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcrImage {
    /// The container that it is for.
    pub container: String,
    /// The repository.
    pub repository: Place,
    /// The tag, unless there is a digest.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<String>,
}

/// The partition, Region and account of an ARN, and the rest of it.
fn parts(arn: &str) -> Option<(&str, &str, &str, &str, &str)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, service, region, account, resource] => Some((partition, service, region, account, resource)),
        _ => None,
    }
}

impl Place {
    fn of(arn: &str) -> Option<Self> {
        let (partition, _, region, account, resource) = parts(arn)?;
        let name = resource.split_once([':', '/']).map_or(resource, |(_, name)| name);
        Some(Self {
            arn: arn.to_owned(),
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
            id: arn.to_owned(),
        })
    }

    /// Another one in the same Region and account.
    fn beside(&self, service: &str, resource: &str) -> Option<Self> {
        let Self {
            partition,
            region,
            account,
            ..
        } = self;
        Self::of(&format!("arn:{partition}:{service}:{region}:{account}:{resource}"))
    }
}

impl Named {
    /// Reads a task definition as ECS describes it.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        let text = |key: &str| document[key].as_str().map(ToOwned::to_owned);
        let arn = text("taskDefinitionArn").unwrap_or_default();
        let own = Place::of(&arn);
        let mut named = Self {
            execution_role: text("executionRoleArn"),
            task_role: text("taskRoleArn"),
            arn,
            ..Self::default()
        };
        for container in elements(&document["containerDefinitions"]) {
            named.add(container, own.as_ref());
        }
        named
    }

    fn add(&mut self, container: &Value, own: Option<&Place>) {
        let name = container["name"].as_str().unwrap_or_default();
        let logs = &container["logConfiguration"];
        for secret in elements(&container["secrets"])
            .iter()
            .chain(elements(&logs["secretOptions"]))
        {
            let variable = secret["name"].as_str().unwrap_or_default();
            self.add_supply(format!("{variable} of `{name}`"), secret["valueFrom"].as_str(), own);
        }
        if let Some(credentials) = container["repositoryCredentials"]["credentialsParameter"].as_str() {
            let purpose = format!("the registry of `{name}`");
            // A name is that of a secret here, of a parameter elsewhere.
            let whole = own.and_then(|own| own.beside("secretsmanager", &format!("secret:{credentials}")));
            match whole.filter(|_| !credentials.starts_with("arn:")) {
                Some(whole) => self.add_supply(purpose, Some(&whole.arn), Some(&whole)),
                None => self.add_supply(purpose, Some(credentials), own),
            }
        }
        if let Some(image) = container["image"].as_str().and_then(|image| ecr_image(name, image)) {
            let reference = container["image"].as_str().unwrap_or_default();
            self.images.entry(reference.to_owned()).or_insert(image);
        }
        let options = &logs["options"];
        let is_here = own.is_none_or(|own| {
            options["awslogs-region"]
                .as_str()
                .is_none_or(|region| region == own.region)
        });
        let is_made = options["awslogs-create-group"].as_str() == Some("true");
        if let (Some("awslogs"), Some(group), true, false) = (
            logs["logDriver"].as_str(),
            options["awslogs-group"].as_str(),
            is_here,
            is_made,
        ) {
            self.log_groups.insert(group.to_owned());
        }
    }

    fn add_supply(&mut self, purpose: String, value_from: Option<&str>, own: Option<&Place>) {
        let source = value_from.and_then(|value_from| source(value_from, own));
        let source = source.unwrap_or(Source::Other);
        // Several containers may have one variable.
        if !self.supplies.iter().any(|supply| supply.purpose == purpose) {
            self.supplies.push(Supply { purpose, source });
        }
    }
}

fn elements(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// Reads a `valueFrom`: an ARN, or the name of a parameter.
fn source(value_from: &str, own: Option<&Place>) -> Option<Source> {
    let Some((_, service, .., resource)) = parts(value_from) else {
        let name = value_from.trim_start_matches('/');
        let parameter = own?.beside("ssm", &format!("parameter/{name}"))?;
        return of_parameter(parameter);
    };
    match (service, resource.split_once([':', '/'])) {
        ("ssm", Some(("parameter", _))) => of_parameter(Place::of(value_from)?),
        ("secretsmanager", Some(("secret", rest))) => {
            let fields: Vec<&str> = rest.split(':').collect();
            let (_, suffix) = fields.split_first()?;
            let version = suffix.iter().skip(1).find(|part| !part.is_empty());
            let whole: Vec<&str> = value_from.splitn(8, ':').take(7).collect();
            Some(Source::Secret {
                place: Place::of(&whole.join(":"))?,
                version: version.map(|part| (*part).to_owned()),
            })
        }
        _ => None,
    }
}

fn of_parameter(parameter: Place) -> Option<Source> {
    let Some(name) = parameter.name.strip_prefix("aws/reference/secretsmanager/") else {
        return Some(Source::Parameter(parameter));
    };
    let mut secret = parameter.beside("secretsmanager", &format!("secret:{name}"))?;
    name.clone_into(&mut secret.id);
    Some(Source::Reference { parameter, secret })
}

fn ecr_image(container: &str, reference: &str) -> Option<EcrImage> {
    let repository = Place::of(&Image::parse(reference).ok()?.ecr?.arn)?;
    let (before, digest) = match reference.split_once('@') {
        Some((before, digest)) => (before, Some(digest.to_owned())),
        None => (reference, None),
    };
    let tag = before.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag);
    let tag = digest.is_none().then(|| tag.unwrap_or("latest").to_owned());
    Some(EcrImage {
        container: container.to_owned(),
        repository,
        tag,
        digest,
    })
}
