"""./demo: what the provider does, from its deployment to the last deletion, each step checked as it is shown."""

import argparse
import shlex
import sys

from local import cloud as clouds
from local import deploy, mishaps, quickly, show, tools
from local.claims import NotAsExpected, expect, expect_none, newest
from local.progress import bold, dim, green, heading, red, say

RUBY = tools.ROOT / "examples/ruby.yml"
CARGO = tools.ROOT / "examples/cargo-publish.yml"
SCHEDULED = tools.ROOT / "examples/scheduled.yml"


def main():
    arguments = _arguments()
    tools.require("cargo")
    clouds.end_on_signals()
    if arguments.end:
        return _end_kept()
    if clouds.kept():
        sys.exit("a local cloud is still running: end it with ./demo --end")
    try:
        _run(arguments.keep)
    except KeyboardInterrupt:
        say(f"\n{red('interrupted')}")
        return 130
    except (NotAsExpected, tools.ToolFailed, clouds.CloudFailed) as failure:
        say(f"\n{red('failed')}: {failure}")
        return 1
    say(f"\n{green('everything was as it should be')}")
    return 0


def _arguments():
    parser = argparse.ArgumentParser(
        prog="./demo",
        description="Deploys the provider and the examples into a local cloud, and shows what becomes of them.",
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--keep",
        action="store_true",
        help="leave the cloud running, with the examples deployed, and say how to talk to it",
    )
    group.add_argument("--end", action="store_true", help="end a cloud that was kept")
    return parser.parse_args()


def _end_kept():
    cloud = clouds.kept()
    clouds.KEPT.unlink(missing_ok=True)
    if cloud is None:
        say("no local cloud is running")
        return 0
    cloud.end()
    say(f"ended the local cloud at {cloud.endpoint}")
    return 0


def _run(keep):
    heading("1. An image is all that an agent needs: examples/ruby.yml")
    show.resources(RUBY)
    with quickly.fetching() as awaited:
        command = quickly.command()
        _planned(command)
        awaited()

    heading("2. The provider's two functions are built and deployed, with the queue between them, as on a real account")
    built = quickly.functions()
    cloud = clouds.start()
    deploy.provider(cloud, built=built)
    show.events(cloud, deploy.PROVIDER)
    show.outputs(_exports(cloud), "exported")

    heading("3. A stock Ruby image becomes an agent: examples/ruby.yml")
    deploy.template(cloud, "ruby", RUBY)
    ruby = _agent(cloud, "ruby", "Ruby2")

    heading("4. Images from ECR, a private repository, a secret: examples/cargo-publish.yml")
    deploy.template(cloud, "cargo-publish", CARGO)
    _agent(cloud, "cargo-publish", "CargoPublish")

    heading("5. Another stack uses the agent: examples/scheduled.yml")
    deploy.template(
        cloud,
        "nightly",
        SCHEDULED,
        capabilities=["CAPABILITY_IAM"],
        Cluster=f"arn:aws:ecs:{cloud.region}:{clouds.ACCOUNT}:cluster/agents",
        Subnets="subnet-0a1b2c3d",
        # Nobody wants it to start in the middle of the demo.
        State="DISABLED",
    )
    show.events(cloud, "nightly")
    _import(cloud, ruby)

    heading("6. The image changes: a new revision, the same reference")
    _new_image(cloud, ruby)

    heading("7. Things go wrong: three mistakes in one template")
    mishaps.mistakes(cloud, command)

    heading("8. Things go wrong: the neighbour's update fails")
    mishaps.failing_neighbour(cloud)

    heading("9. Things go wrong: a request that CloudFormation did not send")
    mishaps.forged(cloud)

    if keep:
        _kept(cloud)
        return

    heading("10. Everything is deleted")
    for stack in ("nightly", "cargo-publish", "ruby"):
        seen = show.event_ids(cloud, stack)
        show.events(cloud, deploy.delete(cloud, stack), since=seen)
    _nothing_left(cloud)
    deploy.delete(cloud, deploy.PROVIDER)
    expect(_stacks(cloud) == [SAM_STACK], f"no stack is left but sam's own {dim(SAM_STACK)}")

    heading("What was shown")
    for line in SHOWN:
        say(f"  {line}")


SHOWN = [
    "1      what a template would make, before anything is deployed",
    "2      the real template deploys two functions and a queue, with sam build and sam deploy",
    "3 – 6  an image becomes an agent with roles that reach just what it needs; other stacks import it and get its newest image",
    "7, 8   mistakes are reported all at once and leave nothing; a rollback brings back what was there",
    "9, 10  forged requests change nothing, and a deletion leaves nothing",
]


# What the functions log about every request, in this order.
JOURNAL = ["enqueued", "handling", "answered"]

# Where sam deploy --resolve-s3 keeps what it uploads, on a real account as here.
SAM_STACK = "aws-sam-cli-managed-default"


def _planned(command):
    text, status = show.command(command, "plan", "--region", clouds.REGION, RUBY)
    parts = ("task definition ruby2", "execution role /", "task role /", "log group /aws/ecs/ruby2")
    expect(status == 0 and all(part in text for part in parts), "this is what the stack would have, role by role")


def _agent(cloud, stack, logical_id):
    """Shows all that belongs to one Custom::BuildkiteAgent; returns what it is referred to by."""
    show.events(cloud, stack)
    reference = cloud.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)[
        "StackResourceDetail"
    ]["PhysicalResourceId"]
    definition = _newest(cloud, reference)
    say()
    show.task_definition(definition)
    say()
    show.role(cloud, definition["executionRoleArn"])
    say()
    show.role(cloud, definition["taskRoleArn"])
    say()
    show.log_group(cloud, f"/aws/ecs/{definition['family']}")
    say()
    show.outputs(
        {f"!Ref {logical_id}": reference} | _outputs(cloud, stack), "attributes, as the stack's outputs have them"
    )
    say()
    messages = show.journal(cloud, {"receiver": deploy.PROVIDER, "handler": deploy.HANDLER}, logical_id)
    say()
    expect(
        [word for word in messages if word in JOURNAL] == JOURNAL,
        "the request went through the queue: the receiver put it in, the handler took it out and answered it",
    )
    expect(
        _outputs(cloud, stack)["TaskDefinitionArn"] == definition["taskDefinitionArn"],
        "the attribute TaskDefinitionArn is the newest revision",
    )
    return reference


def _import(cloud, reference):
    cloudformation = cloud.client("cloudformation")
    importers = cloudformation.list_imports(ExportName="ruby-TaskDefinition")["Imports"]
    expect(importers == ["nightly"], "ruby-TaskDefinition is imported by the stack nightly")
    target = _target(cloud)
    say(f"    {dim('its rule starts')} {target}")
    expect(target == reference, "that is what !Ref gives: no revision")
    try:
        cloudformation.delete_stack(StackName="ruby")
    except cloudformation.exceptions.ClientError as refusal:
        message = refusal.response["Error"]["Message"]
        expect("imported" in message, f"the stack ruby cannot be deleted meanwhile: {dim(message)}")
    else:
        raise NotAsExpected("the stack ruby was deleted although nightly imports from it")


def _new_image(cloud, reference):
    before = _newest(cloud, reference)
    role = _role_id(cloud, before)
    seen = show.event_ids(cloud, "ruby")

    text = RUBY.read_text()
    edited = tools.STATE / "ruby-with-another-image.yml"
    edited.write_text(text.replace("Image: ruby:2.7\n", "Image: ruby:3.4\n"))
    expect(edited.read_text() != text, f"{bold('Image: ruby:2.7')} becomes {bold('Image: ruby:3.4')}")
    deploy.template(cloud, "ruby", edited)
    show.events(cloud, "ruby", since=seen)
    after = _newest(cloud, reference)
    say()
    show.task_definition(after)
    say()
    expect(after["containerDefinitions"][0]["image"] == "ruby:3.4", "the newest revision has the new image")
    expect(
        after["revision"] == before["revision"] + 1, f"it is revision {after['revision']}, after {before['revision']}"
    )
    expect(_exports(cloud)["ruby-TaskDefinition"] == reference, "!Ref and the export are the same as before")
    expect(_target(cloud) == reference, "the importing stack needs no update: its rule starts the newest revision")
    expect(_role_id(cloud, after) == role, f"the task role is the same, with the same unique id {dim(role)}")
    previous = cloud.client("ecs").describe_task_definition(taskDefinition=before["taskDefinitionArn"])
    expect(
        previous["taskDefinition"]["status"] == "ACTIVE",
        f"revision {before['revision']} is still there, for a rollback and for what runs",
    )


def _nothing_left(cloud):
    ecs, iam, logs = (cloud.client(name) for name in ("ecs", "iam", "logs"))
    left = ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    expect_none(left, "no ACTIVE revision is left")
    paths = ("/BuildkiteAgentExecution/", "/BuildkiteAgentTask/")
    left = [role["RoleName"] for path in paths for role in iam.list_roles(PathPrefix=path)["Roles"]]
    expect_none(left, f"no role is left under {' and '.join(paths)}")
    left = [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix="/aws/ecs/")["logGroups"]]
    expect_none(left, "no log group is left under /aws/ecs/")


def _kept(cloud):
    cloud.keep()
    heading("The local cloud is left running")
    environment = tools.STATE / "demo.env"
    environment.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in cloud.variables.items()))
    say(f"  To talk to it, with any AWS tool: {bold(f'source {environment.relative_to(tools.ROOT)}')}")
    say(f"\n  sam is in {tools.environment('sam') / 'bin'}.")
    say(f"  End it with {bold('./demo --end')}.")


def _newest(cloud, reference):
    return newest(cloud, reference.rsplit("/", 1)[-1])


def _target(cloud):
    events = cloud.client("events")
    rule = events.list_rules(NamePrefix="nightly-")["Rules"][0]["Name"]
    return events.list_targets_by_rule(Rule=rule)["Targets"][0]["EcsParameters"]["TaskDefinitionArn"]


def _role_id(cloud, definition):
    name = definition["taskRoleArn"].rsplit("/", 1)[-1]
    return cloud.client("iam").get_role(RoleName=name)["Role"]["RoleId"]


def _outputs(cloud, stack):
    found = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def _exports(cloud):
    return {one["Name"]: one["Value"] for one in cloud.client("cloudformation").list_exports()["Exports"]}


def _stacks(cloud):
    return [stack["StackName"] for stack in cloud.client("cloudformation").describe_stacks()["Stacks"]]


if __name__ == "__main__":
    sys.exit(main())
