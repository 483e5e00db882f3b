"""What ./demo builds: to be looked at and not deployed for good, so without optimisation, in a target folder of its own."""

import os
import subprocess
import sys
from contextlib import contextmanager

from local import crates, deploy, tools
from local.progress import working
from local.tools import ROOT

TARGET = tools.target() / "demo"

# The release profile, as sam builds with it: 3 min 15 s on two cores, where the optimised functions take 5 min 20 s.
VARIABLES = {
    "CARGO_TARGET_DIR": str(TARGET),
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
}

COMMAND = "agent-composer"

# Where sam leaves the functions.
FOLDER = ".aws-sam/demo"


@contextmanager
def fetching():
    """Fetches the crates and installs the tools side by side with what is built; ends both if it is left early."""
    install = "from local import cloud, tools; cloud.end_on_signals(); tools.environment('sam'); tools.environment('cloud')"
    fetches = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in ([sys.executable, "-c", install], ["cargo", "fetch", "--locked"])
    ]
    try:
        yield lambda: _await(fetches)
    finally:
        for fetch in fetches:
            fetch.terminate()
            fetch.wait()


def _await(fetches):
    """Whether it went well does not matter: what is missing then is fetched again by who needs it, who also says why not."""
    if any(fetch.poll() is None for fetch in fetches):
        with working("installing sam and the local cloud, fetching crates"):
            for fetch in fetches:
                fetch.wait()


def command():
    """The command `agent-composer`, without what looks at an account: that would bring the SDKs."""
    words = ("--release", "--locked", "--package", crates.COMMAND, "--no-default-features", "--bin", COMMAND)
    with working(f"building {COMMAND}", lambda: deploy.crates_built(TARGET)):
        tools.run(["cargo", "build", *words], variables=os.environ | VARIABLES)
    return TARGET / "release" / COMMAND


def functions():
    """Both functions, by sam; returns the template to deploy."""
    deploy.build(folder=FOLDER, variables=VARIABLES, target=TARGET)
    return f"{FOLDER}/template.yaml"
