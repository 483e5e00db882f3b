"""The commands that a user gives on a real account: sam build and sam deploy; and the deletion of a stack."""

import os
import shlex
import time
from pathlib import Path

from local import tools
from local.cloud import HOST
from local.progress import cyan, say, working
from local.tools import ROOT

# The stack, and its function that receives the requests.
PROVIDER = "buildkite-agent-provider"
# The function that handles them.
HANDLER = f"{PROVIDER}-handler"


def build(architecture=None):
    """Builds the functions as template.yml says, into .aws-sam/build; or for these processors, into a folder of theirs."""
    folder = f".aws-sam/{architecture or 'build'}"
    options = ("--parameter-overrides", f"Architecture={architecture}", "--build-dir", folder) if architecture else ()
    _sam("building the functions", "build", *options, detail=_crates_built)
    return ROOT / folder / "Provider/bootstrap"


def provider(cloud, *, stack=PROVIDER, **parameters):
    """Deploys what was built."""
    _sam(
        f"deploying {stack}",
        *("deploy", "--stack-name", stack, "--resolve-s3"),
        *("--capabilities", "CAPABILITY_IAM"),
        *_overrides(parameters),
        cloud=cloud,
    )
    answer_locally(cloud, stack)


def answer_locally(cloud, stack):
    """Lets the functions of a provider's stack answer this cloud, which has response URLs of its own.

    A deployment on a real account never sets the variable, so template.yml does not know it.
    """
    functions = cloud.client("lambda")
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    for name in (one["PhysicalResourceId"] for one in resources if one["ResourceType"] == "AWS::Lambda::Function"):
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables | {"ALLOWED_RESPONSE_HOSTS": HOST}}
        )


def template(cloud, stack, path, *, capabilities=(), **parameters):
    """Deploys the template at `path`, with what it nests, as `stack`."""
    path = Path(path)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    _sam(
        f"deploying {stack}",
        *("deploy", "--template-file", str(shown), "--stack-name", stack, "--resolve-s3"),
        *(("--capabilities", *capabilities) if capabilities else ()),
        *_overrides(parameters),
        cloud=cloud,
    )


def package(cloud, path, bucket, out):
    """Uploads what the template at `path` nests, and writes it with their addresses to `out`."""
    _sam(
        f"packaging {Path(path).name}",
        *("package", "--template-file", str(path), "--s3-bucket", bucket),
        *("--output-template-file", str(out)),
        cloud=cloud,
    )


def delete(cloud, stack):
    """Deletes `stack` and waits until it is gone; returns its id, by which its events are still found.

    Not with sam delete: for a stack that nests others it takes the addresses of their templates apart, and knows
    only those of AWS.
    """
    cloudformation = cloud.client("cloudformation")
    stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    with working(f"deleting {stack}"):
        cloudformation.delete_stack(StackName=stack)
        # No deadline of its own: the stack's resources have theirs.
        while (status := _status(cloudformation, stack_id)) == "DELETE_IN_PROGRESS":
            time.sleep(0.1)
        if status != "DELETE_COMPLETE":
            raise tools.ToolFailed(f"delete {stack}", f"the stack is {status}")
    return stack_id


def _status(cloudformation, stack_id):
    return cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]


def _overrides(parameters):
    if not parameters:
        return ()
    return ("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items()))


def _sam(title, *arguments, cloud=None, detail=lambda: ""):
    """Runs sam at the root; shows the command, and what it printed only if it failed."""
    variables = tools.user_environment() | (cloud.variables if cloud else {})
    command = ["sam", *arguments]
    say(f"  {cyan('$')} {cyan(shlex.join(command))}")
    with working(title, detail):
        tools.run(command, variables=variables)


def _crates_built():
    """How far cargo has come: sam keeps what it prints to itself, but cargo notes each crate when it is done."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    # One for what runs at build time, and one for what runs in the function.
    crates = [*target.glob("release/.fingerprint/*"), *target.glob("*/release/.fingerprint/*")]
    try:
        done = sum(any(_is_done(note) for note in crate.iterdir()) for crate in crates)
    except FileNotFoundError:  # cargo clears up after itself now and then
        return ""
    return f"{done} of {len(crates)} crates" if crates else ""


def _is_done(note):
    """Whether a file among cargo's notes is the one that it leaves empty, or out, until a crate is built."""
    kinds = ("lib-", "bin-", "build-script-", "run-build-script-")
    return note.name.startswith(kinds) and not note.suffix and note.stat().st_size > 0
