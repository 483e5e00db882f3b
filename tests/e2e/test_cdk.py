"""The CDK example, synthesised and deployed as the CDK would deploy it: what becomes of it, and what its outputs say."""

import unittest

import world
from local import cdk
from local.cloud import ACCOUNT, REGION

# What "cdk bootstrap" leaves in an account, as far as a synthesised template asks for it.
BOOTSTRAPPED = {"Name": "/cdk-bootstrap/hnb659fds/version", "Type": "String", "Value": "31"}


class Example(world.Case):
    def test_it_has_its_family_and_its_attributes_and_goes_away(self):
        world.client("ssm").put_parameter(**BOOTSTRAPPED)
        self.addCleanup(world.client("ssm").delete_parameter, Name=BOOTSTRAPPED["Name"])

        stack = self.created("gems", cdk.template())

        (arn,) = world.active("gems")
        definition, _ = world.definition(arn)
        agent = next(one for one in definition["containerDefinitions"] if one["name"] == "agent")
        self.assertEqual(agent["image"], "ruby:3.4")
        self.assertEqual((definition["cpu"], definition["memory"]), ("1024", "2048"))
        self.assertEqual(definition["runtimePlatform"]["cpuArchitecture"], "ARM64")
        secrets = {one["name"]: one["valueFrom"] for one in agent["secrets"]}
        self.assertEqual(secrets["GEM_HOST"], f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/gems/host")

        outputs = stack.outputs()
        self.assertEqual(outputs["TaskDefinition"], arn.rsplit(":", 1)[0])
        self.assertEqual(outputs["TaskRoleId"], world.role(definition["taskRoleArn"])["RoleId"])


if __name__ == "__main__":
    unittest.main()
