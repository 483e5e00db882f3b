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
  /** Hooks of the agent by their names; with `COPY`. */
  readonly Hooks?: Hooks;
  readonly BuildkiteAgentTokenParameterPath?: string;
  readonly AgentConfiguration?: AgentConfiguration;
  readonly SigningKey?: string;
  readonly Refresh?: string;
  readonly CancelOnStop?: boolean;
  readonly SshAgentBackend?: string;
  readonly SshAgentImage?: string;
  readonly SshAgentImageRepositoryCredentials?: RepositoryCredentials;
  readonly SshAgentEnvironment?: readonly Variable[];
  readonly Secrets?: readonly Secret[];
  readonly SecretsKmsKeyArns?: readonly string[];
  readonly Environment?: readonly Variable[];
  readonly AgentContainer?: AgentContainer;
  readonly Sidecars?: readonly Sidecar[];
  readonly Volumes?: readonly Volume[];
  readonly MountPoints?: readonly MountPoint[];
  readonly DependsOn?: readonly Dependency[];
  readonly RequiresCompatibilities?: readonly ('FARGATE' | 'EC2' | 'MANAGED_INSTANCES' | 'EXTERNAL')[];
  readonly NetworkMode?: 'awsvpc' | 'bridge' | 'host' | 'none';
  readonly Privileged?: boolean;
  readonly PidMode?: 'host' | 'task';
  readonly IpcMode?: 'host' | 'task' | 'none';
  readonly PlacementConstraints?: readonly { readonly Type: 'memberOf'; readonly Expression: string }[];
  readonly EnableFaultInjection?: boolean;
  readonly ProxyConfiguration?: {
    readonly Type?: 'APPMESH';
    readonly ContainerName: string;
    readonly ProxyConfigurationProperties?: readonly Variable[];
  };
  /** On Fargate a pair that it has with `TaskMemory`; absent, 256. */
  readonly TaskCpu?: number;
  /** MiB; absent, 512. */
  readonly TaskMemory?: number;
  readonly EphemeralStorage?: { readonly SizeInGiB: number };
  readonly OperatingSystemFamily?: 'LINUX' | 'linux';
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

/** Each is a script. */
export interface Hooks {
  readonly 'pre-bootstrap'?: string;
  readonly environment?: string;
  readonly 'pre-checkout'?: string;
  readonly checkout?: string;
  readonly 'post-checkout'?: string;
  readonly 'pre-command'?: string;
  readonly command?: string;
  readonly 'post-command'?: string;
  readonly 'pre-artifact'?: string;
  readonly 'post-artifact'?: string;
  readonly 'pre-exit'?: string;
  readonly 'agent-startup'?: string;
  readonly 'agent-shutdown'?: string;
}

/** One of the configurations, or none for an empty directory of the task. */
export interface Volume {
  readonly Name: string;
  readonly Host?: { readonly SourcePath?: string };
  readonly DockerVolumeConfiguration?: {
    readonly Scope?: 'task' | 'shared';
    readonly Autoprovision?: boolean;
    readonly Driver?: string;
    readonly DriverOpts?: Readonly<Record<string, string>>;
    readonly Labels?: Readonly<Record<string, string>>;
  };
  readonly ConfiguredAtLaunch?: boolean;
  readonly EFSVolumeConfiguration?: {
    readonly FilesystemId: string;
    readonly RootDirectory?: string;
    readonly TransitEncryption?: 'ENABLED' | 'DISABLED';
    readonly TransitEncryptionPort?: number;
    readonly AuthorizationConfig?: { readonly AccessPointId?: string; readonly IAM?: 'ENABLED' | 'DISABLED' };
  };
}

/** What every container may have, in the words of ECS. */
export interface Container {
  readonly WorkingDirectory?: string;
  readonly User?: string;
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
  readonly ReadonlyRootFilesystem?: boolean;
  readonly LinuxParameters?: LinuxParameters;
  readonly Ulimits?: readonly { readonly Name: string; readonly SoftLimit: number; readonly HardLimit: number }[];
  readonly SystemControls?: readonly { readonly Namespace: string; readonly Value: string }[];
  readonly DockerLabels?: Readonly<Record<string, string>>;
  readonly PortMappings?: readonly {
    readonly ContainerPort?: number;
    readonly ContainerPortRange?: string;
    readonly HostPort?: number;
    readonly Protocol?: 'tcp' | 'udp';
    readonly Name?: string;
    readonly AppProtocol?: 'http' | 'http2' | 'grpc';
  }[];
  readonly ExtraHosts?: readonly { readonly Hostname: string; readonly IpAddress: string }[];
  readonly DnsServers?: readonly string[];
  readonly DnsSearchDomains?: readonly string[];
  readonly Hostname?: string;
  readonly DockerSecurityOptions?: readonly string[];
  readonly EnvironmentFiles?: readonly { readonly Type: 's3'; readonly Value: string }[];
  readonly LogConfiguration?: {
    readonly LogDriver: string;
    readonly Options?: Readonly<Record<string, string>>;
    readonly SecretOptions?: readonly Secret[];
  };
  readonly FirelensConfiguration?: {
    readonly Type: 'fluentbit' | 'fluentd';
    readonly Options?: Readonly<Record<string, string>>;
  };
  readonly ResourceRequirements?: readonly { readonly Type: 'GPU'; readonly Value: string }[];
  readonly Interactive?: boolean;
  readonly PseudoTerminal?: boolean;
  readonly VersionConsistency?: 'enabled' | 'disabled';
  readonly StartTimeout?: number;
}

/** What the agent's own container has beside what is a property. */
export type AgentContainer = Container;

export interface Sidecar extends Container {
  readonly Name: string;
  readonly Image: string;
  readonly RepositoryCredentials?: RepositoryCredentials;
  readonly Essential?: boolean;
  readonly EntryPoint?: readonly string[];
  readonly Command?: readonly string[];
  readonly Environment?: readonly Variable[];
  readonly Secrets?: readonly Secret[];
  readonly DependsOn?: readonly Dependency[];
  readonly MountPoints?: readonly MountPoint[];
  readonly Privileged?: boolean;
  readonly RestartPolicy?: {
    readonly Enabled: boolean;
    readonly IgnoredExitCodes?: readonly number[];
    readonly RestartAttemptPeriod?: number;
  };
  readonly StopTimeout?: number;
}

export interface LinuxParameters {
  readonly Capabilities?: { readonly Add?: readonly string[]; readonly Drop?: readonly string[] };
  readonly Devices?: readonly {
    readonly HostPath: string;
    readonly ContainerPath?: string;
    readonly Permissions?: readonly ('read' | 'write' | 'mknod')[];
  }[];
  readonly InitProcessEnabled?: boolean;
  readonly MaxSwap?: number;
  readonly SharedMemorySize?: number;
  readonly Swappiness?: number;
  readonly Tmpfs?: readonly {
    readonly ContainerPath: string;
    readonly Size: number;
    readonly MountOptions?: readonly string[];
  }[];
}
