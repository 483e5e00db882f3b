"""What the tests stand on: one cloud with the provider deployed, stacks that go after each test, and what there is."""

import atexit
import functools
import json
import re
import time
import unittest
from pathlib import Path

from local import cloud as clouds
from local import deploy
from local.tools import ROOT, STATE

EXAMPLES = ROOT / "examples"
EXECUTION = "/BuildkiteAgentExecution/"
TASK = "/BuildkiteAgentTask/"
SERVICE_TOKEN = {"Fn::ImportValue": f"{deploy.PROVIDER}-ServiceToken"}


@functools.cache
def cloud():
    """The cloud that all tests share; the program's end is its end."""
    clouds.end_on_signals()
    started = clouds.start()
    deploy.provider(started)
    # For a look at what went wrong, after the cloud is gone.
    atexit.register(lambda: (STATE / "function.log").write_text(logged()))
    return started


def client(service):
    """A boto3 client."""
    return cloud().client(service)


def agent(**properties):
    """A resource of the template's, with its ServiceToken."""
    depends = properties.pop("DependsOn", None)
    resource = {
        "Type": "Custom::BuildkiteAgent",
        "Properties": {"ServiceToken": SERVICE_TOKEN, **properties},
    }
    return resource | ({"DependsOn": depends} if depends else {})


def template(resources, **outputs):
    """A template of these resources, whose outputs are these attributes of the first one."""
    first = next(iter(resources))
    return json.dumps(
        {
            "Resources": resources,
            "Outputs": {
                "Reference": {"Value": {"Ref": first}},
                **{
                    name: {"Value": {"Fn::GetAtt": [first, name]}}
                    for name in ("TaskDefinitionArn", "TaskRoleId", "TaskRoleArn")
                },
                **outputs,
            },
        }
    )


class Stack:
    """One stack, known by its id, so that its events outlive it."""

    def __init__(self, name):
        self.name = name
        self.id = name
        self.tags = {}

    def apply(self, body, **parameters):
        """Creates or updates it; returns the status that it ends in."""
        cloudformation = client("cloudformation")
        arguments = {
            "StackName": self.name,
            "TemplateBody": body,
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        }
        if self.tags:
            arguments["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        if self.id == self.name:
            self.id = cloudformation.create_stack(**arguments)["StackId"]
        else:
            cloudformation.update_stack(**arguments)
        return self._settled()

    def delete(self):
        """Deletes it; returns the status that it ends in."""
        if self.id == self.name:
            return "DELETE_COMPLETE"
        for nested in self._nested():
            nested.delete()
        client("cloudformation").delete_stack(StackName=self.id)
        return self._settled()

    def _nested(self):
        """The stacks in it, which are deleted first, each by itself.

        The local cloud shows a nested stack as complete while it is deleted with its parent, and the provider carries
        out no Delete in a stack that is at rest. On AWS it is DELETE_IN_PROGRESS.
        """
        resources = client("cloudformation").describe_stack_resources(StackName=self.id)["StackResources"]
        for resource in resources:
            if resource["ResourceType"] == "AWS::CloudFormation::Stack" and "PhysicalResourceId" in resource:
                nested = Stack(resource["LogicalResourceId"])
                nested.id = resource["PhysicalResourceId"]
                yield nested

    def outputs(self):
        """Its outputs by name."""
        found = client("cloudformation").describe_stacks(StackName=self.id)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    def reference(self, logical_id):
        """What Ref gives for a resource."""
        return client("cloudformation").describe_stack_resource(StackName=self.id, LogicalResourceId=logical_id)[
            "StackResourceDetail"
        ]["PhysicalResourceId"]

    def reasons(self, logical_id):
        """What the events say about a resource, oldest first."""
        events = client("cloudformation").describe_stack_events(StackName=self.id)["StackEvents"]
        return [
            event["ResourceStatusReason"]
            for event in reversed(events)
            if event["LogicalResourceId"] == logical_id and event.get("ResourceStatusReason")
        ]

    def _settled(self):
        cloudformation = client("cloudformation")
        # The local cloud works on one message after the other, and a Delete soon after its Create takes two seconds.
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            status = cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise AssertionError(f"the stack {self.name} is still {status} after five minutes")


class Case(unittest.TestCase):
    """A test whose stacks are deleted at its end, and which must then have left nothing."""

    maxDiff = None

    def setUp(self):
        cloud()
        before = everything()
        # Cleanups run in reverse: this one after every stack is gone.
        self.addCleanup(lambda: self.assertEqual(everything(), before, "the test left something"))

    def stack(self, name):
        """A stack of this test's."""
        stack = Stack(name)
        self.addCleanup(stack.delete)
        return stack

    def created(self, name, body, **parameters):
        """A stack that could be created."""
        stack = self.stack(name)
        status = stack.apply(body, **parameters)
        if status != "CREATE_COMPLETE":
            events = client("cloudformation").describe_stack_events(StackName=stack.id)["StackEvents"]
            reasons = [event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason")]
            self.fail(f"{name} is {status}: {reasons}")
        return stack


def everything():
    """What an account has of what the provider makes, and how many requests it could not answer."""
    found = {"revisions": active(), "groups": sorted(log_groups()), "dead letters": dead_letters()}
    pages = client("iam").get_paginator("list_roles").paginate(PathPrefix="/")
    roles = [role for page in pages for role in page["Roles"]]
    found["roles"] = sorted(
        role["Path"] + role["RoleName"] for role in roles if role["Path"].startswith(("/Buildkite", "/Bounded"))
    )
    return found


def dead_letters():
    """How many messages are in the provider's dead-letter queue."""
    url = client("cloudformation").describe_stack_resource(
        StackName=deploy.PROVIDER, LogicalResourceId="DeadLetterQueue"
    )["StackResourceDetail"]["PhysicalResourceId"]
    name = "ApproximateNumberOfMessages"
    return int(client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def active(family=None):
    """The ACTIVE revisions, of all families or of one, newest first."""
    pages = client("ecs").get_paginator("list_task_definitions").paginate(status="ACTIVE", sort="DESC")
    arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
    if family is not None:
        arns = [arn for arn in arns if re.search(f":task-definition/{re.escape(family)}:[0-9]+$", arn)]
    return sorted(arns, key=lambda arn: (arn.rsplit(":", 1)[0], -int(arn.rsplit(":", 1)[1])))


def definition(arn):
    """A revision, and its tags as a dict."""
    found = client("ecs").describe_task_definition(taskDefinition=arn, include=["TAGS"])
    return found["taskDefinition"], {tag["key"]: tag["value"] for tag in found["tags"]}


def role(arn):
    """A role with its policies' statements and its tags."""
    iam = client("iam")
    name = arn.rsplit("/", 1)[-1]
    found = iam.get_role(RoleName=name)["Role"]
    found["Tags"] = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    found["Policies"] = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    found["Managed"] = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return found


def log_groups():
    """The log groups of agents: their retention by name."""
    pages = client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/ecs/")
    groups = [group for page in pages for group in page["logGroups"]]
    return {group["logGroupName"]: group.get("retentionInDays") for group in groups}


def log_group_tags(name):
    """A log group's tags."""
    arn = f"arn:aws:logs:{clouds.REGION}:{clouds.ACCOUNT}:log-group:{name}"
    return client("logs").list_tags_for_resource(resourceArn=arn)["tags"]


def logged(*functions):
    """Everything that the provider's functions, or these, have logged, as one text."""
    lines = []
    for function in functions or (deploy.PROVIDER, deploy.HANDLER):
        pages = client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
        lines += [event["message"] for page in pages for event in page["events"]]
    return "\n".join(lines)


@functools.cache
def packaged(name):
    """An example, by its path below examples/, with its nested templates uploaded as sam packages them for a user."""
    bucket = client("cloudformation").describe_stack_resource(
        StackName="aws-sam-cli-managed-default", LogicalResourceId="SamCliSourceBucket"
    )["StackResourceDetail"]["PhysicalResourceId"]
    out = STATE / f"packaged-{name.replace('/', '-')}.yml"
    deploy.package(cloud(), EXAMPLES / f"{name}.yml", bucket, out)
    return Path(out).read_text()


def example(name):
    """The text of an example, by its path below examples/."""
    return (EXAMPLES / f"{name}.yml").read_text()
