//! A task definition in the SDK's types: the composed document, one function for each structure.

use aws_sdk_ecs::{
    operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder,
    types::{
        ContainerDefinition, ContainerDependency, ContainerRestartPolicy, Device, DockerVolumeConfiguration,
        EfsAuthorizationConfig, EfsVolumeConfiguration, EnvironmentFile, EphemeralStorage, FirelensConfiguration,
        HealthCheck, HostEntry, HostVolumeProperties, KernelCapabilities, KeyValuePair, LinuxParameters,
        LogConfiguration, MountPoint, PortMapping, ProxyConfiguration, RepositoryCredentials, ResourceRequirement,
        RuntimePlatform, Secret, SystemControl, TaskDefinitionPlacementConstraint, Tmpfs, Ulimit, Volume, VolumeFrom,
    },
};
use serde_json::Value;

use super::document::built;
use crate::composition::TaskDefinition;

type BuildError = aws_sdk_ecs::error::BuildError;

/// What a registration says, without the tags, which are more than the author's.
pub(super) fn registration(
    register: RegisterTaskDefinitionFluentBuilder,
    wanted: &TaskDefinition,
) -> Result<RegisterTaskDefinitionFluentBuilder, BuildError> {
    let document = serde_json::to_value(wanted).map_err(BuildError::other)?;
    built("RegisterTaskDefinition", document, |fields| {
        fields.leave("tags");
        Ok(register
            .set_family(fields.text("family")?)
            .set_task_role_arn(fields.text("taskRoleArn")?)
            .set_execution_role_arn(fields.text("executionRoleArn")?)
            .set_network_mode(fields.word("networkMode")?)
            .set_requires_compatibilities(fields.words("requiresCompatibilities")?)
            .set_cpu(fields.text("cpu")?)
            .set_memory(fields.text("memory")?)
            .set_runtime_platform(fields.one("runtimePlatform", platform)?)
            .set_ephemeral_storage(fields.one("ephemeralStorage", storage)?)
            .set_volumes(fields.many("volumes", volume)?)
            .set_container_definitions(fields.many("containerDefinitions", container)?)
            .set_pid_mode(fields.word("pidMode")?)
            .set_ipc_mode(fields.word("ipcMode")?)
            .set_placement_constraints(fields.many("placementConstraints", constraint)?)
            .set_enable_fault_injection(fields.flag("enableFaultInjection")?)
            .set_proxy_configuration(fields.one("proxyConfiguration", proxy)?))
    })
}

fn platform(document: Value) -> Result<RuntimePlatform, BuildError> {
    built("RuntimePlatform", document, |fields| {
        Ok(RuntimePlatform::builder()
            .set_cpu_architecture(fields.word("cpuArchitecture")?)
            .set_operating_system_family(fields.word("operatingSystemFamily")?)
            .build())
    })
}

fn storage(document: Value) -> Result<EphemeralStorage, BuildError> {
    built("EphemeralStorage", document, |fields| {
        Ok(EphemeralStorage::builder()
            .set_size_in_gib(fields.number("sizeInGiB")?)
            .build())
    })
}

fn constraint(document: Value) -> Result<TaskDefinitionPlacementConstraint, BuildError> {
    built("TaskDefinitionPlacementConstraint", document, |fields| {
        Ok(TaskDefinitionPlacementConstraint::builder()
            .set_type(fields.word("type")?)
            .set_expression(fields.text("expression")?)
            .build())
    })
}

fn proxy(document: Value) -> Result<ProxyConfiguration, BuildError> {
    built("ProxyConfiguration", document, |fields| {
        ProxyConfiguration::builder()
            .set_type(fields.word("type")?)
            .set_container_name(fields.text("containerName")?)
            .set_properties(fields.many("properties", pair)?)
            .build()
    })
}

fn volume(document: Value) -> Result<Volume, BuildError> {
    built("Volume", document, |fields| {
        Ok(Volume::builder()
            .set_name(fields.text("name")?)
            .set_efs_volume_configuration(fields.one("efsVolumeConfiguration", efs)?)
            .set_host(fields.one("host", host)?)
            .set_docker_volume_configuration(fields.one("dockerVolumeConfiguration", docker)?)
            .set_configured_at_launch(fields.flag("configuredAtLaunch")?)
            .build())
    })
}

fn efs(document: Value) -> Result<EfsVolumeConfiguration, BuildError> {
    built("EFSVolumeConfiguration", document, |fields| {
        EfsVolumeConfiguration::builder()
            .set_file_system_id(fields.text("fileSystemId")?)
            .set_root_directory(fields.text("rootDirectory")?)
            .set_transit_encryption(fields.word("transitEncryption")?)
            .set_transit_encryption_port(fields.number("transitEncryptionPort")?)
            .set_authorization_config(fields.one("authorizationConfig", authorization)?)
            .build()
    })
}

fn authorization(document: Value) -> Result<EfsAuthorizationConfig, BuildError> {
    built("EFSAuthorizationConfig", document, |fields| {
        Ok(EfsAuthorizationConfig::builder()
            .set_access_point_id(fields.text("accessPointId")?)
            .set_iam(fields.word("iam")?)
            .build())
    })
}

fn host(document: Value) -> Result<HostVolumeProperties, BuildError> {
    built("HostVolumeProperties", document, |fields| {
        Ok(HostVolumeProperties::builder()
            .set_source_path(fields.text("sourcePath")?)
            .build())
    })
}

fn docker(document: Value) -> Result<DockerVolumeConfiguration, BuildError> {
    built("DockerVolumeConfiguration", document, |fields| {
        Ok(DockerVolumeConfiguration::builder()
            .set_scope(fields.word("scope")?)
            .set_autoprovision(fields.flag("autoprovision")?)
            .set_driver(fields.text("driver")?)
            .set_driver_opts(fields.map("driverOpts")?)
            .set_labels(fields.map("labels")?)
            .build())
    })
}

fn container(document: Value) -> Result<ContainerDefinition, BuildError> {
    built("ContainerDefinition", document, |fields| {
        Ok(ContainerDefinition::builder()
            .set_name(fields.text("name")?)
            .set_image(fields.text("image")?)
            .set_repository_credentials(fields.one("repositoryCredentials", credentials)?)
            .set_essential(fields.flag("essential")?)
            .set_entry_point(fields.texts("entryPoint")?)
            .set_command(fields.texts("command")?)
            .set_working_directory(fields.text("workingDirectory")?)
            .set_user(fields.text("user")?)
            .set_environment(fields.many("environment", pair)?)
            .set_environment_files(fields.many("environmentFiles", environment_file)?)
            .set_secrets(fields.many("secrets", secret)?)
            .set_depends_on(fields.many("dependsOn", dependency)?)
            .set_mount_points(fields.many("mountPoints", mount_point)?)
            .set_volumes_from(fields.many("volumesFrom", volume_from)?)
            .set_health_check(fields.one("healthCheck", health)?)
            .set_linux_parameters(fields.one("linuxParameters", linux)?)
            .set_cpu(fields.number("cpu")?)
            .set_memory(fields.number("memory")?)
            .set_memory_reservation(fields.number("memoryReservation")?)
            .set_privileged(fields.flag("privileged")?)
            .set_readonly_root_filesystem(fields.flag("readonlyRootFilesystem")?)
            .set_start_timeout(fields.number("startTimeout")?)
            .set_stop_timeout(fields.number("stopTimeout")?)
            .set_log_configuration(fields.one("logConfiguration", logs)?)
            .set_firelens_configuration(fields.one("firelensConfiguration", firelens)?)
            .set_ulimits(fields.many("ulimits", ulimit)?)
            .set_system_controls(fields.many("systemControls", system_control)?)
            .set_docker_labels(fields.map("dockerLabels")?)
            .set_docker_security_options(fields.texts("dockerSecurityOptions")?)
            .set_port_mappings(fields.many("portMappings", port_mapping)?)
            .set_extra_hosts(fields.many("extraHosts", host_entry)?)
            .set_dns_servers(fields.texts("dnsServers")?)
            .set_dns_search_domains(fields.texts("dnsSearchDomains")?)
            .set_hostname(fields.text("hostname")?)
            .set_resource_requirements(fields.many("resourceRequirements", requirement)?)
            .set_restart_policy(fields.one("restartPolicy", restart)?)
            .set_interactive(fields.flag("interactive")?)
            .set_pseudo_terminal(fields.flag("pseudoTerminal")?)
            .set_version_consistency(fields.word("versionConsistency")?)
            .build())
    })
}

fn credentials(document: Value) -> Result<RepositoryCredentials, BuildError> {
    built("RepositoryCredentials", document, |fields| {
        RepositoryCredentials::builder()
            .set_credentials_parameter(fields.text("credentialsParameter")?)
            .build()
    })
}

fn pair(document: Value) -> Result<KeyValuePair, BuildError> {
    built("KeyValuePair", document, |fields| {
        Ok(KeyValuePair::builder()
            .set_name(fields.text("name")?)
            .set_value(fields.text("value")?)
            .build())
    })
}

fn environment_file(document: Value) -> Result<EnvironmentFile, BuildError> {
    built("EnvironmentFile", document, |fields| {
        EnvironmentFile::builder()
            .set_type(fields.word("type")?)
            .set_value(fields.text("value")?)
            .build()
    })
}

fn secret(document: Value) -> Result<Secret, BuildError> {
    built("Secret", document, |fields| {
        Secret::builder()
            .set_name(fields.text("name")?)
            .set_value_from(fields.text("valueFrom")?)
            .build()
    })
}

fn dependency(document: Value) -> Result<ContainerDependency, BuildError> {
    built("ContainerDependency", document, |fields| {
        ContainerDependency::builder()
            .set_container_name(fields.text("containerName")?)
            .set_condition(fields.word("condition")?)
            .build()
    })
}

fn mount_point(document: Value) -> Result<MountPoint, BuildError> {
    built("MountPoint", document, |fields| {
        Ok(MountPoint::builder()
            .set_source_volume(fields.text("sourceVolume")?)
            .set_container_path(fields.text("containerPath")?)
            .set_read_only(fields.flag("readOnly")?)
            .build())
    })
}

fn volume_from(document: Value) -> Result<VolumeFrom, BuildError> {
    built("VolumeFrom", document, |fields| {
        Ok(VolumeFrom::builder()
            .set_source_container(fields.text("sourceContainer")?)
            .set_read_only(fields.flag("readOnly")?)
            .build())
    })
}

fn health(document: Value) -> Result<HealthCheck, BuildError> {
    built("HealthCheck", document, |fields| {
        HealthCheck::builder()
            .set_command(fields.texts("command")?)
            .set_interval(fields.number("interval")?)
            .set_timeout(fields.number("timeout")?)
            .set_retries(fields.number("retries")?)
            .set_start_period(fields.number("startPeriod")?)
            .build()
    })
}

fn linux(document: Value) -> Result<LinuxParameters, BuildError> {
    built("LinuxParameters", document, |fields| {
        Ok(LinuxParameters::builder()
            .set_init_process_enabled(fields.flag("initProcessEnabled")?)
            .set_capabilities(fields.one("capabilities", capabilities)?)
            .set_devices(fields.many("devices", device)?)
            .set_max_swap(fields.number("maxSwap")?)
            .set_swappiness(fields.number("swappiness")?)
            .set_shared_memory_size(fields.number("sharedMemorySize")?)
            .set_tmpfs(fields.many("tmpfs", tmpfs)?)
            .build())
    })
}

fn capabilities(document: Value) -> Result<KernelCapabilities, BuildError> {
    built("KernelCapabilities", document, |fields| {
        Ok(KernelCapabilities::builder()
            .set_add(fields.texts("add")?)
            .set_drop(fields.texts("drop")?)
            .build())
    })
}

fn device(document: Value) -> Result<Device, BuildError> {
    built("Device", document, |fields| {
        Device::builder()
            .set_host_path(fields.text("hostPath")?)
            .set_container_path(fields.text("containerPath")?)
            .set_permissions(fields.words("permissions")?)
            .build()
    })
}

fn tmpfs(document: Value) -> Result<Tmpfs, BuildError> {
    built("Tmpfs", document, |fields| {
        Tmpfs::builder()
            .set_container_path(fields.text("containerPath")?)
            .set_size(fields.number("size")?)
            .set_mount_options(fields.texts("mountOptions")?)
            .build()
    })
}

fn logs(document: Value) -> Result<LogConfiguration, BuildError> {
    built("LogConfiguration", document, |fields| {
        LogConfiguration::builder()
            .set_log_driver(fields.word("logDriver")?)
            .set_options(fields.map("options")?)
            .set_secret_options(fields.many("secretOptions", secret)?)
            .build()
    })
}

fn firelens(document: Value) -> Result<FirelensConfiguration, BuildError> {
    built("FirelensConfiguration", document, |fields| {
        FirelensConfiguration::builder()
            .set_type(fields.word("type")?)
            .set_options(fields.map("options")?)
            .build()
    })
}

fn ulimit(document: Value) -> Result<Ulimit, BuildError> {
    built("Ulimit", document, |fields| {
        Ulimit::builder()
            .set_name(fields.word("name")?)
            .set_soft_limit(fields.number("softLimit")?)
            .set_hard_limit(fields.number("hardLimit")?)
            .build()
    })
}

fn system_control(document: Value) -> Result<SystemControl, BuildError> {
    built("SystemControl", document, |fields| {
        Ok(SystemControl::builder()
            .set_namespace(fields.text("namespace")?)
            .set_value(fields.text("value")?)
            .build())
    })
}

fn port_mapping(document: Value) -> Result<PortMapping, BuildError> {
    built("PortMapping", document, |fields| {
        Ok(PortMapping::builder()
            .set_container_port(fields.number("containerPort")?)
            .set_container_port_range(fields.text("containerPortRange")?)
            .set_host_port(fields.number("hostPort")?)
            .set_protocol(fields.word("protocol")?)
            .set_name(fields.text("name")?)
            .set_app_protocol(fields.word("appProtocol")?)
            .build())
    })
}

fn host_entry(document: Value) -> Result<HostEntry, BuildError> {
    built("HostEntry", document, |fields| {
        HostEntry::builder()
            .set_hostname(fields.text("hostname")?)
            .set_ip_address(fields.text("ipAddress")?)
            .build()
    })
}

fn requirement(document: Value) -> Result<ResourceRequirement, BuildError> {
    built("ResourceRequirement", document, |fields| {
        ResourceRequirement::builder()
            .set_type(fields.word("type")?)
            .set_value(fields.text("value")?)
            .build()
    })
}

fn restart(document: Value) -> Result<ContainerRestartPolicy, BuildError> {
    built("ContainerRestartPolicy", document, |fields| {
        ContainerRestartPolicy::builder()
            .set_enabled(fields.flag("enabled")?)
            .set_ignored_exit_codes(fields.numbers("ignoredExitCodes")?)
            .set_restart_attempt_period(fields.number("restartAttemptPeriod")?)
            .build()
    })
}
