//! `RepositoryCredentials`: the secret with the name and password for a private registry that is not ECR's.

use super::{Image, SecretSource, secret::SecretsManagerSecret, wire::Fields};
use crate::{Faults, identity::StackId, quoted};

/// Reads the credentials for `image`. A bare string is a secret's name there, unlike in `Secrets`
/// (docs/internals/aws.md, "Secrets Manager").
pub(super) fn read(
    fields: &Fields<'_>,
    name: &str,
    image: Option<&Image>,
    stack: &StackId,
    faults: &mut Faults,
) -> Option<SecretsManagerSecret> {
    let written = fields.get(name)?;
    let fields = written.fields(&["CredentialsParameter"], "{CredentialsParameter}", faults)?;
    let hint = ": the name or ARN of a Secrets Manager secret of {\"username\", \"password\"}";
    let parameter = fields.required("CredentialsParameter", hint, faults)?;
    if image.is_some_and(|image| image.ecr.is_some()) {
        faults.add(
            &written.path,
            "is not for ECR, where the execution role pulls with its own rights; leave it out",
        );
    }
    let path = fields.path("CredentialsParameter");
    let read = if parameter.starts_with("arn:") {
        SecretSource::parse(&parameter, stack).and_then(|source| match source {
            SecretSource::SecretsManager(secret) if secret.is_whole() => Ok(secret),
            SecretSource::SecretsManager(_) => Err(format!(
                "names a key or version of a secret: {parameter}; ECS reads the whole secret, so write its ARN alone",
                parameter = quoted(&parameter)
            )),
            SecretSource::Parameter(_) => Err(format!(
                "is an SSM parameter: {parameter}; ECS reads a registry's password from Secrets Manager alone",
                parameter = quoted(&parameter)
            )),
        })
    } else {
        SecretsManagerSecret::named(&parameter, stack)
    };
    read.map_err(|problem| faults.add(path, problem)).ok()
}
