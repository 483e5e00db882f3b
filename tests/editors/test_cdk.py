"""The construct for the CDK: what its types refuse, that they are those of the schema, and what becomes of the example."""

import json
import re
import tempfile
import unittest
from pathlib import Path

from local import cdk
from local.tools import ROOT, ToolFailed
from test_cfn_lint import lint

SCHEMA = json.loads((ROOT / "schema/custom-buildkiteagent.json").read_text())
AGENT = "Image: 'ruby', TaskFamily: 'ruby'"


def reported(*lines):
    """What the compiler says of a file of these lines beside the construct, or nothing."""
    with cdk.copied() as directory:
        (directory / "app.ts").write_text("\n".join(lines))
        try:
            cdk.check(directory)
        except ToolFailed as failure:
            return re.findall(r"app\.ts\(([0-9]+),[0-9]+\): error TS[0-9]+: (.*)", str(failure))
        return []


def agents(*properties):
    """A file with an agent of each of these properties, one a line from the fourth on."""
    return (
        "import { Stack } from 'aws-cdk-lib';",
        "import { BuildkiteAgent } from './buildkite-agent.ts';",
        "const stack = new Stack();",
        *(f"new BuildkiteAgent(stack, 'A{index}', {{ {one} }});" for index, one in enumerate(properties)),
    )


def equal(type_, names):
    """A line that compiles if the type's names are these, no more and no less."""
    return f"((_: Record<{type_}, 0>) => _)({json.dumps(dict.fromkeys(names, 0))});"


class Types(unittest.TestCase):
    maxDiff = None

    def test_the_example_compiles(self):
        with cdk.copied() as directory:
            cdk.check(directory)

    def test_what_is_misspelt_or_missing_or_no_word_does_not_compile(self):
        found = reported(
            *agents(
                AGENT,
                f"{AGENT}, TaskCpus: 1024",
                f"{AGENT}, CpuArchitecture: 'ARM'",
                "Image: 'ruby'",
                f"{AGENT}, Secrets: [{{ Name: 'A' }}]",
                f"{AGENT}, Sidecars: [{{ Name: 'a', Image: 'b', Memry: 5 }}]",
            ),
            f"new BuildkiteAgent(stack, 'B', {{ {AGENT} }}).attribute('TaskRolId');",
        )
        self.assertEqual([line for line, _ in found], ["5", "6", "7", "8", "9", "10"], found)
        self.assertIn("Did you mean to write 'TaskCpu'?", found[0][1])

    def test_they_have_all_properties_and_attributes_of_the_schema(self):
        properties = SCHEMA["properties"]
        ours = properties.keys() - {"ServiceToken", "ServiceTimeout"}
        lines = [
            "import type * as p from './properties.ts';",
            equal("keyof p.BuildkiteAgentProperties", ours),
            equal("p.Attribute", SCHEMA["definitions"]["Attributes"]["properties"]),
        ]
        for name, type_ in (
            ("AgentConfiguration", "AgentConfiguration"),
            ("AgentContainer", "AgentContainer"),
            ("Hooks", "Hooks"),
            ("Sidecars", "Sidecar"),
            ("Secrets", "Secret"),
            ("Environment", "Variable"),
            ("Volumes", "Volume"),
            ("MountPoints", "MountPoint"),
            ("DependsOn", "Dependency"),
            ("RepositoryCredentials", "RepositoryCredentials"),
        ):
            shape = properties[name].get("items", properties[name])
            lines.append(equal(f"keyof p.{type_}", shape["properties"]))
        for name in ours:
            if "string" == properties[name]["type"] and "enum" in properties[name]:
                words = [word for word in properties[name]["enum"] if word]
                lines.append(equal(f"NonNullable<p.BuildkiteAgentProperties['{name}']>", words))
        self.assertEqual(reported(*lines), [])
        self.assertEqual(len(reported(*lines, equal("p.Attribute", ["TaskFamily"]))), 1)


class Template(unittest.TestCase):
    maxDiff = None

    def test_the_example_has_the_properties_as_they_were_written_and_no_fault(self):
        synthesised = cdk.template()
        (resource,) = json.loads(synthesised)["Resources"].values()
        properties = resource["Properties"]
        self.assertEqual(resource["Type"], "Custom::BuildkiteAgent")
        self.assertEqual(properties["ServiceToken"], {"Fn::ImportValue": "buildkite-agent-provider-ServiceToken"})
        self.assertEqual(properties["ServiceTimeout"], "3000")
        self.assertEqual((properties["TaskCpu"], properties["CpuArchitecture"]), (1024, "ARM64"))
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "gems.template.json"
            path.write_text(synthesised)
            self.assertEqual(lint(path), [])
            path.write_text(synthesised.replace('"TaskMemory": 2048', '"TaskMemory": 512'))
            ((_, _, message),) = lint(path)
            self.assertTrue(message.startswith("`TaskMemory` is 512; with `TaskCpu` 1024, Fargate has"), message)

    def test_the_page_shows_the_files(self):
        page = (ROOT / "docs/guides/cdk.md").read_text()
        for name in ("buildkite-agent.ts", "app.ts"):
            with self.subTest(name):
                self.assertIn(f"```ts\n{(cdk.EXAMPLE / name).read_text()}```", page)


if __name__ == "__main__":
    unittest.main()
