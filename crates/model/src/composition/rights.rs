//! What an agent needs, as statements: exactly its own images, secrets, log group and ssh backend.

use std::collections::BTreeMap;

use super::policy::Statement;
use crate::{
    identity::Identity,
    properties::{EfsVolumeConfiguration, Image, KmsKey, Parameter, Properties, SecretSource, SshAgentBackend, Words},
};

/// The execution role's statements.
pub(super) fn execution(identity: &Identity, properties: &Properties) -> Vec<Statement> {
    let mut statements = vec![logs(identity)];
    statements.extend(secrets(properties));
    statements.extend(images(properties));
    statements.extend(logs_elsewhere(identity, properties));
    statements.extend(objects(properties));
    statements
}

/// The statements of a task role that is made, before those that the author writes.
pub(super) fn task(identity: &Identity, properties: &Properties) -> Vec<Statement> {
    let mut statements: Vec<Statement> = properties.ssh_agent_backend.iter().map(ssh).collect();
    statements.extend(properties.signing_key.iter().map(|key| signing(key)));
    statements.extend(file_systems(identity, properties));
    if properties.task_role_rights.execute_command {
        statements.push(execute_command());
    }
    statements
}

/// What the agent asks of KMS to sign the steps that it uploads and to verify its jobs (docs/internals/aws.md, "The
/// agent").
fn signing(key: &str) -> Statement {
    Statement::allow(
        "SigningKey",
        &["kms:GetPublicKey", "kms:Sign", "kms:Verify"],
        vec![key.to_owned()],
    )
}

/// ECS Exec's four channels, which have no resources (docs/internals/aws.md, "ECS Exec").
fn execute_command() -> Statement {
    Statement::allow(
        "ExecuteCommand",
        &[
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        vec!["*".to_owned()],
    )
}

/// File systems that are mounted with the task role's rights; those that no container writes to are for reading.
fn file_systems(identity: &Identity, properties: &Properties) -> Vec<Statement> {
    let mounts = || {
        let of_sidecars = properties.sidecars.iter().flat_map(|sidecar| &sidecar.mount_points);
        properties
            .mount_points
            .iter()
            .chain(of_sidecars.map(|(_, mount)| mount))
    };
    let statements = properties.volumes.iter().enumerate().filter_map(|(index, volume)| {
        let EfsVolumeConfiguration {
            file_system_id,
            authorization_config,
            ..
        } = volume.efs_volume_configuration.as_ref()?;
        let authorization = authorization_config.as_ref()?;
        if authorization.iam != Some("ENABLED") {
            return None;
        }
        let stack = &identity.owner.stack_id;
        let arn = |resource: String| {
            format!(
                "arn:{}:elasticfilesystem:{}:{}:{resource}",
                stack.partition, stack.region, stack.account
            )
        };
        let is_written = mounts().any(|mount| mount.source_volume == volume.name && !mount.read_only);
        let mut actions = vec!["elasticfilesystem:ClientMount"];
        actions.extend(is_written.then_some("elasticfilesystem:ClientWrite"));
        let statement = Statement::allow(
            format!("FileSystem{index}"),
            &actions,
            vec![arn(format!("file-system/{file_system_id}"))],
        );
        Some(match &authorization.access_point_id {
            Some(point) => statement.only_if(
                "StringEquals",
                "elasticfilesystem:AccessPointArn",
                vec![arn(format!("access-point/{point}"))],
            ),
            None => statement,
        })
    });
    statements.collect()
}

/// The two calls that the iam-ssh-agent daemon makes (docs/internals/aws.md, "iam-ssh-agent").
fn ssh(backend: &SshAgentBackend) -> Statement {
    let call = |call: &str| format!("{}/{call}", backend.stage_arn);
    Statement::allow(
        "SshAgentBackend",
        &["execute-api:Invoke"],
        vec![call("GET/identities"), call("POST/signature")],
    )
}

/// No `CreateLogGroup`: a group that was deleted would come back, and nobody's (docs/internals/cloudformation.md, "What
/// an old and a new id share").
fn logs(identity: &Identity) -> Statement {
    Statement::allow(
        "Logs",
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        vec![format!("{}:log-stream:*", identity.log_group_arn())],
    )
}

/// The words of all containers of the author's.
fn words(properties: &Properties) -> impl Iterator<Item = &Words> {
    let of_sidecars = properties.sidecars.iter().map(|sidecar| &sidecar.words);
    std::iter::once(&properties.agent_container.words).chain(of_sidecars)
}

/// Log groups of the author's own, and where he says so, the right to make them.
fn logs_elsewhere(identity: &Identity, properties: &Properties) -> Option<Statement> {
    let stack = &identity.owner.stack_id;
    let mut may_be_made = false;
    let mut groups = Vec::new();
    for logs in words(properties).filter_map(|words| words.get("logConfiguration")) {
        let option = |name: &str| logs["options"][name].as_str();
        let Some(group) = option("awslogs-group").filter(|_| logs["logDriver"] == "awslogs") else {
            continue;
        };
        let region = option("awslogs-region").unwrap_or(&stack.region);
        if group == identity.log_group_name() && region == stack.region {
            continue;
        }
        let makes = option("awslogs-create-group").is_some_and(|create| create.eq_ignore_ascii_case("true"));
        may_be_made |= makes;
        let arn = format!(
            "arn:{}:logs:{region}:{}:log-group:{group}",
            stack.partition, stack.account
        );
        groups.push(format!("{arn}:log-stream:*"));
        groups.extend(makes.then(|| format!("{arn}:*")));
    }
    let mut actions = vec!["logs:CreateLogStream", "logs:PutLogEvents"];
    actions.extend(may_be_made.then_some("logs:CreateLogGroup"));
    (!groups.is_empty()).then(|| Statement::allow("LogsElsewhere", &actions, groups))
}

/// Files of variables and routers' configurations in S3; ECS also asks where the bucket is.
fn objects(properties: &Properties) -> Vec<Statement> {
    let files = words(properties)
        .filter_map(|words| words.get("environmentFiles")?.as_array())
        .flatten()
        .filter_map(|file| file["value"].as_str());
    let configurations = words(properties).filter_map(|words| {
        let options = words.get("firelensConfiguration")?.get("options")?;
        options["config-file-value"]
            .as_str()
            .filter(|_| options["config-file-type"] == "s3")
    });
    let objects: Vec<String> = files.chain(configurations).map(ToOwned::to_owned).collect();
    if objects.is_empty() {
        return Vec::new();
    }
    let buckets = objects.iter().filter_map(|object| object.split('/').next());
    let buckets = buckets.map(ToOwned::to_owned).collect();
    vec![
        Statement::allow("Files", &["s3:GetObject"], objects),
        Statement::allow("Buckets", &["s3:GetBucketLocation"], buckets),
    ]
}

/// Where a customer's key would be, for the condition on decrypting: service, Region, partition, account.
type Via<'a> = (&'static str, &'a str, &'a str, &'a str);

fn secrets(properties: &Properties) -> Vec<Statement> {
    let mut parameters = Vec::new();
    let mut in_secrets_manager = Vec::new();
    let mut encrypted: BTreeMap<Via<'_>, Vec<String>> = BTreeMap::new();

    let sources = properties.secret_sources();
    for source in &sources {
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

    // Only GetParameters: ECS's agent asks in batches (docs/internals/aws.md, "SSM parameters").
    let mut statements = vec![Statement::allow("Parameters", &["ssm:GetParameters"], parameters)];
    if !in_secrets_manager.is_empty() {
        statements.push(Statement::allow(
            "Secrets",
            &["secretsmanager:GetSecretValue"],
            in_secrets_manager,
        ));
    }
    // Without known keys, the statement is bound by what may be decrypted and through whom; with them, by the keys too.
    // The service's suffix is `.amazonaws.com` in all partitions (docs/internals/aws.md, "KMS").
    let keys = &properties.secrets_kms_keys;
    let decrypts = encrypted.into_iter().filter_map(|(via, arns)| {
        let (service, region, partition, account) = via;
        let resources = if keys.is_empty() {
            vec![format!("arn:{partition}:kms:{region}:{account}:key/*")]
        } else {
            let of_region = keys.iter().filter(|key| key.region == region);
            of_region.map(|KmsKey { arn, .. }| arn.clone()).collect()
        };
        (!resources.is_empty()).then_some((service, region, resources, arns))
    });
    statements.extend(decrypts.enumerate().map(|(index, (service, region, resources, arns))| {
        let context = match service {
            "ssm" => "kms:EncryptionContext:PARAMETER_ARN",
            _ => "kms:EncryptionContext:SecretARN",
        };
        Statement::allow(format!("Decrypt{index}"), &["kms:Decrypt"], resources)
            .only_if(
                "StringEquals",
                "kms:ViaService",
                vec![format!("{service}.{region}.amazonaws.com")],
            )
            .only_if("StringLike", context, arns)
    }));
    statements
}

/// Nothing where no image is in a private registry of ECR's.
fn images(properties: &Properties) -> Vec<Statement> {
    let images = [
        Some(&properties.image),
        properties.buildkite_agent_image.as_ref(),
        (properties.ssh_agent_backend.as_ref()).map(|_| &properties.ssh_agent_image),
    ];
    let of_sidecars = properties.sidecars.iter().map(|sidecar| &sidecar.image);
    let repositories: Vec<String> = images
        .into_iter()
        .flatten()
        .chain(of_sidecars)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        composition::{Composition, Policy, tests::composed_with},
        properties::tests as written,
    };

    fn composed(more: &Value) -> Composition {
        let mut written = json!({"Image": "ruby", "TaskFamily": "cargo-publish"});
        let more = more.as_object().unwrap().clone();
        written.as_object_mut().unwrap().extend(more);
        composed_with(&written, &written::settings())
    }

    /// What the statement of that name allows, and on what.
    fn allowed(policy: Option<&Policy>, sid: &str) -> Option<(Value, Value)> {
        let document: Value = serde_json::from_str(&policy?.document()).unwrap();
        let statements = document["Statement"].as_array().unwrap();
        let statement = statements.iter().find(|statement| statement["Sid"] == sid)?;
        Some((statement["Action"].clone(), statement["Resource"].clone()))
    }

    #[test]
    fn a_file_system_is_written_to_only_where_a_container_mounts_it_for_that() {
        let efs = |id: &str, iam: &str| json!({"FilesystemId": id, "TransitEncryption": "ENABLED", "AuthorizationConfig": {"IAM": iam}});
        let volume = |name: &str, iam: &str| json!({"Name": name, "EFSVolumeConfiguration": efs("fs-0123abcd", iam)});
        let mount = |name: &str, read_only: bool| json!({"SourceVolume": name, "ContainerPath": format!("/{name}"), "ReadOnly": read_only});
        let composition = composed(&json!({
            "Volumes": [
                volume("cache", "ENABLED"), volume("data", "ENABLED"), volume("tools", "ENABLED"),
                volume("nobodys", "ENABLED"), volume("open", "DISABLED"),
            ],
            "MountPoints": [mount("cache", false), mount("data", true), mount("tools", true), mount("open", false)],
            "Sidecars": [{"Name": "one", "Image": "alpine", "MountPoints": [mount("data", false), mount("tools", true)]}],
        }));
        let policy = composition.task_role.made().unwrap().policy.as_ref();
        for (index, actions) in [
            (
                0,
                Some(json!([
                    "elasticfilesystem:ClientMount",
                    "elasticfilesystem:ClientWrite"
                ])),
            ),
            (
                1,
                Some(json!([
                    "elasticfilesystem:ClientMount",
                    "elasticfilesystem:ClientWrite"
                ])),
            ),
            (2, Some(json!(["elasticfilesystem:ClientMount"]))),
            (3, Some(json!(["elasticfilesystem:ClientMount"]))),
            (4, None),
        ] {
            let allowed = allowed(policy, &format!("FileSystem{index}"));
            assert_eq!(allowed.map(|(actions, _)| actions), actions, "{index}");
        }
    }

    #[test]
    fn a_log_group_other_than_the_resources_own_needs_a_right_of_its_own() {
        let elsewhere = |driver: &str, options: Value| {
            let logs = json!({"LogDriver": driver, "Options": options});
            let composition = composed(&json!({"AgentContainer": {"LogConfiguration": logs}}));
            allowed(composition.execution_role.policy.as_ref(), "LogsElsewhere")
        };
        let own = "/aws/ecs/cargo-publish";
        let write = json!(["logs:CreateLogStream", "logs:PutLogEvents"]);
        let make = json!(["logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogGroup"]);
        let arn = |region: &str, group: &str| format!("arn:aws:logs:{region}:123456789012:log-group:{group}");
        let streams = |region: &str, group: &str| format!("{}:log-stream:*", arn(region, group));
        for (driver, options, expected) in [
            ("awslogs", json!({"mode": "blocking"}), None),
            ("awslogs", json!({"awslogs-group": own}), None),
            (
                "awslogs",
                json!({"awslogs-group": own, "awslogs-region": "us-east-1"}),
                None,
            ),
            ("splunk", json!({"awslogs-group": "builds"}), None),
            (
                "awslogs",
                json!({"awslogs-group": own, "awslogs-region": "eu-west-1"}),
                Some((write.clone(), json!([streams("eu-west-1", own)]))),
            ),
            (
                "awslogs",
                json!({"awslogs-group": "builds"}),
                Some((write.clone(), json!([streams("us-east-1", "builds")]))),
            ),
            (
                "awslogs",
                json!({"awslogs-group": "builds", "awslogs-create-group": "false"}),
                Some((write, json!([streams("us-east-1", "builds")]))),
            ),
            (
                "awslogs",
                json!({"awslogs-group": "builds", "awslogs-create-group": "True"}),
                Some((
                    make,
                    json!([
                        format!("{}:*", arn("us-east-1", "builds")),
                        streams("us-east-1", "builds")
                    ]),
                )),
            ),
        ] {
            assert_eq!(elsewhere(driver, options.clone()), expected, "{driver}: {options}");
        }
    }
}
