"""A rule for cfn-lint: what Fn::GetAtt and Fn::Sub ask of a Custom::BuildkiteAgent is among its attributes."""

import difflib
import json
import re
from pathlib import Path

from cfnlint.rules import CloudFormationLintRule, RuleMatch

TYPE = "Custom::BuildkiteAgent"
SCHEMA = Path(__file__).resolve().parent.parent / "schema" / "custom-buildkiteagent.json"


class BuildkiteAgentAttributeRule(CloudFormationLintRule):
    """Refuses an attribute that the provider does not answer with; CloudFormation would find it out after the Create."""

    id = "E9302"
    shortdesc = f"Attributes of {TYPE}"
    description = f"What Fn::GetAtt and Fn::Sub ask of a {TYPE} is among its attributes"
    tags = ["functions", "custom"]

    def __init__(self):
        super().__init__()
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        self._attributes = list(schema["definitions"]["Attributes"]["properties"])

    def match(self, cfn):
        """Looks at every GetAtt and every Sub of the template."""
        agents = cfn.get_resources(TYPE)
        matches = []
        for path, logical_id, attribute in _asked(cfn):
            if logical_id in agents and attribute not in self._attributes:
                matches.append(RuleMatch(path, self._message(logical_id, attribute)))
        return matches

    def _message(self, logical_id, attribute):
        near = difflib.get_close_matches(attribute, self._attributes, 1)
        advice = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(self._attributes)}"
        return f"`{logical_id}.{attribute}` is not an attribute of {TYPE}; {advice}"


def _asked(cfn):
    """Each attribute that is asked for by name: its path in the template, the resource, the attribute."""
    for *path, asked in cfn.search_deep_keys("Fn::GetAtt"):
        # YAML's short form is a list by now, as JSON's long form always was.
        parts = asked.split(".", 1) if isinstance(asked, str) else asked
        if len(parts) == 2 and all(isinstance(part, str) for part in parts):
            yield path, *parts
    for *path, text in cfn.search_deep_keys("Fn::Sub"):
        text, own = (text, {}) if isinstance(text, str) else text
        # ${!X.Y} is the text ${X.Y}.
        for name in re.findall(r"\$\{\s*([A-Za-z0-9]+\.[A-Za-z0-9.]+)\s*\}", text):
            if name not in own:
                yield path, *name.split(".", 1)
