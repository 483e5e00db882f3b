//! The hosts of ECR's private registries.
//!
//! Source: the pattern of `ecr/api/client.go` in github.com/awslabs/amazon-ecr-credential-helper, July 2026: dual-stack, FIPS,
//! China, European sovereign and isolated.

/// A host; its groups are the account and the Region.
pub const HOST_PATTERN: &str = r"^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9][a-z0-9-]*)\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$";
