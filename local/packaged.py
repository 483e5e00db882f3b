"""template.yml for those who have a zip and no compiler: with the zip beside it, and without SAM."""

import copy
import os
import re

import yaml

from local import intrinsics
from local.cloud import REGION

# How a build makes the function; beside a zip there is nothing to build.
BUILD = r"(?m)^(?:    # .*SAM builds.*\n)?    Metadata:\n      BuildMethod: .*\n      BuildProperties:\n        Binary: .*\n"

# Where a deployment finds the zip.
CODE = {
    "CodeBucket": {
        "Type": "String",
        "Description": "S3 bucket with the zip of the functions, in the Region of the stack.",
        "MinLength": 3,
    },
    "CodeKey": {
        "Type": "String",
        "Description": "Key of the zip in the bucket. A function gets other code only if this changes.",
        "MinLength": 1,
    },
}


def beside(text, archive, architecture):
    """template.yml as text, for the zip of that name in its folder."""
    text = _changed(text, BUILD, "", 2)
    text = _changed(text, r"(?m)^      CodeUri: \.$", f"      CodeUri: {archive}", 2)
    text = _changed(text, r"Default: x86_64", f"Default: {architecture}", 1)
    text = _changed(text, r"AllowedValues: \[x86_64, arm64\]", f"AllowedValues: [{architecture}]", 1)
    text = _changed(text, r" Name it to sam build as well\.", "", 1)
    text = _changed(text, r"must be x86_64 or arm64", f"must be {architecture}", 1)
    text = _changed(text, r"ReadmeUrl: .*", "ReadmeUrl: README.md", 1)
    return text


def _changed(text, pattern, instead, times):
    """The text with the pattern replaced, which must be in it so often."""
    changed, found = re.subn(pattern, lambda _: instead, text)
    if found != times:
        raise ValueError(f"template.yml has {pattern!r} {found} times and not {times}: local/packaged.py must follow it")
    return changed


def plain(text, archive):
    """template.yml without a transform, for a zip that is in a bucket; `archive` is its name by default."""
    # The translator looks for a Region, also where nothing depends on it.
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    from samtranslator.translator.transform import transform

    template = intrinsics.read(_changed(text, BUILD, "", 2))
    del template["Metadata"]
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": {"Ref": "CodeBucket"}, "Key": {"Ref": "CodeKey"}}
    parameters = template["Parameters"]
    parameters["Architecture"]["Description"] = "The processors that both functions run on, which are those of the zip."
    # The translator would write the default in the place of a parameter that has one.
    template["Parameters"] = {name: {"Type": one["Type"]} for name, one in parameters.items()}
    made = transform(template, {}, _NoManagedPolicies())
    for resource in made["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"].pop("Tags", None)
    made.pop("Transform", None)
    key = {**CODE["CodeKey"], "Default": archive}
    made["Parameters"] = {"CodeBucket": CODE["CodeBucket"], "CodeKey": key, **parameters}
    return _written(made)


class _NoManagedPolicies:
    """What the translator asks for the ARNs of managed policies, of which the template has none."""

    def load(self):
        return {}


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as such, and what is there twice twice."""

    def ignore_aliases(self, data):
        return True


def _written(template):
    order = ("AWSTemplateFormatVersion", "Description", "Parameters", "Rules", "Conditions", "Resources", "Outputs")
    ordered = {name: _plain(template[name]) for name in sorted(template, key=order.index)}
    return yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def _plain(value):
    """The same in the types of JSON, of which the translator has its own."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, str) else copy.copy(value)
