//! Fields of `RegisterTaskDefinition` that this resource leaves out, each with the reason: what an author reads, and what the
//! documents say.

/// A structure of ECS's API, its field, and why it is not here.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut {
    /// The structure.
    pub structure: &'static str,
    /// Its field, in CloudFormation's casing.
    pub name: &'static str,
    /// Why, as a half-sentence that follows the name.
    pub why: &'static str,
}

const fn left_out(structure: &'static str, name: &'static str, why: &'static str) -> LeftOut {
    LeftOut { structure, name, why }
}

/// All of them.
pub const LEFT_OUT: [LeftOut; 8] = [
    left_out(
        "RegisterTaskDefinitionRequest",
        "InferenceAccelerators",
        "is not supported: AWS has ended Elastic Inference; leave it out",
    ),
    left_out(
        "RegisterTaskDefinitionRequest",
        "TrustedExecutionConfiguration",
        "is not supported: CloudFormation has no such property yet; leave it out",
    ),
    left_out(
        "ContainerDefinition",
        "Links",
        "is not supported: Docker has deprecated links; with `NetworkMode` awsvpc or host containers reach each other at localhost",
    ),
    left_out(
        "ContainerDefinition",
        "DisableNetworking",
        "is not supported: the containers of an agent are there to be reached; leave it out",
    ),
    left_out(
        "ContainerDefinition",
        "CredentialSpecs",
        "is not supported: it is for accounts of Active Directory; leave it out",
    ),
    left_out(
        "ResourceRequirement",
        "SharingStrategy",
        "is not supported: CloudFormation has no such property yet; leave it out",
    ),
    left_out(
        "Volume",
        "FSxWindowsFileServerVolumeConfiguration",
        "is for Windows containers, which share no volume that could bring the agent; a file system of EFS is `EFSVolumeConfiguration`",
    ),
    left_out(
        "Volume",
        "S3FilesVolumeConfiguration",
        "is not supported: the rights that a task role needs for it are not known here; a file system of EFS is `EFSVolumeConfiguration`",
    ),
];
