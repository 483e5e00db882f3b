"""A rule for cfn-lint: the properties of Custom::BuildkiteAgent, held against the schema beside it."""

import difflib
import json
from collections import deque
from pathlib import Path

from cfnlint.helpers import FUNCTIONS
from cfnlint.jsonschema import ValidationError
from cfnlint.rules.jsonschema.CfnLintJsonSchema import CfnLintJsonSchema

TYPE = "Custom::BuildkiteAgent"
SCHEMA = Path(__file__).resolve().parent.parent / "schema" / "custom-buildkiteagent.json"


class BuildkiteAgentRule(CfnLintJsonSchema):
    """Refuses what the provider would refuse, as far as a schema can say it."""

    id = "E9301"
    shortdesc = f"Properties of {TYPE}"
    description = "What the provider of Custom::BuildkiteAgent would refuse, before it is deployed"
    tags = ["resources", "custom"]

    def __init__(self):
        super().__init__(keywords=["Resources/*"], all_matches=True)
        self._use_schema_arg = False
        self._schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    def validate(self, validator, keywords, instance, schema):
        """Validates one resource, if it is one of ours."""
        if not validator.is_type(instance, "object") or instance.get("Type") != TYPE:
            return
        properties = instance.get("Properties", {})
        within = validator.evolve(
            context=validator.context.evolve(
                functions=list(FUNCTIONS),
                strict_types=False,
                path=validator.context.path.evolve(cfn_path=deque(["Resources", TYPE, "Properties"])).descend(
                    path="Properties"
                ),
            )
        )
        for error in super().validate(within, keywords, properties, schema):
            error.path.appendleft("Properties")
            error.rule = self
            error.message = self._told(error)
            yield error

    def _told(self, error: ValidationError) -> str:
        """What is wrong, in words, and what the property is."""
        written, message = error.instance, error.message
        if error.validator == "pattern":
            message = f"{written!r} is not of the form that is legal here"
        elif error.validator == "enum":
            legal = dict.fromkeys(str(one) for one in error.validator_value if one != "")
            message = f"{written!r} is not one of {', '.join(legal)}"
        elif error.validator == "additionalProperties":
            near = difflib.get_close_matches(str(error.path[-1]), error.schema.get("properties", {}), 1)
            message = f"{error.path[-1]!r} is not known here" + "".join(f"; did you mean {name}?" for name in near)
        elif error.validator is None:
            message = "does not go with what stands beside it"
        name = next((part for part in list(error.path)[1:] if isinstance(part, str)), None)
        described = self._schema["properties"].get(name, {}).get("description")
        return f"{message}. {name}: {described}" if described else message
