"""A template's intrinsic functions, evaluated as CloudFormation does it, with examples of what only a stack knows."""

import re

import yaml

from local.cloud import ACCOUNT, REGION

PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "example",
    "AWS::URLSuffix": "amazonaws.com",
}

# What Ref (None) and GetAtt give, by type; {} is the logical id.
ATTRIBUTES = {
    ("AWS::CloudFormation::Stack", "Outputs.RepositoryArn"): f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{{}}",
    ("AWS::Events::Rule", "Arn"): f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{}}",
    ("AWS::IAM::ManagedPolicy", None): f"arn:aws:iam::{ACCOUNT}:policy/{{}}",
    ("AWS::IAM::Role", "Arn"): f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    ("AWS::Logs::LogGroup", None): "{}",
    ("AWS::SNS::Topic", None): f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
    ("Custom::BuildkiteAgent", None): f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{{}}",
    ("Custom::BuildkiteAgent", "ExecutionRoleArn"): f"arn:aws:iam::{ACCOUNT}:role/BuildkiteAgentExecution/{{}}",
    ("Custom::BuildkiteAgent", "TaskRoleArn"): f"arn:aws:iam::{ACCOUNT}:role/BuildkiteAgentTask/{{}}",
}

# Values of parameters that are empty by default or have to be given, and of imports: by the end of the name.
GIVEN = {
    "BoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/Boundary",
    "Cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/builds",
    "ConnectionArn": f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/00000000-0000-0000-0000-000000000000",
    "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/BuildkiteAgentExecution/example",
    "FileSystemId": "fs-0123456789abcdef0",
    "RoleTagKeys": "team",
    "SshAgentBackend": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5/Prod",
    "TaskDefinition": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/example",
    "TaskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/BuildkiteAgentTask/example",
}

ABSENT = object()


class _Loader(yaml.SafeLoader):
    """Reads the short forms, such as !Ref, as the long ones."""


def _long(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    construct = loader.construct_sequence if isinstance(node, yaml.SequenceNode) else loader.construct_mapping
    return {name: construct(node, deep=True)}


_Loader.add_multi_constructor("!", _long)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text):
    """A template's document, with the long forms of its functions and with dates as texts."""
    return yaml.load(text, _Loader)


def evaluate(template, part, holds):
    """A part of the template without functions; `holds` is what every condition is."""

    def of(value):
        if isinstance(value, list):
            return [one for one in map(of, value) if one is not ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return function(name, argument)
        return {key: made for key, one in value.items() if (made := of(one)) is not ABSENT}

    def function(name, argument):
        match name:
            case "Ref":
                return reference(argument)
            case "Fn::GetAtt":
                return attribute(argument[0], argument[1])
            case "Fn::If":
                return of(argument[1 if holds else 2])
            case "Fn::Join":
                return argument[0].join(map(str, of(argument[1])))
            case "Fn::Split":
                return of(argument[1]).split(argument[0])
            case "Fn::Select":
                return of(argument[1])[int(argument[0])]
            case "Fn::ImportValue":
                return given(of(argument))
            case "Fn::Sub":
                text, named = argument if isinstance(argument, list) else (argument, {})
                named = of(named)
                return re.sub(r"\$\{([^{}]+)\}", lambda found: substitute(found[1], named), text)
        raise ValueError(f"local/intrinsics.py does not know {name}")

    def substitute(name, named):
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in named:
            return str(named[name])
        return str(attribute(*name.split(".", 1)) if "." in name else reference(name))

    def reference(name):
        if name == "AWS::NoValue":
            return ABSENT
        if name in PSEUDO:
            return PSEUDO[name]
        if name in template.get("Parameters", {}):
            parameter = template["Parameters"][name]
            value = parameter.get("Default", "")
            value = given(name) if value == "" else value
            return value.split(",") if parameter["Type"] == "CommaDelimitedList" else value
        return attribute(name, None)

    def attribute(name, attribute):
        type_ = template["Resources"][name]["Type"]
        if (type_, attribute) not in ATTRIBUTES:
            raise ValueError(f"ATTRIBUTES in local/intrinsics.py lacks {attribute or 'Ref'} of {type_}, for {name}")
        return ATTRIBUTES[type_, attribute].format(name.lower())

    return of(part)


def given(name):
    """An example of the value of a parameter or an export."""
    fitting = [end for end in GIVEN if name.endswith(end)]
    return GIVEN[max(fitting, key=len)] if fitting else "example"
