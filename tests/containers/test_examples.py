"""Every example that composes an agent starts one, with stub images."""

import json

import world
from local.tools import ROOT, STATE
from task import Task

SECOND = 0.05
EXAMPLES = [path for path in sorted((ROOT / "examples").rglob("*.yml")) if "Type: Custom::BuildkiteAgent" in path.read_text()]


class Anything(dict):
    """Secrets of every name."""

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        return f"the value of {name}"


def stub_for(container, sidecar):
    """The stub image for a container's."""
    if container["name"] == "agent":
        return "bash" if sidecar else "own-agent"
    return {"agent-init": "full", "ssh-agent": "ssh"}.get(container["name"], "service")


class Examples(world.Case):
    def assert_starts(self, definition):
        """The agent does its job, and the task ends well."""
        containers = definition["containerDefinitions"]
        sidecar = any(one["name"] == "agent-init" for one in containers)
        for one in containers:
            one["image"] = stub_for(one, sidecar) + ":1"
            if one["name"] == "agent-init" and not any("/injection" in word for word in one["command"]):
                one["image"] = "sidecar:1"
            # What an author's service runs is not there, only how it is wired; what ends by itself is busybox's.
            if one["image"] == "service:1" and one["essential"]:
                one["entryPoint"], one["command"] = ["serve"], []
                if "healthCheck" in one:
                    one["healthCheck"]["command"] = ["CMD", "true"]
        task = Task(definition, command=["start"], environment={"STUB_JOB": "checkout"}, second=SECOND)
        task.secrets = Anything()
        self.assert_worked(task.run())

    def test_what_ecs_describes_of_each_example_starts(self):
        described = sorted((STATE / "described").glob("*.json"))
        self.assertTrue(described, "./test e2e keeps what the local cloud describes, and has not run")
        for path in described:
            with self.subTest(path.stem):
                self.assert_starts(json.loads(path.read_text()))


def _starts(path):
    def starts(self):
        definitions = world.planned(path)
        self.assertTrue(definitions)
        for resource, definition in definitions.items():
            with self.subTest(resource):
                self.assert_starts(definition)

    return starts


for path in EXAMPLES:
    setattr(Examples, f"test_{path.stem.replace('-', '_')}", _starts(path))
