//! What an agent needs, as statements: exactly its own images, secrets, log group and ssh backend.

use std::collections::BTreeMap;

use super::policy::Statement;
use crate::{
    identity::Identity,
    properties::{Image, Parameter, Properties, SecretSource, SshAgentBackend},
    settings::Settings,
};

/// The execution role's statements.
pub(super) fn execution(identity: &Identity, properties: &Properties, settings: &Settings) -> Vec<Statement> {
    let mut statements = vec![logs(identity)];
    statements.extend(secrets(properties));
    statements.extend(images(properties, settings));
    statements
}

/// The task role's statement: the two calls that the iam-ssh-agent daemon makes (aws.md 4.8).
pub(super) fn ssh(backend: &SshAgentBackend) -> Statement {
    let call = |call: &str| format!("{}/{call}", backend.stage_arn);
    Statement::allow(
        "SshAgentBackend",
        &["execute-api:Invoke"],
        vec![call("GET/identities"), call("POST/signature")],
    )
}

/// No `CreateLogGroup`: a group that was deleted would come back, and nobody's (cloudformation.md 2.7).
fn logs(identity: &Identity) -> Statement {
    Statement::allow(
        "Logs",
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        vec![format!("{}:log-stream:*", identity.log_group_arn())],
    )
}

/// Where a customer's key would be, for the condition on decrypting: service, Region, partition, account.
type Via<'a> = (&'static str, &'a str, &'a str, &'a str);

fn secrets(properties: &Properties) -> Vec<Statement> {
    let mut parameters = Vec::new();
    let mut in_secrets_manager = Vec::new();
    let mut encrypted: BTreeMap<Via<'_>, Vec<String>> = BTreeMap::new();

    let token = SecretSource::Parameter(properties.agent_token.clone());
    let sources: Vec<&SecretSource> = std::iter::once(&token)
        .chain(properties.secrets.iter().map(|secret| &secret.source))
        .collect();
    for source in sources {
        match source {
            SecretSource::Parameter(parameter) => {
                let Parameter {
                    region,
                    account,
                    partition,
                    ..
                } = parameter;
                parameters.push(parameter.arn.clone());
                encrypted
                    .entry(("ssm", region, partition, account))
                    .or_default()
                    .push(parameter.arn.clone());
                if let Some(name) = parameter.referenced_secret() {
                    let arn = format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-??????");
                    in_secrets_manager.push(arn.clone());
                    encrypted
                        .entry(("secretsmanager", region, partition, account))
                        .or_default()
                        .push(arn);
                }
            }
            SecretSource::SecretsManager(secret) => {
                in_secrets_manager.extend(secret.resources.iter().cloned());
                encrypted
                    .entry(("secretsmanager", &secret.region, &secret.partition, &secret.account))
                    .or_default()
                    .extend(secret.resources.iter().cloned());
            }
        }
    }

    // Only GetParameters: ECS's agent asks in batches (aws.md 4.1).
    let mut statements = vec![Statement::allow("Parameters", &["ssm:GetParameters"], parameters)];
    if !in_secrets_manager.is_empty() {
        statements.push(Statement::allow(
            "Secrets",
            &["secretsmanager:GetSecretValue"],
            in_secrets_manager,
        ));
    }
    // Keys are not known here, so the statement is bound by what may be decrypted and through whom. The service's
    // suffix is `.amazonaws.com` in all partitions (aws.md 4.3).
    statements.extend(encrypted.into_iter().enumerate().map(
        |(index, ((service, region, partition, account), arns))| {
            let context = match service {
                "ssm" => "kms:EncryptionContext:PARAMETER_ARN",
                _ => "kms:EncryptionContext:SecretARN",
            };
            Statement::allow(
                format!("Decrypt{index}"),
                &["kms:Decrypt"],
                vec![format!("arn:{partition}:kms:{region}:{account}:key/*")],
            )
            .only_if(
                "StringEquals",
                "kms:ViaService",
                vec![format!("{service}.{region}.amazonaws.com")],
            )
            .only_if("StringLike", context, arns)
        },
    ));
    statements
}

/// Nothing where no image is in a private registry of ECR's.
fn images(properties: &Properties, settings: &Settings) -> Vec<Statement> {
    let images = [
        Some(&properties.image),
        properties.buildkite_agent_image.as_ref(),
        properties.ssh_agent_backend.as_ref().map(|_| &settings.ssh_agent_image),
    ];
    let repositories: Vec<String> = images
        .into_iter()
        .flatten()
        .filter_map(|Image { ecr, .. }| ecr.as_ref())
        .map(|repository| repository.arn.clone())
        .collect();
    if repositories.is_empty() {
        return Vec::new();
    }
    let pull = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ];
    vec![
        Statement::allow("RegistryToken", &["ecr:GetAuthorizationToken"], vec!["*".to_owned()]),
        Statement::allow("Images", &pull, repositories),
    ]
}
