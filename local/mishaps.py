"""The act of ./demo in which things go wrong: mistakes in a template, a neighbour that fails, a forged request."""

import contextlib
import http.server
import json
import threading
import time
import uuid

from local import cloud as clouds
from local import deploy, show, tools
from local.claims import NotAsExpected, expect, newest
from local.progress import bold, say, working

TOKEN = {"Fn::ImportValue": f"{deploy.PROVIDER}-ServiceToken"}


MISTAKEN = ("`Image`", "`TaskCpu`", "`Secret`")


def mistakes(cloud, command):
    """Three mistakes in one template: the plan shows them all; so does one event, and nothing is made."""
    agent = _agent("Ruby: 3.4", TaskCpu=1000, Secret=[{"Name": "KEY", "ValueFrom": "/deploy/key"}])
    template = tools.STATE / "mistaken.json"
    template.write_text(json.dumps({"Resources": {"Web": agent}}, indent=2))
    text, status = show.command(command, "plan", template)
    expect(status == 1 and all(name in text for name in MISTAKEN), "the plan shows where each mistake is, and nothing is deployed")
    say()
    status = _apply(cloud, "mistaken", {"Web": agent})
    show.events(cloud, "mistaken")
    expect(status == "ROLLBACK_COMPLETE", "the stack is rolled back")
    (reason,) = _reasons(cloud, "mistaken", "CREATE_FAILED")
    named = [name for name in MISTAKEN if name in reason]
    expect(len(named) == 3, f"deployed, one event names all three mistakes: {', '.join(named)}")
    families = cloud.client("ecs").list_task_definition_families(familyPrefix="web")["families"]
    expect(families == [], "nothing was made for it")
    deploy.delete(cloud, "mistaken")


def failing_neighbour(cloud):
    """An update that goes through for one agent and fails for the other: the first gets its old image back."""

    def body(image, other):
        return {"Web": _agent(image), "Other": _agent(other, DependsOn="Web")}

    expect(_apply(cloud, "pair", body("ruby:3.3", "golang:1")) == "CREATE_COMPLETE", "two agents in one stack are made")
    before = newest(cloud, "web")
    seen = show.event_ids(cloud, "pair")
    status = _apply(cloud, "pair", body("ruby:3.4", "no image"))
    show.events(cloud, "pair", since=seen)
    expect(status == "UPDATE_ROLLBACK_COMPLETE", "Web is updated, Other is refused, and CloudFormation rolls both back")
    after = newest(cloud, "web")
    expect(after["containerDefinitions"][0]["image"] == "ruby:3.3", "the newest revision of web has the old image again")
    expect(after["taskRoleArn"] == before["taskRoleArn"], "its task role is the same as before")


def forged(cloud):
    """A Delete that CloudFormation did not send: the stack is at rest, so nothing is deleted."""
    stack = cloud.client("cloudformation").describe_stacks(StackName="pair")["Stacks"][0]["StackId"]
    before = newest(cloud, "web")
    token = f"arn:aws:lambda:{cloud.region}:{clouds.ACCOUNT}:function:{deploy.PROVIDER}"
    with _response_url() as url:
        event = {
            "RequestType": "Delete",
            "RequestId": str(uuid.uuid4()),
            "ResponseURL": url,
            "ServiceToken": token,
            "StackId": stack,
            "ResourceType": "Custom::BuildkiteAgent",
            "LogicalResourceId": "Web",
            "PhysicalResourceId": before["taskDefinitionArn"].rsplit(":", 1)[0],
            "ResourceProperties": {"ServiceToken": token, "Image": "ruby:3.3"},
        }
        say(f"  {bold('somebody invokes the receiver')} with a Delete for Web of the stack pair, which is at rest")
        cloud.client("lambda").invoke(FunctionName=deploy.PROVIDER, Payload=json.dumps(event))
        reason = _refusal(cloud, event["RequestId"])
    expect(bool(reason), f"the handler did not carry it out: {reason}")
    after = newest(cloud, "web")
    expect(after["taskDefinitionArn"] == before["taskDefinitionArn"], "the revision, its roles and its log group remain")
    for arn in (after["executionRoleArn"], after["taskRoleArn"]):
        cloud.client("iam").get_role(RoleName=arn.rsplit("/", 1)[-1])
    deploy.delete(cloud, "pair")


def _agent(image, DependsOn=None, **properties):
    resource = {"Type": "Custom::BuildkiteAgent", "Properties": {"ServiceToken": TOKEN, "Image": image, **properties}}
    return resource | ({"DependsOn": DependsOn} if DependsOn else {})


def _apply(cloud, stack, resources):
    """Creates the stack or updates it; returns the status that it ends in."""
    cloudformation = cloud.client("cloudformation")
    body = json.dumps({"Resources": resources})
    exists = any(one["StackName"] == stack for one in cloudformation.describe_stacks()["Stacks"])
    with working(f"{'updating' if exists else 'creating'} {stack}"):
        change = cloudformation.update_stack if exists else cloudformation.create_stack
        change(StackName=stack, TemplateBody=body)
        # No deadline of its own: the stack's resources have theirs.
        while True:
            status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.1)


def _reasons(cloud, stack, status):
    """The reasons of the agents' events with that status."""
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [
        event["ResourceStatusReason"]
        for event in events
        if event["ResourceType"] == "Custom::BuildkiteAgent" and event["ResourceStatus"] == status
    ]


def _refusal(cloud, request):
    """Why the handler did not carry a request out, from its log."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for record in show.logged(cloud, deploy.HANDLER):
            if record.get("span", {}).get("request_id") == request and record.get("message") == "not carried out":
                return record["reason"]
        time.sleep(0.2)
    raise NotAsExpected("the handler has not logged what became of the forged request")


class _Taker(http.server.BaseHTTPRequestHandler):
    """Takes every answer."""

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments):
        """Prints nothing."""


@contextlib.contextmanager
def _response_url():
    """A response URL of the forger's own, which takes the answer."""
    server = http.server.HTTPServer((clouds.HOST, 0), _Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{clouds.HOST}:{server.server_port}/answer"
    finally:
        server.shutdown()
