"""The commands that a user gives on a real account: sam build and sam deploy; and the deletion of a stack."""

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


def build(architecture=None, *, folder=None, variables=None, target=None):
    """Builds the functions as template.yml says, into .aws-sam/build; or for these processors, into a folder of theirs."""
    folder = folder or f".aws-sam/{architecture or 'build'}"
    options = ("--parameter-overrides", f"Architecture={architecture}") if architecture else ()
    options += ("--build-dir", folder) if folder != ".aws-sam/build" else ()
    target = target or tools.target()
    _sam("building the functions", "build", *options, variables=variables, detail=lambda: crates_built(target))
    return ROOT / folder / "Provider/bootstrap"


def provider(cloud, *, stack=PROVIDER, built=None, **parameters):
    """Deploys what was built, last or as this template has it."""
    _sam(
        f"deploying {stack}",
        *("deploy", *(("--template-file", built) if built else ()), "--stack-name", stack, "--resolve-s3"),
        *("--capabilities", "CAPABILITY_IAM"),
        *_overrides(parameters),
        variables=cloud.variables,
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
        variables=cloud.variables,
    )


def package(cloud, path, bucket, out):
    """Uploads what the template at `path` nests, and writes it with their addresses to `out`."""
    _sam(
        f"packaging {Path(path).name}",
        *("package", "--template-file", str(path), "--s3-bucket", bucket),
        *("--output-template-file", str(out)),
        variables=cloud.variables,
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


def _sam(title, *arguments, variables=None, detail=lambda: ""):
    """Runs sam at the root; shows the command, and what it printed only if it failed."""
    variables = tools.user_environment() | (variables or {})
    command = ["sam", *arguments]
    say(f"  {cyan('$')} {cyan(shlex.join(command))}")
    with working(title, detail):
        tools.run(command, variables=variables)


def crates_built(target):
    """How far cargo has come in its target folder, and with what it is busy: sam keeps what it prints to itself."""
    # One for what runs at build time, and one for what runs in the function.
    crates = [*target.glob("release/.fingerprint/*"), *target.glob("*/release/.fingerprint/*")]
    try:
        notes = {crate.name: list(crate.iterdir()) for crate in crates}
        done = {name for name in notes if any(_is_done(note) for note in notes[name])}
        # Cargo notes the time when it begins with a crate.
        begun = {name for name in notes if any(note.name == "invoked.timestamp" for note in notes[name])}
    except FileNotFoundError:  # cargo clears up after itself now and then
        return ""
    if not crates:
        return ""
    busy = sorted(name.rpartition("-")[0] for name in begun - done)
    now = f", now {' and '.join(busy)}" if busy else ""
    return f"{len(done)} of {len(crates)} crates{now}"


def _is_done(note):
    """Whether a file among cargo's notes is the one that it leaves empty, or out, until a crate is built."""
    kinds = ("lib-", "bin-", "build-script-", "run-build-script-")
    return note.name.startswith(kinds) and not note.suffix and note.stat().st_size > 0
