"""What ./release leaves: it is deployed without a compiler, from a folder that has nothing else."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

import world
import yaml
from application_repository import ApplicationRepository
from local import archive, crates, deploy, intrinsics, tools
from local.cloud import REGION
from local.tools import ROOT

BUILT = ROOT / ".aws-sam/build/Provider/bootstrap"
ZIP = f"provider-{crates.version()}-x86_64.zip"

# Where a machine without Rust looks for programs.
PATH = "/usr/bin:/bin"


def release(out):
    """Has ./release write a release of what is built; a file takes the place of the command, whose build takes minutes."""
    tools.run([ROOT / "release", "--output", out, "--built", f"x86_64={BUILT}", "--command", ROOT / "LICENSE"])
    return out


def folder(test):
    """An empty folder outside of the repository, for as long as the tests of a class run."""
    made = tempfile.TemporaryDirectory()
    test.addClassCleanup(made.cleanup)
    return Path(made.name)


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.release = release(folder(cls) / "dist")

    def test_the_same_input_gives_the_same_bytes(self):
        again = release(folder(type(self)) / "dist")
        names = sorted(path.name for path in self.release.iterdir())
        self.assertEqual(names, sorted(path.name for path in again.iterdir()))
        for name in names:
            with self.subTest(name):
                self.assertEqual((self.release / name).read_bytes(), (again / name).read_bytes())

    def test_the_hashes_are_those_of_all_files(self):
        lines = (self.release / "SHA256SUMS").read_text().splitlines()
        sums = {name: sum_ for sum_, name in (line.split("  ") for line in lines)}
        self.assertEqual({*sums, "SHA256SUMS"}, {path.name for path in self.release.iterdir()})
        for name, sum_ in sums.items():
            self.assertEqual(hashlib.sha256((self.release / name).read_bytes()).hexdigest(), sum_)

    def test_a_zip_has_the_program_alone_which_may_be_run_and_has_no_time(self):
        with zipfile.ZipFile(self.release / ZIP) as zipped:
            (entry,) = zipped.infolist()
            self.assertEqual(zipped.read(entry), BUILT.read_bytes())
        self.assertEqual((entry.filename, entry.date_time), ("bootstrap", (1980, 1, 1, 0, 0, 0)))
        self.assertEqual((entry.external_attr >> 16, entry.create_system), (0o100755, 3))

    def test_a_zip_does_not_depend_on_when_and_where_it_is_written(self):
        directory = folder(type(self))
        for name in ("one.zip", "other.zip"):
            archive.write(directory / name, b"\x7fELF" * 1000)
        self.assertEqual((directory / "one.zip").read_bytes(), (directory / "other.zip").read_bytes())

    def test_every_crate_of_a_program_is_in_its_document_and_in_the_notices(self):
        notices = (self.release / "THIRD-PARTY-NOTICES.txt").read_text()
        for package, name in ((crates.FUNCTION, "provider"), (crates.COMMAND, "agent-composer")):
            known = crates.of(package)
            self.assertEqual(known[0].name, package)
            document = json.loads((self.release / f"{name}.cdx.json").read_text())
            self.assertEqual((document["bomFormat"], document["specVersion"]), ("CycloneDX", "1.6"))
            self.assertEqual(document["metadata"]["component"]["name"], package)
            listed = {(one["name"], one["version"]): one for one in document["components"]}
            self.assertEqual(listed.keys(), {crate.key for crate in known[1:]})
            for crate in known[1:]:
                with self.subTest(crate.name):
                    self.assertTrue(listed[crate.key]["licenses"])
                    if crate.checksum:
                        self.assertEqual(listed[crate.key]["hashes"], [{"alg": "SHA-256", "content": crate.checksum}])
                        self.assertIn(f"\n{crate.name} {crate.version} (", notices)
        # Of the function, and not of what builds it or of the command.
        function = {crate.name for crate in crates.of(crates.FUNCTION)}
        self.assertIn("rustls", function)
        self.assertTrue(function.isdisjoint({"clap", "serde_derive", "cc", "insta"}))

    def test_the_readme_leads_nowhere_outside_of_the_release(self):
        readme = (self.release / "README.md").read_text()
        self.assertNotRegex(readme, r"\]\((?!https:)")
        for name in ("provider.yml", "provider.cfn.yml", "agent-composer", "provider.cdx.json", "SHA256SUMS"):
            self.assertIn(f"`{name}`", readme)

    def test_a_folder_with_other_files_is_left_alone(self):
        directory = folder(type(self))
        (directory / "mine").touch()
        with self.assertRaisesRegex(tools.ToolFailed, "name an empty folder"):
            release(directory)
        self.assertTrue((directory / "mine").exists())

    def test_the_plain_template_has_no_transform_and_is_sound_to_cfn_lint(self):
        path = self.release / "provider.cfn.yml"
        template = yaml.safe_load(path.read_text())
        self.assertNotIn("Transform", template)
        self.assertFalse([one["Type"] for one in template["Resources"].values() if "Serverless" in one["Type"]])
        # Each of template.yml's parameters, with its default, still decides.
        source = (ROOT / "template.yml").read_text()
        written = re.findall(r"(?m)^  (\w+):\n    Type: (?:String|Number|CommaDelimitedList)\n", source)
        self.assertEqual(list(template["Parameters"]), ["CodeBucket", "CodeKey", *written])
        text = json.dumps([template["Resources"], template["Conditions"]])
        for name in template["Parameters"]:
            self.assertTrue(f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text, name)
        tools.run(("cfn-lint", "--", str(path)), variables=tools.user_environment())


class Deployed(world.Case):
    @classmethod
    def setUpClass(cls):
        cls.release = release(folder(cls) / "dist")
        for name in ("releases", "applications"):
            world.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})

    def agent_comes_up(self, stack, provider):
        """With the provider of that stack and name, whose functions have the code of the release."""
        deploy.answer_locally(world.cloud(), stack)
        code = hashlib.sha256((self.release / ZIP).read_bytes()).digest()
        for name in (provider, f"{provider}-handler"):
            found = world.client("lambda").get_function_configuration(FunctionName=name)
            self.assertEqual(found["CodeSha256"], base64.b64encode(code).decode())
            self.assertEqual(found["Architectures"], ["x86_64"])
        token = {"Fn::ImportValue": f"{provider}-ServiceToken"}
        agents = self.created("pets", world.template({"Pets": world.agent(ServiceToken=token, Image="ruby:3.4")}))
        self.assertEqual(len(world.active("pets")), 1)
        # Before the provider is.
        self.assertEqual(agents.delete(), "DELETE_COMPLETE")

    def test_with_sam_from_the_folder_alone_and_without_cargo(self):
        self.assertIsNone(shutil.which("cargo", path=PATH))
        sam = tools.environment("sam") / "bin/sam"
        words = ("deploy", "--template-file", "provider.yml", "--stack-name", "from-a-zip", "--resolve-s3")
        options = ("--capabilities", "CAPABILITY_IAM", "--parameter-overrides", "FunctionName=released")
        variables = tools.user_environment() | world.cloud().variables | {"PATH": PATH}
        done = subprocess.run(
            [sam, *words, *options], cwd=self.release, env=variables, capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.addCleanup(deploy.delete, world.cloud(), "from-a-zip")
        self.agent_comes_up("from-a-zip", "released")

    def test_sam_publishes_it_and_the_application_repository_takes_it(self):
        with ApplicationRepository() as repository:
            done = self.published("provider.yml", repository)
            self.assertIn("Publish Succeeded", done.stdout, done.stderr)
            (application,) = repository.received
        described = {name: application[name] for name in ("name", "author", "spdxLicenseId", "semanticVersion", "labels")}
        self.assertEqual(
            described,
            {
                "name": "agent-composer",
                "author": "agent-composer",
                "spdxLicenseId": "BSD-3-Clause",
                "semanticVersion": crates.version(),
                "labels": ["buildkite", "ecs", "fargate", "cloudformation", "custom-resource"],
            },
        )
        for name, file in (("licenseUrl", "LICENSE"), ("readmeUrl", "README.md")):
            self.assertEqual(self.object(application[name]), (self.release / file).read_bytes())
        functions = [
            resource["Properties"]
            for resource in intrinsics.read(application["templateBody"])["Resources"].values()
            if resource["Type"] == "AWS::Serverless::Function"
        ]
        self.assertEqual(len(functions), 2)
        for function in functions:
            self.assertEqual(self.object(function["CodeUri"]), (self.release / ZIP).read_bytes())

    def test_sam_refuses_to_publish_what_has_no_author_and_the_repository_what_it_does_not_take(self):
        text = (self.release / "provider.yml").read_text()
        for name, instead, refusal in (
            ("without-author.yml", "", "author properties not provided"),
            ("with-spaces.yml", "    Author: the maintainers\n", "author: 'the maintainers'"),
        ):
            with self.subTest(name), ApplicationRepository() as repository:
                path = self.release / name
                path.write_text(re.sub(r"(?m)^    Author: .*\n", instead, text))
                self.addCleanup(path.unlink)
                done = self.published(name, repository)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(refusal, done.stdout + done.stderr)

    def published(self, template, repository):
        """What `sam publish` says of a template of the release, packaged as the guide shows it."""
        packaged = folder(type(self)) / "packaged.yml"
        sam = tools.environment("sam") / "bin/sam"
        words = ("--template-file", self.release / template, "--s3-bucket", "applications", "--output-template-file", packaged)
        variables = tools.user_environment() | world.cloud().variables
        tools.run([sam, "package", *words], variables=variables)
        address = {"AWS_ENDPOINT_URL_SERVERLESSAPPLICATIONREPOSITORY": repository.address}
        command = [sam, "publish", "--template", packaged, "--region", "us-east-1"]
        return subprocess.run(command, env=variables | address, capture_output=True, text=True, check=False)

    def object(self, address):
        bucket, key = re.fullmatch(r"s3://([^/]+)/(.+)", address).groups()
        return world.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def test_with_cloudformation_alone(self):
        world.client("s3").upload_file(str(self.release / ZIP), "releases", ZIP)
        body = (self.release / "provider.cfn.yml").read_text()
        self.created("plain", body, CodeBucket="releases", FunctionName="plain")
        self.agent_comes_up("plain", "plain")


if __name__ == "__main__":
    unittest.main()
