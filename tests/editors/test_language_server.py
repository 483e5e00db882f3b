"""An author's editor: the YAML language server with schema/template.json, set up as docs/guides/editors.md says."""

import json
import re
import tempfile
import unittest
from pathlib import Path

from language_server import LanguageServer
from local import checks
from local.tools import ROOT

TEMPLATES = Path(__file__).with_name("templates")
SCHEMA = ROOT / "schema/template.json"


def documented():
    """The settings that the page has for VS Code."""
    page = (ROOT / "docs/guides/editors.md").read_text()
    return json.loads(re.search(r"```json\n(.*?)```", page, re.DOTALL)[1])


def settings(**more):
    """As the editor hands them to the server, for any YAML file; without the catalogue that it would download."""
    tags = documented()["yaml.customTags"]
    return {"yaml": {"validate": True, "schemaStore": {"enable": False}, "customTags": tags, **more}}


class Editor(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(LanguageServer(settings(schemas={SCHEMA.as_uri(): ["*.yml"]})))

    def test_three_mistakes_are_underlined_where_they_are(self):
        self.assertEqual(
            self.server.problems(TEMPLATES / "three-mistakes.yml"),
            [
                (13, "Property BuildkiteAgentImge is not allowed."),
                (15, "with `TaskCpu` 1024, Fargate has 2048 to 8192 in steps of 1024"),
                (16, 'Value is not accepted. Valid values: "X86_64", "ARM64", "x86_64", "arm64", "".'),
            ],
        )

    def test_the_page_shows_what_is_seen(self):
        page = (ROOT / "docs/guides/editors.md").read_text()
        messages = [message for _, message in self.server.problems(TEMPLATES / "three-mistakes.yml")]
        self.assertIn("```text\n" + "\n".join(messages) + "\n```", page)

    def test_faults_that_do_not_depend_on_texts_are_underlined(self):
        found = dict(self.server.problems(TEMPLATES / "faults.yml"))
        lines = (TEMPLATES / "faults.yml").read_text().splitlines()
        for text in (
            "`Imgae` is not a property",
            "`Sidecars[0].Imgae` is not a property",
            "`Secrets[1].Name` is required",
            "`TaskMemory` is 512 (the default)",
            "`TaskMemory` is '4000'",
            "`TaskCpu` is 300",
            "`EphemeralStorage.SizeInGiB` is 20",
            "`Sidecars[0].DependsOn[0].Condition` is 'READY'",
            "`Sidecars[1].Name` is 'ssh-agent'",
            "`Privileged` is not supported on Fargate",
            "`TaskRolePolicies` is for the role that is made",
            "`NetworkMode` is 'bridge'",
            "`SSH_AUTH_SOCK` is what the provider sets",
            "`Sidecars[0].StopTimeout` is 121",
            "`EphemeralStorage` is for Fargate alone",
            "`EFSVolumeConfiguration` is not for EXTERNAL",
            "`TaskRolePolicies[1].PolicyDocument.Statement.Condition.StringEqual` is",
        ):
            saying = [number for number, line in enumerate(lines, 1) if f"#! {text}" in line]
            self.assertTrue(saying, text)
            self.assertEqual([number for number in saying if number not in found], [], text)
        # A list is underlined at its first element.
        self.assertEqual([line for line in found if "#!" not in lines[line - 1] + lines[line - 2]], [])

    def test_what_is_sound_is_not_underlined(self):
        for path in [TEMPLATES / "sound.yml", *checks.TEMPLATES]:
            with self.subTest(path.name):
                self.assertEqual(self.server.problems(path), [])


class Modeline(unittest.TestCase):
    def test_a_template_can_name_its_schema_itself(self):
        with tempfile.TemporaryDirectory() as directory, LanguageServer(settings()) as server:
            template = Path(directory) / "template.yml"
            mistakes = (TEMPLATES / "three-mistakes.yml").read_text()
            template.write_text(f"# yaml-language-server: $schema={SCHEMA}\n{mistakes}")
            self.assertEqual([line for line, _ in server.problems(template)], [14, 16, 17])
            self.assertIn("CPU units, 1024 of which are one vCPU", server.explained(template, 15, 8))
            self.assertEqual(server.problems(TEMPLATES / "three-mistakes.yml"), [])


if __name__ == "__main__":
    unittest.main()
