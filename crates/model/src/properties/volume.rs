//! `Volumes`: what containers share, an empty directory of the task, a file system of EFS, or what instances have.

use serde::Serialize;

use super::{
    native,
    vocabulary::{self, Key, Site, Words},
    wire::Fields,
};
use crate::{Faults, quoted};

/// A volume of the task's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Where its content is; without it and without words, an empty directory of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efs_volume_configuration: Option<EfsVolumeConfiguration>,
    /// What is passed on.
    #[serde(flatten)]
    pub words: Words,
}

/// A directory of an EFS file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EfsVolumeConfiguration {
    /// `fs-…`.
    pub file_system_id: String,
    /// What is mounted; all of it by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<String>,
    /// `ENABLED` or `DISABLED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_encryption: Option<&'static str>,
    /// The port that the encryption uses on the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_encryption_port: Option<i32>,
    /// Who mounts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_config: Option<EfsAuthorizationConfig>,
}

/// How access to a file system is authorised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EfsAuthorizationConfig {
    /// `fsap-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_point_id: Option<String>,
    /// `ENABLED`: with the rights of the task role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam: Option<&'static str>,
}

pub(crate) const SWITCH: [&str; 2] = ["ENABLED", "DISABLED"];

/// Reads the volumes, each with its path; `taken` are the names of the provider's own.
pub(super) fn read(fields: &Fields<'_>, taken: &[&str], site: &Site<'_>, faults: &mut Faults) -> Vec<(String, Volume)> {
    let keys: Vec<&Key> = vocabulary::volume::KEYS.iter().collect();
    let known: Vec<&str> = KNOWN.into_iter().chain(keys.iter().map(|key| key.name)).collect();
    let shape = "{Name, EFSVolumeConfiguration, …}";
    let elements = fields.list("Volumes", shape, faults);
    let mut volumes: Vec<(String, Volume)> = Vec::new();
    for element in &elements {
        let Some(fields) = element.fields_but(&known, native::of_a_volume, shape, faults) else {
            continue;
        };
        let efs_volume_configuration = efs(&fields, faults);
        let (words, _) = vocabulary::read(&keys, &fields, site, faults);
        let Some(name) = fields.required("Name", "", faults) else {
            continue;
        };
        let path = fields.path("Name");
        if !super::is_ecs_name(&name) {
            faults.add(
                path,
                format!(
                    "is not a valid name for a volume: {name}; legal: 1 to 255 letters, digits, `-` and `_`",
                    name = quoted(&name)
                ),
            );
        } else if taken.contains(&name.as_str()) {
            faults.add(
                path,
                format!(
                    "is {name}, a volume of the provider's own; give it another name",
                    name = quoted(&name)
                ),
            );
        } else if volumes.iter().any(|(_, volume)| volume.name == name) {
            faults.add(path, format!("is {name}, which is given twice", name = quoted(&name)));
        }
        let volume = Volume {
            name,
            efs_volume_configuration,
            words,
        };
        volume.check_kinds(&element.path, faults);
        if volume.is_configured_at_launch() && volumes.iter().any(|(_, other)| other.is_configured_at_launch()) {
            faults.add(
                fields.path("ConfiguredAtLaunch"),
                "is given twice; a task has one such volume",
            );
        }
        volumes.push((element.path.clone(), volume));
    }
    volumes
}

impl Volume {
    fn is_configured_at_launch(&self) -> bool {
        self.words.get("configuredAtLaunch") == Some(&true.into())
    }

    /// A volume is of one kind.
    fn check_kinds(&self, path: &str, faults: &mut Faults) {
        let kinds = [
            ("EFSVolumeConfiguration", self.efs_volume_configuration.is_some()),
            ("Host", self.words.contains_key("host")),
            (
                "DockerVolumeConfiguration",
                self.words.contains_key("dockerVolumeConfiguration"),
            ),
            ("ConfiguredAtLaunch", self.is_configured_at_launch()),
        ];
        let mut kinds = kinds.into_iter().filter(|(_, is_there)| *is_there);
        if let (Some((first, _)), Some((second, _))) = (kinds.next(), kinds.next()) {
            faults.add(
                format!("{path}.{second}"),
                format!("is given together with `{first}`; a volume is one of them, so leave the other out"),
            );
        }
    }
}

/// What is looked into of a volume; the rest are words that are passed on.
pub(crate) const KNOWN: [&str; 2] = ["Name", "EFSVolumeConfiguration"];

fn efs(volume: &Fields<'_>, faults: &mut Faults) -> Option<EfsVolumeConfiguration> {
    let known = [
        "FilesystemId",
        "RootDirectory",
        "TransitEncryption",
        "TransitEncryptionPort",
        "AuthorizationConfig",
    ];
    let shape = "{FilesystemId, RootDirectory, TransitEncryption, TransitEncryptionPort, AuthorizationConfig}";
    let fields = volume.get("EFSVolumeConfiguration")?.fields(&known, shape, faults)?;
    let file_system_id = fields.required("FilesystemId", ", such as fs-0123456789abcdef0", faults);
    let root_directory = fields.text("RootDirectory", faults);
    let transit_encryption = fields.one_of("TransitEncryption", &SWITCH, faults);
    let transit_encryption_port = fields.whole("TransitEncryptionPort", "as a port", 1..=65535, faults);
    let authorization_config = authorization(&fields, faults);
    if let Some(root) = root_directory.as_deref().filter(|root| !root.starts_with('/')) {
        faults.add(
            fields.path("RootDirectory"),
            format!("is not an absolute path: {}; begin it with `/`", quoted(root)),
        );
    }
    if let Some(authorization) = &authorization_config {
        let has_point = authorization.access_point_id.is_some();
        if has_point && root_directory.as_deref().is_some_and(|root| root != "/") {
            faults.add(
                fields.path("RootDirectory"),
                "is given together with an access point, which has a root directory of its own; leave it out",
            );
        }
        if (has_point || authorization.iam == Some("ENABLED")) && transit_encryption != Some("ENABLED") {
            faults.add(
                fields.path("TransitEncryption"),
                "must be ENABLED where an access point or IAM is used",
            );
        }
    }
    let file_system_id = file_system_id?;
    if !is_id(&file_system_id, "fs-") {
        faults.add(
            fields.path("FilesystemId"),
            format!(
                "is not the id of an EFS file system: {}; write fs-ID, {DIGITS}",
                quoted(&file_system_id)
            ),
        );
    }
    Some(EfsVolumeConfiguration {
        file_system_id,
        root_directory,
        transit_encryption,
        transit_encryption_port,
        authorization_config,
    })
}

fn authorization(efs: &Fields<'_>, faults: &mut Faults) -> Option<EfsAuthorizationConfig> {
    let written = efs.get("AuthorizationConfig")?;
    let fields = written.fields(&["AccessPointId", "IAM"], "{AccessPointId, IAM}", faults)?;
    let access_point_id = fields.text("AccessPointId", faults);
    if let Some(id) = access_point_id.as_deref().filter(|id| !is_id(id, "fsap-")) {
        faults.add(
            fields.path("AccessPointId"),
            format!(
                "is not the id of an EFS access point: {}; write fsap-ID, {DIGITS}",
                quoted(id)
            ),
        );
    }
    Some(EfsAuthorizationConfig {
        access_point_id,
        iam: fields.one_of("IAM", &SWITCH, faults),
    })
}

/// What comes after the prefix of EFS's ids (docs/internals/aws.md, "Names and limits").
pub(crate) const DIGITS_PATTERN: &str = "[0-9a-f]{8}([0-9a-f]{9,32})?";
pub(crate) const DIGITS: &str = "where ID is 8 or 17 to 40 lower-case hexadecimal digits";

/// EFS's form of an id. An ARN would not fit into the ARN that a policy compares.
fn is_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|id| {
        matches!(id.len(), 8 | 17..=40) && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}
