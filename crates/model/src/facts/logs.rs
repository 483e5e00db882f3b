//! What CloudWatch Logs takes.
//!
//! Source: `PutRetentionPolicy` in the service model of botocore 1.44.5, `logs/2014-03-28/service-2.json`, and the schema of
//! `AWS::Logs::LogGroup` in CloudFormation's registry, October 2026. The two agree.

/// The retention periods, in days.
pub const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
