"""Requests sent by hand: what CloudFormation does on AWS and the local cloud's does not, and what it never does."""

import hashlib
import json
import time
import uuid

import world
from local import deploy
from local.cloud import ACCOUNT, REGION
from response_url import ResponseUrl


class Held(world.Stack):
    """A stack that stays in progress until it is released: only then are requests for its resources carried out."""

    def __init__(self, name):
        super().__init__(name)
        wait = {
            "Type": "AWS::CloudFormation::WaitCondition",
            "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT10M"}},
        }
        body = json.dumps({"Resources": {"Wait": wait}})
        self.id = world.client("cloudformation").create_stack(StackName=name, TemplateBody=body)["StackId"]
        self._is_held = True

    def release(self):
        """Lets the stack end its creation; returns the status that it ends in."""
        if self._is_held:
            world.client("cloudformation").signal_resource(
                StackName=self.id, LogicalResourceId="Wait", UniqueId="released", Status="SUCCESS"
            )
            self._is_held = False
        return self._settled()

    def delete(self):
        self.release()
        return super().delete()


class Resource:
    """A resource that its stack knows of or not; the test makes its requests itself."""

    def __init__(self, stack, logical_id="Direct", **properties):
        self.logical_id = logical_id
        self.properties = {"Image": "ruby:3.3"} | properties
        self.stack_id = stack.id

    token = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{deploy.PROVIDER}"

    def event(self, kind, url, **changes):
        """The event as CloudFormation writes it, ServiceToken at the top level included."""
        event = {
            "RequestType": kind,
            "RequestId": str(uuid.uuid4()),
            "ResponseURL": url,
            "ServiceToken": self.token,
            "StackId": self.stack_id,
            "ResourceType": "Custom::BuildkiteAgent",
            "LogicalResourceId": self.logical_id,
            "ResourceProperties": {"ServiceToken": self.token, **self.properties},
        }
        return event | changes

    def send(self, kind, **changes):
        """Sends a request and waits for the one answer to it."""
        with ResponseUrl() as response:
            event = self.event(kind, response.url, **changes)
            invoke(event)
            (answer,) = response.wait_for(1)
            finished(event)
            return answer["body"]

    def id_of(self, family):
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}"

    @property
    def group(self):
        """The resource's message group."""
        parts = (self.stack_id, self.logical_id)
        return hashlib.sha256(b"".join(part.encode() + b"\0" for part in parts)).hexdigest()


def invoke(event, function=deploy.PROVIDER):
    """Invokes the receiver, which must not fail."""
    answer = world.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    payload = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise AssertionError(f"the function failed: {payload}")


def enqueue(event, group):
    """Puts an event into the queue past the receiver. On AWS, the queue's policy denies that."""
    world.client("sqs").send_message(QueueUrl=queue_url(), MessageBody=json.dumps(event), MessageGroupId=group)


def queue_url(logical_id="RequestQueue"):
    """The URL of a queue of the provider's."""
    return world.client("cloudformation").describe_stack_resource(
        StackName=deploy.PROVIDER, LogicalResourceId=logical_id
    )["StackResourceDetail"]["PhysicalResourceId"]


def journal(event):
    """What both functions have logged about a request, the receiver first: the function's name and the line.

    The handler may begin before the receiver knows that the queue has the message.
    """
    lines = [
        (function, json.loads(line))
        for function in (deploy.PROVIDER, deploy.HANDLER)
        for line in world.logged(function).splitlines()
        if line.startswith("{")
    ]
    return [one for one in lines if one[1].get("span", {}).get("request_id") == event["RequestId"]]


def words(event):
    """The words of a request's journal."""
    return [line["message"] for _, line in journal(event)]


def finished(event, patience=60):
    """Waits until the handler is done with a request, which is after its answer; returns the request's journal."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = journal(event)
        # Lambda hands the lines over when the function is done.
        if any(function == deploy.HANDLER for function, _ in found) and drained():
            return journal(event)
        time.sleep(0.1)
    raise AssertionError(f"the request was not handled within {patience} s: {words(event)}")


def drained():
    """Whether no message is in the queue, waiting or being handled."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = world.client("sqs").get_queue_attributes(QueueUrl=queue_url(), AttributeNames=names)["Attributes"]
    return all(found[name] == "0" for name in names)
