// The construct: a Custom::BuildkiteAgent, whose provider is found by the export of its stack.
import { CustomResource, Duration, Fn } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Attribute, BuildkiteAgentProperties } from './properties.ts';

export class BuildkiteAgent extends CustomResource {
  constructor(scope: Construct, id: string, properties: BuildkiteAgentProperties) {
    super(scope, id, {
      resourceType: 'Custom::BuildkiteAgent',
      serviceToken: Fn.importValue('buildkite-agent-provider-ServiceToken'),
      // Enough for every try of a request, and a wait in the queue.
      serviceTimeout: Duration.seconds(3000),
      properties: { ...properties },
    });
  }

  attribute(name: Attribute): string {
    return this.getAttString(name);
  }
}
