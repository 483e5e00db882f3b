// The types of the construct: properties and attributes of Custom::BuildkiteAgent by the names that templates have.
import type { aws_iam } from 'aws-cdk-lib';

export interface BuildkiteAgentProperties {
  readonly Image: string;
  /** Not optional here: without it, it is the logical id, which ends in a hash inside of another construct. */
  readonly TaskFamily: string;
  readonly RepositoryCredentials?: RepositoryCredentials;
  readonly BuildkiteAgentImage?: string;
  readonly BuildkiteAgentImageRepositoryCredentials?: RepositoryCredentials;
  readonly BuildkiteAgentInjection?: 'VOLUME' | 'COPY';
  readonly BuildkiteAgentTokenParameterPath?: string;
  readonly AgentConfiguration?: AgentConfiguration;
  readonly SigningKey?: string;
  readonly Refresh?: string;
  readonly CancelOnStop?: boolean;
  readonly SshAgentBackend?: string;
  readonly SshAgentImage?: string;
  readonly SshAgentImageRepositoryCredentials?: RepositoryCredentials;
  readonly Secrets?: readonly Secret[];
  readonly SecretsKmsKeyArns?: readonly string[];
  readonly Environment?: readonly Variable[];
  readonly Sidecars?: readonly Sidecar[];
  readonly Volumes?: readonly Volume[];
  readonly MountPoints?: readonly MountPoint[];
  readonly DependsOn?: readonly Dependency[];
  readonly RequiresCompatibilities?: readonly ('FARGATE' | 'EC2' | 'MANAGED_INSTANCES' | 'EXTERNAL')[];
  readonly NetworkMode?: 'awsvpc' | 'bridge' | 'host' | 'none';
  readonly Privileged?: boolean;
  /** On Fargate a pair that it has with `TaskMemory`; absent, 256. */
  readonly TaskCpu?: number;
  /** MiB; absent, 512. */
  readonly TaskMemory?: number;
  readonly EphemeralStorage?: { readonly SizeInGiB: number };
  readonly OperatingSystemFamily?: 'LINUX';
  readonly CpuArchitecture?: 'X86_64' | 'ARM64' | 'x86_64' | 'arm64';
  readonly TaskRoleArn?: string;
  readonly TaskRolePolicies?: readonly { readonly PolicyName: string; readonly PolicyDocument: aws_iam.PolicyDocument }[];
  readonly TaskRoleManagedPolicyArns?: readonly string[];
  readonly EnableExecuteCommand?: boolean;
  readonly LogRetentionInDays?: number;
  readonly LogGroupClass?: 'STANDARD' | 'INFREQUENT_ACCESS';
  readonly LogGroupKmsKeyId?: string;
  readonly Tags?: readonly { readonly Key: string; readonly Value?: string }[];
}

export type Attribute =
  | 'TaskDefinitionArn'
  | 'Revision'
  | 'TaskFamily'
  | 'TaskRoleArn'
  | 'TaskRoleName'
  | 'TaskRoleId'
  | 'ExecutionRoleArn'
  | 'LogGroupName';

export interface RepositoryCredentials {
  readonly CredentialsParameter: string;
}

export interface Secret {
  readonly Name: string;
  readonly ValueFrom: string;
}

export interface Variable {
  readonly Name: string;
  readonly Value: string;
}

export interface MountPoint {
  readonly SourceVolume: string;
  readonly ContainerPath: string;
  readonly ReadOnly?: boolean;
}

export interface Dependency {
  readonly ContainerName: string;
  readonly Condition: 'START' | 'COMPLETE' | 'SUCCESS' | 'HEALTHY';
}

export interface AgentConfiguration {
  readonly Queue?: string;
  readonly Tags?: readonly string[];
  readonly Endpoint?: string;
  readonly Shell?: string;
  readonly HooksPath?: string;
  readonly AdditionalHooksPaths?: readonly string[];
  readonly GitMirrorsPath?: string;
  readonly CancelGracePeriod?: number;
  readonly NoPlugins?: boolean;
  readonly NoCommandEval?: boolean;
  readonly NoLocalHooks?: boolean;
  readonly AllowedRepositories?: readonly string[];
  readonly AllowedPlugins?: readonly string[];
  readonly RedactedVars?: readonly string[];
  readonly OpenTelemetryTracing?: boolean;
  readonly TracingServiceName?: string;
  readonly Experiments?: readonly string[];
}

export interface Volume {
  readonly Name: string;
  readonly EFSVolumeConfiguration?: {
    readonly FilesystemId: string;
    readonly RootDirectory?: string;
    readonly TransitEncryption?: 'ENABLED' | 'DISABLED';
    readonly TransitEncryptionPort?: number;
    readonly AuthorizationConfig?: { readonly AccessPointId?: string; readonly IAM?: 'ENABLED' | 'DISABLED' };
  };
}

export interface Sidecar {
  readonly Name: string;
  readonly Image: string;
  readonly RepositoryCredentials?: RepositoryCredentials;
  readonly Essential?: boolean;
  readonly EntryPoint?: readonly string[];
  readonly Command?: readonly string[];
  readonly WorkingDirectory?: string;
  readonly User?: string;
  readonly Environment?: readonly Variable[];
  readonly Secrets?: readonly Secret[];
  readonly DependsOn?: readonly Dependency[];
  readonly MountPoints?: readonly MountPoint[];
  readonly VolumesFrom?: readonly { readonly SourceContainer: string; readonly ReadOnly?: boolean }[];
  readonly HealthCheck?: {
    readonly Command: readonly string[];
    readonly Interval?: number;
    readonly Timeout?: number;
    readonly Retries?: number;
    readonly StartPeriod?: number;
  };
  readonly Cpu?: number;
  readonly Memory?: number;
  readonly MemoryReservation?: number;
  readonly Privileged?: boolean;
  readonly ReadonlyRootFilesystem?: boolean;
  readonly LinuxParameters?: { readonly InitProcessEnabled?: boolean };
  readonly StartTimeout?: number;
  readonly StopTimeout?: number;
}
