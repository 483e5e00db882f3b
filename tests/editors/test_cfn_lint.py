"""The rules for cfn-lint: every fault in faults.yml on its line and nothing else, and no alarm about what is sound."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from local import tools
from local.tools import ROOT

TEMPLATES = Path(__file__).with_name("templates")
RULES = ROOT / "cfn-lint"


def lint(*paths, rules=RULES, directory=ROOT):
    """What cfn-lint finds in these templates with the rules appended: (file, line, message) of each."""
    done = subprocess.run(
        ["cfn-lint", "--append-rules", rules, "--format", "json", "--", *paths],
        cwd=directory,
        env=tools.user_environment(),
        capture_output=True,
        text=True,
    )
    # Each bit is a kind of finding; 1 and 32 are failures of cfn-lint's own.
    assert done.returncode in (0, 2, 4, 6, 8, 10, 12, 14), done.stderr
    return [
        (Path(one["Filename"]).name, one["Location"]["Start"]["LineNumber"], one["Message"])
        for one in json.loads(done.stdout)
    ]


def expected(path):
    """What a template says itself of its faults: (line, the message's beginning), after each "#!"."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for message in re.split(r"\s*#! ", line)[1:]:
            yield number, message


class Faults(unittest.TestCase):
    maxDiff = None

    def test_every_fault_is_found_on_its_line_and_nothing_else_is(self):
        wanted = list(expected(TEMPLATES / "faults.yml"))
        self.assertGreater(len(wanted), 80)
        found = []
        for _, line, message in lint(TEMPLATES / "faults.yml"):
            known = [text for number, text in wanted if number == line and message.startswith(text)]
            found.append((line, known[0] if known else message))
        self.assertEqual(sorted(found), sorted(wanted))

    def test_the_page_shows_what_is_found(self):
        page = (ROOT / "docs/guides/editors.md").read_text()
        found = lint(TEMPLATES / "three-mistakes.yml")
        self.assertEqual(len(found), 3)
        for _, line, message in found:
            self.assertIn(f"E9301 {message}\ntemplate.yml:{line}:7\n", page)

    def test_what_may_be_a_secret_is_not_repeated(self):
        messages = [message for _, _, message in lint(TEMPLATES / "faults.yml")]
        self.assertFalse([message for message in messages if "correct horse" in message or "password" in message])


class Sound(unittest.TestCase):
    maxDiff = None

    def test_intrinsics_conditions_parameters_and_empty_strings_are_not_faults(self):
        self.assertEqual(lint(TEMPLATES / "sound.yml"), [])

    def test_every_property_that_the_provider_reads_is_known(self):
        properties = json.loads((ROOT / "crates/model/src/properties/every_property.json").read_text())
        # No template may have a null.
        properties = {name: value for name, value in properties.items() if value is not None}
        properties["ServiceToken"] = {"Fn::ImportValue": "buildkite-agent-provider-ServiceToken"}
        with tempfile.TemporaryDirectory() as directory:
            template = Path(directory) / "template.json"
            resource = {"Type": "Custom::BuildkiteAgent", "Properties": properties}
            template.write_text(json.dumps({"Resources": {"Every": resource}}))
            self.assertEqual(lint(template), [])

    def test_copies_of_the_two_folders_work_anywhere(self):
        with tempfile.TemporaryDirectory() as directory:
            for folder in ("cfn-lint", "schema"):
                shutil.copytree(ROOT / folder, Path(directory) / folder)
            template = Path(directory) / "template.yml"
            template.write_text("Resources: {A: {Type: Custom::BuildkiteAgent, Properties: {ServiceToken: a, Imgae: b}}}")
            found = lint("template.yml", rules="cfn-lint", directory=directory)
        self.assertEqual(len([message for _, _, message in found if "did you mean `Image`?" in message]), 1, found)


if __name__ == "__main__":
    unittest.main()
