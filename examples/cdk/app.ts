// A stack with one agent and a parameter that it may read; it outputs what other stacks and iam-ssh-agent need.
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { BuildkiteAgent } from './buildkite-agent.ts';

const app = new App();
const stack = new Stack(app, 'gems');
const host = StringParameter.fromStringParameterName(stack, 'Host', '/gems/host');

const agent = new BuildkiteAgent(stack, 'Agent', {
  Image: 'ruby:3.4',
  BuildkiteAgentImage: 'buildkite/agent:3-sidecar',
  TaskFamily: 'gems',
  TaskCpu: 1024,
  TaskMemory: 2048,
  CpuArchitecture: 'ARM64',
  Secrets: [{ Name: 'GEM_HOST', ValueFrom: host.parameterArn }],
});

new CfnOutput(stack, 'TaskDefinition', { value: agent.ref });
new CfnOutput(stack, 'TaskRoleId', { value: agent.attribute('TaskRoleId') });
