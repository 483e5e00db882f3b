"""A rule for cfn-lint: the properties of Custom::BuildkiteAgent, checked against the schema in the folder beside this one."""

import difflib
import json
from collections import deque
from pathlib import Path

from cfnlint.helpers import FUNCTIONS
from cfnlint.jsonschema import ValidationError
from cfnlint.rules.jsonschema.CfnLintJsonSchema import CfnLintJsonSchema

TYPE = "Custom::BuildkiteAgent"
SCHEMA = Path(__file__).resolve().parent.parent / "schema" / "custom-buildkiteagent.json"

# What is here by mistake may be the secret itself, and the logs of a CI are read by many.
UNSHOWN = ("ValueFrom", "CredentialsParameter", "HealthCheck.Command")
# How much of a value a message repeats: an ARN fits.
LONGEST = 200
# What the schema has to say; of intrinsics and what they are given, cfn-lint's other rules speak.
KEYWORDS = {
    "additionalProperties",
    "enum",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minProperties",
    "minimum",
    "not",
    "pattern",
    "required",
    "type",
    "uniqueItems",
}
KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "an object",
    "string": "a string",
}


class BuildkiteAgentRule(CfnLintJsonSchema):
    """Refuses what the provider would refuse, as far as a schema can say it."""

    id = "E9301"
    shortdesc = f"Properties of {TYPE}"
    description = f"What the provider of {TYPE} would refuse, before it is deployed"
    tags = ["resources", "custom"]

    def __init__(self):
        super().__init__(keywords=["Resources/*"], all_matches=True)
        self._use_schema_arg = False
        self._schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        # cfn-lint's own E3003 misses it in every custom resource.
        self._schema["required"].remove("ServiceToken")

    def validate(self, validator, keywords, instance, schema):
        """Validates one resource, if it is one of ours."""
        if not validator.is_type(instance, "object") or instance.get("Type") != TYPE:
            return
        within = validator.evolve(
            context=validator.context.evolve(
                functions=list(FUNCTIONS),
                strict_types=False,
                path=validator.context.path.evolve(cfn_path=deque(["Resources", TYPE, "Properties"])).descend(
                    path="Properties"
                ),
            )
        )
        for error in super().validate(within, keywords, instance.get("Properties", {}), schema):
            # What CloudFormation looks up itself is not known yet.
            looked_up = isinstance(error.instance, str) and "{{resolve:" in error.instance
            if looked_up or error.validator not in KEYWORDS:
                continue
            error.message = self._message(error)
            error.path.appendleft("Properties")
            error.rule = self
            yield error

    def _message(self, error: ValidationError) -> str:
        """The property's path as the author wrote it, what is wrong, and what would be right."""
        path, kind, advice = _written(error.path), error.validator, self._advice(error)
        if advice.startswith("`"):
            return advice
        if kind == "required":
            missing = error.message.split("'")[1]
            return f"`{_written([*error.path, missing])}` is required{self._described([*error.path, missing])}"
        if kind == "additionalProperties":
            return f"`{path}` is not a property of {TYPE}; {_nearest(str(error.path[-1]), error.schema['properties'])}"
        if kind in ("type", "maxLength"):
            # The first is what is meant. Beside it a string is legal, as CloudFormation writes most things so, or as
            # long as it is empty.
            types = error.schema["type"]
            meant = KINDS[types if isinstance(types, str) else types[0]]
            return f"`{path}` must be {meant}{self._described(error.path)}"
        if kind == "maxItems":
            return f"`{path}` are {len(error.instance)}; {error.validator_value} fit"
        if kind == "uniqueItems":
            return f"`{path}` names one of them twice"
        if kind in ("minimum", "maximum"):
            least, most = error.schema["minimum"], error.schema.get("maximum")
            advice = f"legal: {least} to {most}" if most else f"legal: {least} and more"
        elif kind == "enum":
            advice = advice or f"legal: {_legal(error.validator_value)}"
        # A variable may have any text but a NUL, and is not to be shown for one.
        hidden = path.endswith(UNSHOWN) or "\0" in str(error.instance)
        shown = "not of a legal form" if hidden else _shortened(repr(error.instance))
        return f"`{path}` is {shown}; {advice or error.message}"

    def _advice(self, error: ValidationError) -> str:
        """What the schema says to an author, at the fault or around it."""
        advice, at = "", self._schema
        for step in error.schema_path:
            if isinstance(at, dict):
                advice = at.get("errorMessage", advice)
            # An intrinsic on the way has no step in the schema.
            if isinstance(at, list) or step in at:
                at = at[step]
        return advice

    def _described(self, path) -> str:
        described = self._schema["properties"].get(path[0], {}).get("description")
        return f": {described}" if described else ""


def _written(path) -> str:
    """A path as in Secrets[1].ValueFrom, without the intrinsics on the way."""
    steps, inside = [], False
    for step in path:
        if not inside and isinstance(step, str) and step.startswith("Fn::"):
            inside = True
        elif inside:
            # The branch of an Fn::If.
            inside = False
        else:
            steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "".join(steps).removeprefix(".")


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _nearest(unknown: str, known) -> str:
    by_case = {name.lower(): name for name in known}
    near = difflib.get_close_matches(unknown.lower(), by_case, 1)
    return f"did you mean `{by_case[near[0]]}`?" if near else f"known: {', '.join(known)}"


def _legal(values) -> str:
    """Each word once: a number also as text."""
    return ", ".join(dict.fromkeys(str(value) for value in values if value != ""))
