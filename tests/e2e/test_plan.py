"""The command `plan`, as its user runs it: before a deployment, beside one, and instead of the provider."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import world
from local import tools
from local.cloud import ACCOUNT, REGION

MISTAKES = """
Resources:
  Ruby:
    Type: Custom::BuildkiteAgent
    Properties:
      ServiceToken: !ImportValue buildkite-agent-provider-ServiceToken
      Image: ruby:3.4
      BuildkiteAgentImag: buildkite/agent:3-sidecar
      TaskCpu: 1024
      TaskMemory: 1024
      Secrets:
        - Name: TOKEN
          ValueFrom: a token
"""


def plan(template, *arguments):
    """Runs it over a template's text."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "template.yml"
        path.write_text(template)
        run = [tools.command(), "plan", path, *arguments]
        variables = {"PATH": "/usr/bin:/bin", **(world.cloud().variables if "--against" in arguments else {})}
        done = subprocess.run(run, capture_output=True, text=True, check=False, env=variables)
        done.stderr = done.stderr.replace(directory + "/", "")
        return done


def against(template, stack, *arguments):
    """Runs it against the local cloud."""
    endpoint = f"http://127.0.0.1:{world.cloud().port}"
    looked = ("--against", REGION, "--endpoint-url", endpoint, "--stack-name", stack)
    return plan(template, *looked, *arguments)


class Plan(unittest.TestCase):
    def test_three_mistakes_are_seen_at_once_and_mended_before_a_deployment(self):
        found = plan(MISTAKES)
        self.assertEqual(found.returncode, 1)
        places = re.findall(r"--> template\.yml:(\d+):", found.stderr)
        self.assertEqual(places, ["8", "10", "13"])
        self.assertIn("did you mean `BuildkiteAgentImage`?", found.stderr)
        self.assertNotIn("\x1b", found.stdout + found.stderr)

        mended = MISTAKES.replace("AgentImag:", "AgentImage:").replace("Memory: 1024", "Memory: 2048").replace("a token", "/token")
        found = plan(mended)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        self.assertIn("task definition ruby", found.stdout)

    def test_what_is_not_a_template_is_distinguished_from_one_with_faults(self):
        for text in ("Resources: [", "", "a: 1\na: 2\n"):
            found = plan(text)
            self.assertEqual(found.returncode, 2, text)
            self.assertRegex(found.stderr, r"error: template\.yml:\d+:\d+: ")

    def test_a_parameter_that_is_not_there_is_reported(self):
        found = plan(MISTAKES, "--parameter", "Image=ruby")
        self.assertEqual((found.returncode, found.stdout), (2, ""))
        self.assertIn("no parameter `Image`", found.stderr)

    def test_every_example_as_a_native_template_is_sound_to_cfn_lint(self):
        provider = f"PermissionsBoundaryArn=arn:aws:iam::{ACCOUNT}:policy/BuildkiteAgentBoundary"
        for path in sorted(world.EXAMPLES.rglob("*.yml")):
            with self.subTest(path.name):
                allowed = ("--provider", provider, "--provider", "AllowPrivileged=true")
                made = plan(path.read_text(), "--format", "template", *allowed)
                self.assertEqual(made.returncode, 0, made.stderr)
                self.assertNotIn("buildkite-agent-provider", made.stdout)
                native = tools.STATE / f"native-{path.stem}.json"
                native.write_text(made.stdout)
                # W1001, W8001 and W2001: a parameter or condition that decided is written out and so not used any more.
                # W3002: nested templates are not packaged.
                lint = ("cfn-lint", "--ignore-checks", "W1001", "W2001", "W8001", "W3002", "W3010", "--", str(native))
                tools.run(lint, variables=tools.user_environment(), captured=True)


class Against(world.Case):
    def test_what_is_deployed_is_not_a_change_and_another_image_is_one(self):
        template = world.example("ruby")
        before = against(template, "planned", "--exit-code")
        self.assertEqual(before.returncode, 3, before.stderr)
        self.assertEqual(re.findall(r"^  (.) (\w+ \w+)", before.stdout, re.M), [
            ("+", "task definition"), ("+", "execution role"), ("+", "task role"), ("+", "log group"),
        ])

        self.created("planned", template)
        after = against(template, "planned", "--exit-code")
        self.assertEqual((after.returncode, after.stderr), (0, ""), after.stdout)
        self.assertNotRegex(after.stdout, "(?m)^  [^=]")

        changed = against(template.replace("ruby:2.7", "ruby:3.4"), "planned", "--exit-code", "--format", "json")
        self.assertEqual(changed.returncode, 3, changed.stderr)
        changes = {one["what"].split(",")[0]: one for one in json.loads(changed.stdout)["changes"]["Ruby2"]}
        self.assertEqual(changes["task definition ruby2"]["change"], "changed")
        signed = [line for line in changes["task definition ruby2"]["detail"] if line[0] != " " and '"image"' in line]
        self.assertEqual([line[0] for line in signed], ["-", "+"])

    def test_a_family_of_another_stack_is_seen_before_the_deployment(self):
        template = world.example("ruby")
        stack = self.created("owner", template)
        found = against(template, "another")
        self.assertEqual(found.returncode, 1, found.stderr)
        self.assertIn("  ! task definition ruby2, revision", found.stdout)
        self.assertIn(stack.id, found.stdout)

    def test_every_example_that_is_deployed_is_not_a_change(self):
        for name in ("buildkite", "rails", "arm64", "private-registry"):
            with self.subTest(name):
                template = world.example(name)
                self.created(f"planned-{name}", template)
                found = against(template, f"planned-{name}", "--exit-code")
                self.assertEqual((found.returncode, found.stderr), (0, ""), found.stdout)

    def test_the_native_template_makes_the_same_task_definition(self):
        template = world.example("rails")
        native = plan(template, "--format", "template", "--region", REGION, "--account", ACCOUNT)
        self.created("native", native.stdout)
        made, _ = world.definition(world.active("rails")[0])
        ours = json.loads(plan(template, "--format", "json", "--region", REGION, "--account", ACCOUNT).stdout)
        wanted = ours["resources"]["Rails"]["taskDefinition"]
        names = ("family", "cpu", "memory", "networkMode", "requiresCompatibilities")
        self.assertEqual({name: made[name] for name in names}, {name: wanted[name] for name in names})
        # Of a native definition, the local cloud keeps some words in CloudFormation's casing: those are left out here.
        words = ("name", "image", "essential", "command", "entryPoint", "mountPoints", "volumesFrom", "logConfiguration")
        for one, other in zip(made["containerDefinitions"], wanted["containerDefinitions"], strict=True):
            self.assertEqual({word: one.get(word) for word in words if word in other}, {word: other[word] for word in words if word in other})


if __name__ == "__main__":
    unittest.main()
