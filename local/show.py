"""What was made, as a person would want to see it: trees of containers and roles, tables of events and attributes."""

import json
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

from local import tools
from local.progress import COLOUR, bold, cyan, dim, green, red, say, yellow


def resources(path):
    """The resources of a template, as they are written."""
    text = path.read_text()
    part = re.search(r"(?ms)^Resources:\n.*?(?=^\S|\Z)", text)[0]
    for line in part.rstrip().splitlines():
        say(f"    {dim(line) if line.lstrip().startswith('#') else line}")
    say()


def command(program, *arguments):
    """Runs a program as a person would; returns what it printed, and its status."""
    relative = [one.relative_to(tools.ROOT) if isinstance(one, Path) else one for one in arguments]
    words = [program.name, *map(str, relative)]
    say(f"  {cyan('$')} {cyan(shlex.join(words))}")
    colours = {"CLICOLOR_FORCE": "1"} if COLOUR else {}
    done = subprocess.run(
        [program, *words[1:]],
        cwd=tools.ROOT,
        env=os.environ | colours,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    for line in done.stdout.rstrip().splitlines():
        say(f"  {line}")
    return re.sub("\x1b\\[[0-9;]*m", "", done.stdout), done.returncode


def events(cloud, stack, since=None):
    """The events of `stack`, oldest first, as CloudFormation's console has them."""
    pages = cloud.client("cloudformation").get_paginator("describe_stack_events")
    rows = [event for page in pages.paginate(StackName=stack) for event in page["StackEvents"]]
    rows.reverse()
    rows = [row for row in rows if since is None or row["EventId"] not in since]
    name = stack.split("/")[1] if stack.startswith("arn:") else stack
    width = max((len(row["LogicalResourceId"]) for row in rows), default=0)
    kinds = max((len(row["ResourceType"]) for row in rows), default=0)
    say(f"  {bold('events of the stack')} {name}")
    for row in rows:
        status = row["ResourceStatus"]
        colour = red if "FAILED" in status else green if status.endswith("COMPLETE") else dim
        say(
            f"  {dim(row['Timestamp'].strftime('%H:%M:%S'))}  {row['LogicalResourceId']:{width}}"
            f"  {dim(format(row['ResourceType'], str(kinds)))}  {colour(status)}"
        )
        if row.get("ResourceStatusReason"):
            say(f"            {red(row['ResourceStatusReason'])}")


def event_ids(cloud, stack):
    """What has happened to `stack` so far, for `events` to leave out."""
    pages = cloud.client("cloudformation").get_paginator("describe_stack_events")
    return {event["EventId"] for page in pages.paginate(StackName=stack) for event in page["StackEvents"]}


def outputs(pairs, title):
    """Names and values, below each other."""
    say(f"  {bold(title)}")
    width = max(map(len, pairs))
    for name, value in pairs.items():
        say(f"    {name:{width}}  {value}")


def task_definition(definition):
    """The containers of a task definition, and how they hang together."""
    size = f"{definition['cpu']} CPU units, {definition['memory']} MiB"
    kind = ", ".join([*definition.get("requiresCompatibilities", []), definition["networkMode"]])
    branches = [
        (
            f"{bold(container['name'])}  {cyan(container['image'])}  "
            f"{dim('essential' if container.get('essential', True) else 'may end')}",
            _container(container),
        )
        for container in definition["containerDefinitions"]
    ]
    volumes = [volume["name"] for volume in definition.get("volumes", [])]
    if volumes:
        branches.append((f"{bold('volumes')}  {', '.join(volumes)}", []))
    say(
        f"  {bold('task definition')} {definition['family']}, revision {definition['revision']}  {dim(kind)}  {dim(size)}"
    )
    _tree(branches)


def _container(container):
    """The lines under one container."""
    lines = []

    def line(name, value):
        if value:
            lines.append((f"{dim(f'{name:<13}')} {value}", []))

    line("entry point", " ".join(container.get("entryPoint", [])))
    line("command", " ".join(container.get("command", [])))
    for other in container.get("dependsOn", []):
        line("waits for", f"{other['containerName']} to be {yellow(other['condition'])}")
    for other in container.get("volumesFrom", []):
        line("volumes from", other["sourceContainer"])
    for mount in container.get("mountPoints", []):
        line("mounts", f"{mount['sourceVolume']} at {mount['containerPath']}")
    check = container.get("healthCheck")
    if check:
        line("health check", f"{' '.join(check['command'])}  {dim('every')} {check.get('interval', 30)} s")
    for variable in sorted(container.get("environment", []), key=lambda one: one["name"]):
        value = variable["value"].replace("\n", dim(" ⏎ "))
        line("environment", f"{variable['name']}={value}")
    for secret in container.get("secrets", []):
        line("secret", f"{secret['name']} {dim('from')} {secret['valueFrom']}")
    line("starts within", _with_unit(container.get("startTimeout"), "s"))
    line("stops within", _with_unit(container.get("stopTimeout"), "s"))
    if container.get("linuxParameters", {}).get("initProcessEnabled"):
        line("init process", "yes")
    log = container.get("logConfiguration")
    if log:
        options = log["options"]
        line("logs to", f"{options['awslogs-group']}  {dim(options.get('mode', ''))}")
    return lines


def _with_unit(value, unit):
    return f"{value} {unit}" if value else ""


def role(cloud, arn):
    """A role: who may take it on, and what it may do."""
    iam = cloud.client("iam")
    name = arn.rsplit("/", 1)[-1]
    found = iam.get_role(RoleName=name)["Role"]
    branches = []
    for statement in found["AssumeRolePolicyDocument"]["Statement"]:
        who = ", ".join(_listed(statement["Principal"].get("Service", [])))
        branches.append((f"{dim('taken on by')} {who}", _conditions(statement)))
    boundary = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    if boundary:
        branches.append((f"{dim('bounded by')} {boundary}", []))
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        branches.append((f"{dim('policy')} {policy}", [_statement(one) for one in document["Statement"]]))
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        branches.append((f"{dim('managed policy')} {policy['PolicyArn']}", []))
    if not any("policy" in text for text, _ in branches):
        branches.append((dim("no policy: it may do nothing"), []))
    say(f"  {bold('role')} {found['Path']}{bold(name)}  {dim('unique id')} {found['RoleId']}")
    _tree(branches)


def _statement(statement):
    colour = green if statement["Effect"] == "Allow" else red
    text = f"{colour(statement['Effect'].lower())} {', '.join(_listed(statement['Action']))}"
    resources = [(f"{dim('on')} {resource}", []) for resource in _listed(statement["Resource"])]
    return text, resources + _conditions(statement)


def _conditions(statement):
    return [
        (f"{dim('if')} {key} {dim(operator)} {', '.join(_listed(value))}", [])
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    ]


def log_group(cloud, name):
    """A log group and how long it keeps its events."""
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    found = next(group for group in groups if group["logGroupName"] == name)
    days = found.get("retentionInDays")
    kept = f"keeps events for {days} day{'' if days == 1 else 's'}" if days else "keeps events for ever"
    say(f"  {bold('log group')} {name}  {dim(kept)}")


def journal(cloud, functions, logical_id):
    """What became of the newest request of `logical_id`, as the functions logged it; returns their messages.

    `functions` are their names by what they do, in the order in which a request reaches them.
    """
    records = _newest_request(cloud, functions, logical_id)
    rows = [_journal_row(role, record) for role, record in records]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    span = records[0][1]["span"]
    say(f"  {bold('journal of the request')} {span['request_type']} {logical_id} {dim(span['request_id'])}")
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths)]
        say(f"    {dim(cells[0])}  {cells[1]}  {cells[2]}  {cells[3]}  {dim(row[4])}".rstrip())
    return [record["message"] for _, record in records if "message" in record]


def _newest_request(cloud, functions, logical_id):
    """The functions' log lines about it. Lambda hands them over when a function is done, which is after its answer."""
    deadline = time.monotonic() + 30
    while True:
        # The receiver's lines first: the handler may begin before the receiver knows that the queue has the message.
        records = [(role, record) for role, name in functions.items() for record in logged(cloud, name)]
        records = [one for one in records if one[1].get("span", {}).get("logical_id") == logical_id]
        if records:
            newest = max((record for _, record in records), key=lambda record: record["timestamp"])
            request = newest["span"]["request_id"]
            records = [one for one in records if one[1]["span"]["request_id"] == request]
            if any(record.get("message") == "answered" for _, record in records):
                return records
        if time.monotonic() > deadline:
            raise tools.ToolFailed(f"the journal of {logical_id}", "no function has logged an answer")
        time.sleep(0.2)


def logged(cloud, function):
    """What a function has logged: between Lambda's own lines, each of its own is a JSON object."""
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
    lines = [event["message"] for page in pages for event in page["events"]]
    return [json.loads(line) for line in lines if line.startswith("{")]


def _journal_row(role, record):
    """Who, what, on what, with which outcome, and how long it took."""
    if "action" in record:
        on = record["on"].split("/")[1] if ":stack/" in record["on"] else record["on"]
        return role, record["action"], on, record["outcome"], f"{record['ms']} ms"
    details = {
        "enqueued": lambda: f"as message {record['message_id']}",
        "handling": lambda: f"message {record['span']['message_id']}, receive {record['span']['receive_count']}",
        "answering": lambda: record["physical_id"],
    }
    detail = details.get(record["message"], str)()
    return role, record["message"], detail, record.get("status", ""), ""


def _listed(value):
    return [value] if isinstance(value, str) else list(value)


def _tree(branches, indent="  "):
    for index, (text, below) in enumerate(branches):
        last = index == len(branches) - 1
        say(f"{indent}{dim('└─' if last else '├─')} {text}")
        _tree(below, indent + ("   " if last else dim("│") + "  "))
