"""The local cloud: ministack on a loopback port of its own, started, asked whether it is ready, and ended."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from local import tools
from local.progress import working

HOST = "127.0.0.1"

# Neither is ministack's default, so that nothing passes by having guessed it.
REGION = "eu-west-1"
ACCOUNT = "111122223333"

KEPT = tools.STATE / "kept-cloud.json"


class CloudFailed(Exception):
    """ministack did not start; says what it logged."""


class Cloud:
    """One ministack and what talks to it. Everything in it is gone when it ends."""

    def __init__(self, port, pid, directory):
        self.port = port
        self.region = REGION
        self.pid = pid
        self.directory = Path(directory)
        self.endpoint = f"http://{HOST}:{port}"
        self._clients = {}
        self._ends_with_us = True
        # Ours to wait for, if this program started it.
        self._process = None

    @property
    def variables(self):
        """The environment variables with which any AWS tool talks to this cloud, and to no other."""
        nothing = self.directory / "empty"
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": str(nothing),
            "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
            "AWS_EC2_METADATA_DISABLED": "true",
            # A proxy cannot reach this machine's loopback.
            "NO_PROXY": HOST,
            "no_proxy": HOST,
        }

    def client(self, service):
        """A boto3 client for `service`."""
        if service not in self._clients:
            tools.importable("cloud")
            import boto3  # only here: what starts the cloud may run without it

            os.environ.update(self.variables)
            self._clients[service] = boto3.client(service)
        return self._clients[service]

    def end(self):
        """Ends ministack and every function that it runs, and removes what they left."""
        if not self.directory.exists():
            return
        for client in self._clients.values():
            client.close()
        _end_group(self.pid)
        if self._process:
            self._process.wait()
        log = self.directory / "ministack.log"
        if log.exists():
            # The last one's log is kept, for a look at what went wrong.
            shutil.copy(log, tools.STATE / "ministack.log")
        shutil.rmtree(self.directory, ignore_errors=True)

    def end_unless_kept(self):
        """What happens when the program ends."""
        if self._ends_with_us:
            self.end()

    def keep(self):
        """Leaves it running past the end of the program, to be found by `kept`."""
        self._ends_with_us = False
        KEPT.write_text(json.dumps({"port": self.port, "pid": self.pid, "directory": str(self.directory)}))


def start():
    """Starts a cloud on a free port; it ends with the program, unless it is kept."""
    python = tools.environment("cloud") / "bin/python"
    with working("starting the local cloud"):
        # Somebody else may take the port between the choice and the start.
        for _ in range(3):
            cloud = _start(python, _free_port())
            if cloud is not None:
                return cloud
    raise CloudFailed("found no port to start ministack on")


def kept():
    """The cloud that was left running, or None."""
    if not KEPT.exists():
        return None
    cloud = Cloud(**json.loads(KEPT.read_text()))
    # Its process id may be somebody else's by now; its port and directory show it.
    return cloud if cloud.directory.exists() and _ready(cloud.port) else None


def _start(python, port):
    directory = Path(tempfile.mkdtemp(prefix="cloud-", dir=tools.STATE))
    (directory / "empty").touch()
    log = open(directory / "ministack.log", "w")
    process = subprocess.Popen(
        [python, "-m", "ministack"],
        cwd=directory,
        # The function inherits this environment: nothing of the user's is in it.
        env={
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            # How the function finds its way back.
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            # Run bootstrap as it is, and leave a Docker of the user's alone.
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": f"unix://{directory}/no-docker",
            # Two listeners on ports of their own that nobody asked for.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        },
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # A group of its own: Ctrl-C is for the program, which then ends the
        # group, functions included.
        start_new_session=True,
    )
    log.close()
    cloud = Cloud(port, process.pid, directory)
    cloud._process = process
    atexit.register(cloud.end_unless_kept)

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            output = (directory / "ministack.log").read_text()
            cloud.end()
            if "already in use" in output:
                return None
            raise CloudFailed(f"ministack ended at its start\n\n{output}")
        if _ready(port):
            return cloud
        time.sleep(0.05)
    raise CloudFailed("ministack was not ready within a minute")


def _free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _ready(port):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}/_ministack/ready", timeout=2) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def _end_group(pid):
    """Ends the process group `pid`: asks first, and insists after five seconds."""
    for kind, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(pid, kind)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                # A child of ours stays until it is waited for.
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass
                os.killpg(pid, 0)
                time.sleep(0.05)
        except ProcessLookupError:
            return


def end_on_signals():
    """Makes a request to terminate end the program as Ctrl-C does: with its cloud."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    for kind in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, interrupt)
