// The construct: a Custom::BuildkiteAgent, whose provider is found by the export of its stack.
import { CustomResource, Duration, Fn } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Attribute, BuildkiteAgentProperties } from './properties.ts';

export class BuildkiteAgent extends CustomResource {
  constructor(scope: Construct, id: string, properties: BuildkiteAgentProperties) {
    super(scope, id, {
      resourceType: 'Custom::BuildkiteAgent',
      serviceToken: Fn.importValue('buildkite-agent-provider-ServiceToken'),
      // Above the 2880 s that the provider's three deliveries can take together.
      serviceTimeout: Duration.seconds(3000),
      properties: { ...properties },
    });
  }

  attribute(name: Attribute): string {
    return this.getAttString(name);
  }
}
