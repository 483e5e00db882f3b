"""Podman in a namespace of its own: its settings, its storage, and how it is called."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local import tools

STATE = tools.STATE / "containers"
NEEDED = {"podman": "podman", "crun": "crun", "busybox": "busybox-static", "tini-static": "tini", "cc": "gcc libc6-dev"}
INIT = "/usr/bin/tini-static"
INSIDE = "AGENT_COMPOSER_CONTAINERS"


def missing():
    """What this machine lacks, as a sentence; None if nothing."""
    absent = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    if absent:
        return f"run: apt-get install --no-install-recommends {' '.join(absent)}"
    if os.geteuid() != 0:
        return "run it as root: containers are started in a mount namespace"
    return None


def enter():
    """Starts this program again in namespaces of its own, which take every container with them at the end."""
    if os.environ.get(INSIDE):
        return
    os.environ[INSIDE] = "1"
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    os.execvp(apart[0], [*apart, sys.executable, *sys.argv])


def prepare():
    """Empties the storage; settles what podman finds in the way."""
    # crun refuses a version 2 hierarchy beside version 1's.
    if Path("/sys/fs/cgroup/unified").is_mount():
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)
    # Podman's locks are in /dev/shm, one set for all storages: those of a run that was killed would stay taken.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], check=True)
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    # Higher limits than the machine's need a capability that root may lack.
    (STATE / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        '[engine]\nruntime = "crun"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
    )
    (STATE / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')


def command(*arguments):
    """A command of podman's, in words."""
    places = [f"--root={STATE}/storage", f"--runroot={STATE}/run", f"--tmpdir={STATE}/tmp"]
    return ["podman", *places, *map(str, arguments)]


def variables():
    """The variables for podman."""
    return {"PATH": os.environ["PATH"], "HOME": str(STATE), "CONTAINERS_CONF": str(STATE / "containers.conf")}


def podman(*arguments, stdin=None, check=True):
    """Runs podman to its end; returns its output."""
    done = subprocess.run(command(*arguments), input=stdin, capture_output=True, env=variables(), check=False)
    if check and done.returncode:
        raise AssertionError(f"podman {' '.join(map(str, arguments))}: {done.stderr.decode()}")
    return done.stdout.decode()
