//! A task definition in the SDK's types, field by field.

use aws_sdk_ecs::{
    operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder,
    types::{
        ContainerDefinition, ContainerDependency, EfsAuthorizationConfig, EfsVolumeConfiguration, EphemeralStorage,
        HealthCheck, KeyValuePair, LinuxParameters, LogConfiguration, MountPoint, RepositoryCredentials,
        RuntimePlatform, Secret, Volume, VolumeFrom,
    },
};

use crate::{
    composition::{self, Container, TaskDefinition},
    properties,
};

type BuildError = aws_sdk_ecs::error::BuildError;

/// What a registration says, without the tags, which are more than the author's.
pub(super) fn registration(
    register: RegisterTaskDefinitionFluentBuilder,
    wanted: &TaskDefinition,
) -> Result<RegisterTaskDefinitionFluentBuilder, BuildError> {
    let TaskDefinition {
        family,
        task_role_arn,
        execution_role_arn,
        network_mode,
        requires_compatibilities,
        cpu,
        memory,
        runtime_platform,
        ephemeral_storage,
        volumes,
        container_definitions,
        tags: _,
    } = wanted;
    let compatibilities = requires_compatibilities.iter().map(|one| (*one).into()).collect();
    let platform = runtime_platform.as_ref().map(|platform| {
        RuntimePlatform::builder()
            .set_cpu_architecture(platform.cpu_architecture.map(Into::into))
            .operating_system_family(platform.operating_system_family.into())
            .build()
    });
    let storage = ephemeral_storage
        .as_ref()
        .map(|storage| EphemeralStorage::builder().size_in_gib(storage.size_in_gi_b).build());
    let volumes = volumes.iter().map(volume).collect::<Result<_, _>>()?;
    let containers = container_definitions.iter().map(container).collect::<Result<_, _>>()?;
    Ok(register
        .family(family)
        .task_role_arn(task_role_arn)
        .execution_role_arn(execution_role_arn)
        .network_mode((*network_mode).into())
        .set_requires_compatibilities(Some(compatibilities))
        .cpu(cpu)
        .memory(memory)
        .set_runtime_platform(platform)
        .set_ephemeral_storage(storage)
        .set_volumes(Some(volumes))
        .set_container_definitions(Some(containers)))
}

fn volume(volume: &properties::Volume) -> Result<Volume, BuildError> {
    let properties::Volume {
        name,
        efs_volume_configuration,
    } = volume;
    let efs = efs_volume_configuration.as_ref().map(efs).transpose()?;
    Ok(Volume::builder().name(name).set_efs_volume_configuration(efs).build())
}

fn efs(efs: &properties::EfsVolumeConfiguration) -> Result<EfsVolumeConfiguration, BuildError> {
    let properties::EfsVolumeConfiguration {
        file_system_id,
        root_directory,
        transit_encryption,
        transit_encryption_port,
        authorization_config,
    } = efs;
    let authorization = authorization_config.as_ref().map(|authorization| {
        EfsAuthorizationConfig::builder()
            .set_access_point_id(authorization.access_point_id.clone())
            .set_iam(authorization.iam.map(Into::into))
            .build()
    });
    EfsVolumeConfiguration::builder()
        .file_system_id(file_system_id)
        .set_root_directory(root_directory.clone())
        .set_transit_encryption(transit_encryption.map(Into::into))
        .set_transit_encryption_port(*transit_encryption_port)
        .set_authorization_config(authorization)
        .build()
}

/// A list as the SDK takes it: one that is empty is not sent.
fn given<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn container(container: &Container) -> Result<ContainerDefinition, BuildError> {
    let Container {
        name,
        image,
        repository_credentials,
        essential,
        entry_point,
        command,
        working_directory,
        user,
        environment,
        secrets,
        depends_on,
        mount_points,
        volumes_from,
        health_check,
        linux_parameters,
        cpu,
        memory,
        memory_reservation,
        privileged,
        readonly_root_filesystem,
        start_timeout,
        stop_timeout,
        log_configuration,
    } = container;
    let composition::LogConfiguration { log_driver, options } = log_configuration;
    let options = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let logs = LogConfiguration::builder()
        .log_driver((*log_driver).into())
        .set_options(Some(options))
        .build()?;
    let credentials = repository_credentials.as_ref().map(|credentials| {
        RepositoryCredentials::builder()
            .credentials_parameter(&credentials.credentials_parameter)
            .build()
    });
    let linux = linux_parameters.as_ref().map(|linux| {
        LinuxParameters::builder()
            .init_process_enabled(linux.init_process_enabled)
            .build()
    });
    Ok(ContainerDefinition::builder()
        .name(name)
        .image(image)
        .set_repository_credentials(credentials.transpose()?)
        .essential(*essential)
        .set_entry_point(given(entry_point.clone()))
        .set_command(given(command.clone()))
        .set_working_directory(working_directory.clone())
        .set_user(user.clone())
        .set_environment(given(environment.iter().map(variable).collect()))
        .set_secrets(given(secrets.iter().map(secret).collect::<Result<_, _>>()?))
        .set_depends_on(given(depends_on.iter().map(dependency).collect::<Result<_, _>>()?))
        .set_mount_points(given(mount_points.iter().map(mount_point).collect()))
        .set_volumes_from(given(volumes_from.iter().map(volume_from).collect()))
        .set_health_check(health_check.as_ref().map(health).transpose()?)
        .set_linux_parameters(linux)
        .set_cpu(*cpu)
        .set_memory(*memory)
        .set_memory_reservation(*memory_reservation)
        .set_privileged(*privileged)
        .set_readonly_root_filesystem(*readonly_root_filesystem)
        .set_start_timeout(*start_timeout)
        .set_stop_timeout(*stop_timeout)
        .log_configuration(logs)
        .build())
}

fn variable(variable: &composition::KeyValue) -> KeyValuePair {
    KeyValuePair::builder()
        .name(&variable.name)
        .value(&variable.value)
        .build()
}

fn secret(secret: &composition::Secret) -> Result<Secret, BuildError> {
    Secret::builder()
        .name(&secret.name)
        .value_from(&secret.value_from)
        .build()
}

fn dependency(dependency: &properties::ContainerDependency) -> Result<ContainerDependency, BuildError> {
    ContainerDependency::builder()
        .container_name(&dependency.container_name)
        .condition(dependency.condition.into())
        .build()
}

fn mount_point(mount: &properties::MountPoint) -> MountPoint {
    MountPoint::builder()
        .source_volume(&mount.source_volume)
        .container_path(&mount.container_path)
        .set_read_only(mount.read_only.then_some(true))
        .build()
}

fn volume_from(from: &properties::VolumeFrom) -> VolumeFrom {
    VolumeFrom::builder()
        .source_container(&from.source_container)
        .set_read_only(from.read_only.then_some(true))
        .build()
}

fn health(check: &properties::HealthCheck) -> Result<HealthCheck, BuildError> {
    HealthCheck::builder()
        .set_command(Some(check.command.clone()))
        .interval(check.interval)
        .timeout(check.timeout)
        .retries(check.retries)
        .set_start_period(check.start_period)
        .build()
}
