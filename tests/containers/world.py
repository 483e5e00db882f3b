"""What the scenarios stand on: a resource's task definition as `agent-composer plan` gives it."""

import json
import os
import subprocess
import unittest

from local import tools

from task import Task

TOKEN = "/buildkite/agent-token"
BACKEND = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod"
ARGUMENTS = ("--format", "json", "--region", "us-east-1", "--account", "123456789012")
# A provider that allows all that the examples use.
BOUNDARY = "PermissionsBoundaryArn=arn:aws:iam::123456789012:policy/BuildkiteAgentBoundary"
PROVIDER = ("--provider", BOUNDARY, "--provider", "AllowPrivileged=true")


def build():
    """Builds the command, with the Rust tests' dependencies."""
    tools.command()


def planned(path):
    """The task definitions of a template, by the resources' names."""
    done = subprocess.run([tools.command(), "plan", path, *ARGUMENTS, *PROVIDER], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    resources = json.loads(done.stdout)["resources"]
    return {name: one["taskDefinition"] for name, one in resources.items()}


class Case(unittest.TestCase):
    """A scenario."""

    maxDiff = None

    def composed(self, **properties):
        """The task definition of a resource with these properties."""
        resource = {"Type": "Custom::BuildkiteAgent", "Properties": {"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:p", **properties}}
        path = tools.STATE / "containers" / f"{self.id()}-{os.urandom(4).hex()}.json"
        path.write_text(json.dumps({"Resources": {"Agent": resource}}))
        return planned(path)["Agent"]

    def task(self, job="checkout", changed=None, secrets=(), files=(), environment=(), command=None, second=0.1, start_second=0.5, **properties):
        """The task, started as the scheduler does; `changed` is a deliberate break of the definition."""
        definition = self.composed(**properties)
        if changed:
            changed(definition)
        secrets = {TOKEN: "a token"} | dict(secrets)
        return Task(
            definition,
            secrets=secrets,
            files=files,
            command=command or ["start", "--disconnect-after-job"],
            environment={"BUILDKITE_AGENT_ACQUIRE_JOB": "0190", "STUB_JOB": job} | dict(environment),
            second=second,
            start_second=start_second,
        )

    def assert_worked(self, task):
        """The job was done and the agent ended well."""
        logs = {name: task.log(name) for name in task.containers}
        self.assertEqual((task.code(), "job: finished" in task.log()), (0, True), (task.stopping, logs))


def container(definition, name):
    """A container of a definition."""
    (found,) = [one for one in definition["containerDefinitions"] if one["name"] == name]
    return found
