"""Every IAM policy checked by parliament: those in templates, and those that the provider writes for agents.

A policy in a template is looked at twice: with every condition met, and with none. Trust policies are left out, since
parliament knows none. local/policies.toml has the findings that are meant.
"""

import json
import re
import sys
import tempfile
import tomllib
from pathlib import Path

from local import intrinsics
from local.tools import ROOT, output

MEANT = Path(__file__).with_suffix(".toml")

# An agent with every property, and so with every right, in an account and a Region of its own.
EVERY_PROPERTY = ROOT / "crates/model/src/properties/every_property.json"
ACCOUNT = "123456789012"
REGION = "us-east-1"


def everywhere(command, templates):
    """All policies, by where they are."""
    policies = {}
    for path in templates:
        shown = str(path.relative_to(ROOT))
        policies |= {f"{shown} {place}": document for place, document in written(path.read_text()).items()}
        if "Custom::BuildkiteAgent" in path.read_text():
            policies |= {f"{shown} {place}": one for place, one in generated(command, path.read_text(), path).items()}
    return policies | {f"every property {place}": one for place, one in generated(command, every_property()).items()}


def written(text):
    """The policies in a template, by where they are."""
    template = intrinsics.read(text)
    found = {}
    for holds in (True, False):
        for place, part in _places(template["Resources"]):
            document = intrinsics.evaluate(template, part, holds)
            if document not in found.values():
                found[f"{place}{'' if holds else ' otherwise'}"] = document
    return found


def _places(value, place=()):
    """Where policies are in a part of a template."""
    if isinstance(value, list):
        for one in value:
            yield from _places(one, place)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "PolicyDocument":
                yield " ".join([*place, *filter(None, [value.get("PolicyName")])]), one
            elif key != "AssumeRolePolicyDocument":
                yield from _places(one, place or (key,))


def generated(command, text, path=None):
    """The policies that the provider writes for the agents of a template, by where they are."""
    parameters = intrinsics.read(text).get("Parameters", {})
    given = [f"--parameter={name}={intrinsics.given(name)}" for name, one in parameters.items() if "Default" not in one]
    with tempfile.TemporaryDirectory() as directory:
        if path is None:
            path = Path(directory) / "template.json"
            path.write_text(text)
        # Rights of an author's own need a boundary of the deployer's, and privileged containers its consent.
        boundary = f"PermissionsBoundaryArn=arn:aws:iam::{ACCOUNT}:policy/Boundary"
        options = ("--format", "json", "--provider", boundary, "--provider", "AllowPrivileged=true", "--region", REGION, "--account", ACCOUNT)
        planned = json.loads(output([command, "plan", path, *options, *given]))
    return {
        f"{logical_id} {role}": policy["PolicyDocument"]
        for logical_id, made in planned["resources"].items()
        for role in ("executionRole", "taskRole")
        for policy in (made.get(role) or {}).get("Policies", [])
    }


def every_property():
    """A template with the agent that has every property, but for rights of an author's own."""
    properties = json.loads(EVERY_PROPERTY.read_text(), object_hook=_without_null)
    del properties["TaskRolePolicies"]
    return json.dumps({"Resources": {"Agent": {"Type": "Custom::BuildkiteAgent", "Properties": properties}}})


def _without_null(values):
    return {name: value for name, value in values.items() if value is not None}


def findings(policies):
    """What parliament finds: policy, statement, issue and detail."""
    with tempfile.TemporaryDirectory() as directory:
        names = {}
        for index, (name, document) in enumerate(policies.items()):
            path = Path(directory) / f"{index}.json"
            path.write_text(_lines(document))
            names[str(path)] = name
        # It ends with a status of its own where it finds anything.
        program = Path(sys.executable).with_name("parliament")
        found = output([program, "--directory", directory, "--json"], statuses=(0, 1))
    for line in found.splitlines():
        finding = json.loads(line)
        policy = names[finding["location"]["filepath"]]
        statement = _statement(policies[policy], finding["location"].get("line"))
        yield policy, statement, finding["issue"], str(finding["detail"] or finding["title"])


def _lines(document):
    """A policy with each statement in a line of its own, by which its findings are known."""
    statements = ",\n".join(map(json.dumps, document["Statement"]))
    return f'{{"Version": {json.dumps(document.get("Version"))}, "Statement": [\n{statements}\n]}}'


def _statement(document, line):
    """The Sid, or else the number, of the statement in that line."""
    if line is None or not 2 <= line < 2 + len(document["Statement"]):
        return ""
    return document["Statement"][line - 2].get("Sid", str(line - 2))


def unexpected(found, meant):
    """The findings that no entry of `meant` fits, and the entries that fit none."""
    unused = list(meant)
    # In a list, parliament says the same of each action.
    for policy, statement, issue, detail in sorted(set(found)):
        fitting = [
            one
            for one in meant
            if one["issue"] == issue and re.fullmatch(one["policy"], policy) and re.fullmatch(one["statement"], statement)
        ]
        unused = [one for one in unused if one not in fitting]
        if not fitting:
            yield f"{policy}, statement {statement}: {issue}: {detail:.200}"
    for one in unused:
        yield f"{MEANT.name} means {one['issue']} of {one['policy']}, which is not found any more"


def main():
    """Prints what is wrong with the policies of the templates; the first argument is the command agent-composer."""
    command, *templates = sys.argv[1:]
    policies = everywhere(command, [ROOT / template for template in templates])
    faults = list(unexpected(findings(policies), tomllib.loads(MEANT.read_text())["meant"]))
    print("\n".join(f"  {line}" for line in [f"{len(policies)} policies", *faults]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
