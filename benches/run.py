#!/usr/bin/env python3
"""Measures the function beside a bare Lambda runtime and beside the same resource in Python; prints one table of ratios.

    python3 benches/run.py               builds what is missing, then measures
    python3 benches/run.py --rounds 50   more rounds

Everything runs on this machine: the Runtime API, the response URL and the AWS account are on loopback ports. Where valgrind
is installed, a second table has the instructions of each step, which depend on no clock.
"""

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from local import tools  # noqa: E402
from runtime_api import RuntimeApi  # noqa: E402

ROOT = tools.ROOT
PEER = ROOT / "benches" / "peer" / "provider.py"
# How long each call to AWS takes, in milliseconds.
LATENCY = 20
LIVES = 5
UPDATES = 5
# The first Create and Delete only warm the process up.
WARM_UP = ("Create", "Delete")
LIFE = (*WARM_UP, "Create", *["Update"] * UPDATES, "Delete")


def main():
    """Builds, measures, prints."""
    arguments = _arguments()
    target = tools.target()
    release = ["cargo", "build", "--locked", "--release"]
    tools.run([*release, "--bin", "bootstrap"], captured=False)
    tools.run([*release, "--package", "bare"], captured=False)
    tools.run(["cargo", "build", "--locked", "--workspace", "--example", "serve", "--test", "it"], captured=False)
    ours, bare = target / "release" / "bootstrap", target / "release" / "bare"
    python = tools.environment("peer") / "bin" / "python"

    rows = []
    starts = {ours: [], bare: []}
    idle = {ours: [], bare: []}
    for _ in range(arguments.rounds):
        for binary in (ours, bare):
            took, memory = start(binary)
            starts[binary].append(took)
            idle[binary].append(memory)
    rows.append(row("process start to the first /next", "ms", [1000 * x for x in starts[ours]], "bare runtime", [1000 * x for x in starts[bare]]))
    rows.append(row("resident, idle", "MB", idle[ours], "bare runtime", idle[bare]))

    with Account(target / "debug" / "examples" / "serve") as account:
        lives = {"ours": [], "peer": []}
        memory = []
        for number in range(LIVES):
            lives["ours"].append(life([ours], account, f"ours{number}", memory))
            lives["peer"].append(life([python, PEER], account, f"peer{number}", []))
        counted = list(instructions(ours, bare, account)) if shutil.which("valgrind") else []
    for step in ("Create", "Update", "Delete"):
        values = {who: [1000 * took for one in lives[who] for name, took in one if name == step] for who in lives}
        rows.append(row(f"{step}, warm, {LATENCY} ms a call", "ms", values["ours"], "peer", values["peer"]))
    rows.append(row("resident after work", "MB", memory, "bare runtime, idle", idle[bare]))
    rows.append(row("package (zip)", "MB", [zipped(ours)], "bare runtime", [zipped(bare)]))

    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, {processor}; {arguments.rounds} starts, {LIVES} lives; medians (least to most)\n")
    print("| figure | the function | beside it | ratio |\n| --- | --- | --- | --- |")
    print("\n".join(rows))
    if counted:
        print("\n| Step | Instructions, in millions |\n| --- | --- |")
        print("\n".join(f"| {step} | {count / 1e6:.1f} |" for step, count in counted))


def start(binary):
    """How long a process takes to its first /next, in seconds, and how much memory it then has, in megabytes."""
    with RuntimeApi() as api:
        began = time.monotonic()
        process = subprocess.Popen([binary], env=variables(api), stdout=subprocess.DEVNULL)
        try:
            asked = api.asked()
            time.sleep(0.1)
            return asked - began, resident(process)
        finally:
            process.kill()
            process.wait()


def life(command, account, family, memory):
    """A Create, some Updates of the image and a Delete in one process: how long each took, from /next to the answer."""
    times = play(command, account, family, LIFE, lambda process: memory.append(resident(process)))
    return times[len(WARM_UP) :]


def instructions(ours, bare, account):
    """How many instructions each step takes: what a process executes that does the step, beyond one that ends before it."""
    steps = ("Create", "Update", "Delete")
    totals = [collected(ours, account, steps[:done]) for done in range(len(steps) + 1)]
    yield "a bare runtime's start", collected(bare, account, ())
    yield "start", totals[0]
    for step, before, after in zip(steps, totals, totals[1:]):
        yield f"{step}, {'the first request' if step == 'Create' else 'the next'}", after - before


def collected(binary, account, names):
    """How many instructions a process executes until it has done these requests and asks for the next one."""
    counts = []

    def end(process):
        process.terminate()
        _, report = process.communicate()
        counts.append(int(re.search(r"Collected : (\d+)", report).group(1)))

    callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}", binary]
    play(callgrind, account, f"counted{len(names)}", names, end, stderr=subprocess.PIPE, text=True)
    return counts[0]


def play(command, account, family, names, end, **options):
    """Sends requests to a process, and lets `end` look at it when it asks for one more; how long each took."""
    properties = {
        "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:bench",
        "Image": "ruby:1",
        "BuildkiteAgentImage": "buildkite/agent:3-sidecar",
        "SshAgentBackend": "arn:aws:execute-api:us-east-1:111122223333:abcdef1234/prod",
        "Secrets": [{"Name": "TOKEN", "ValueFrom": "/token"}],
        "TaskFamily": family,
    }
    times = []
    with RuntimeApi() as api:
        environment = variables(api) | {"AWS_ENDPOINT_URL": account.url}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, **options)
        try:
            physical_id, old = None, None
            for name in names:
                if name == "Update":
                    old, properties = properties, properties | {"Image": f"ruby:{len(times)}"}
                event = {
                    "RequestType": name,
                    "ServiceToken": properties["ServiceToken"],
                    "ResponseURL": api.response_url,
                    "StackId": account.stack,
                    "RequestId": f"{family}-{len(times)}",
                    "ResourceType": "Custom::BuildkiteAgent",
                    "LogicalResourceId": family,
                    "ResourceProperties": properties,
                }
                if name != "Create":
                    event["PhysicalResourceId"] = physical_id
                if name == "Update":
                    event["OldResourceProperties"] = old
                took, answer = api.answer_to(event)
                if answer["Status"] != "SUCCESS":
                    raise SystemExit(f"{command[0]}: {name}: {answer.get('Reason')}")
                physical_id = answer["PhysicalResourceId"]
                times.append((name, took))
            api.asked()
            end(process)
        finally:
            process.kill()
            process.wait()
    return times


class Account:
    """The in-memory account, served by a process of its own."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, str(LATENCY)], stdout=subprocess.PIPE, text=True)
        self.url, self.stack = self.process.stdout.readline().split()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def variables(api):
    """The environment that Lambda gives a function."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "ALLOWED_RESPONSE_HOSTS": "127.0.0.1",
    }


def resident(process):
    """The resident memory of a process, in megabytes."""
    (line,) = [line for line in open(f"/proc/{process.pid}/status") if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def zipped(binary):
    """The size of a binary in a zip, in megabytes."""
    path = binary.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.write(binary, "bootstrap")
    return path.stat().st_size / 1e6


def row(figure, unit, ours, name, theirs):
    """A line of the table."""

    def shown(values):
        spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
        return f"{statistics.median(values):.1f} {unit}{spread}"

    ratio = statistics.median(ours) / statistics.median(theirs)
    return f"| {figure} | {shown(ours)} | {name}: {shown(theirs)} | {ratio:.2f} |"


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="how often each process is started")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
