"""The images, made on the spot from this machine's files: no registry is asked."""

import functools
import io
import re
import subprocess
import tarfile
from pathlib import Path

import machine
from local import tools

APPLETS = ("cat", "chmod", "cp", "echo", "env", "false", "ls", "mkdir", "mktemp", "rm", "sleep", "test", "true")


class Image:
    """A root directory as an archive, and what a Dockerfile would say of it."""

    def __init__(self, *changes):
        self.changes = changes
        self._bytes = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._bytes, mode="w")
        for path in ("bin", "etc", "dev", "proc", "sys", "run", "usr/bin", "usr/lib"):
            self.directory(path)
        self.directory("tmp", 0o1777)
        self.directory("home/user", 0o755, owner=1000)
        self.text("etc/passwd", "root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")

    def directory(self, path, mode=0o755, owner=0):
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
        self._tar.addfile(entry)
        return self

    def text(self, path, text, mode=0o644, owner=0):
        return self._file(path, text.encode(), mode, owner)

    def program(self, path, source, mode=0o755):
        return self._file(path, Path(source).resolve().read_bytes(), mode, 0)

    def linked(self, path, source):
        """A program with the libraries that it needs."""
        self.program(path, source)
        listed = subprocess.run(["ldd", source], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            self.program(library.lstrip("/"), library)
        return self

    def busybox(self, *applets):
        self.program("bin/busybox", "/bin/busybox")
        for applet in applets:
            self.link(f"bin/{applet}", "busybox")
        return self

    def link(self, path, target):
        entry = tarfile.TarInfo(path)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)
        return self

    def _file(self, path, content, mode, owner):
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, owner
        self._tar.addfile(entry, io.BytesIO(content))
        return self

    def store(self, name):
        self._tar.close()
        changes = [word for change in self.changes for word in ("--change", change)]
        machine.podman("import", "--quiet", *changes, "-", name, stdin=self._bytes.getvalue())


@functools.cache
def stub():
    """The static program that replaces the agents."""
    made = machine.STATE / "stub"
    source = Path(__file__).with_name("stub.c")
    subprocess.run(["cc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", made, source], check=True)
    return made


def main(shell, *changes):
    """A main image with this shell as /bin/sh, or with none."""
    image = Image(*changes)
    if shell == "ash":
        return image.busybox("sh", *APPLETS)
    if shell is not None:
        image.busybox(*APPLETS).linked("bin/sh", f"/bin/{shell}")
    return image


def sidecar(hook_mode=0o755, volume=True):
    """The agent's own, as its `-sidecar` variant is."""
    image = Image(*(["VOLUME /buildkite"] if volume else [])).busybox("sh", *APPLETS)
    for path in ("", "/bin", "/builds", "/hooks", "/plugins"):
        image.directory(f"buildkite{path}")
    image.text("buildkite/hooks/environment", "# a hook\n", hook_mode)
    return image.program("buildkite/bin/buildkite-agent", stub())


@functools.cache
def iam_ssh_agent():
    """The real daemon, as https://crates.io/crates/iam-ssh-agent has it. It calls its backend only when it is asked for keys."""
    return tools.crate("iam-ssh-agent", "0.3.1")


def service(*programs):
    """A stub of whatever an author's container runs."""
    image = Image().busybox("sh", *APPLETS)
    for program in programs:
        image.program(program, stub())
    return image


RECIPES = {
    "dash": lambda: main("dash"),
    "bash": lambda: main("bash"),
    "ash": lambda: main("ash"),
    "shell-less": lambda: main(None),
    "user": lambda: main("dash", "USER 1000:1000", "WORKDIR /home/user"),
    "own-agent": lambda: main("dash").program("usr/bin/buildkite-agent", stub()),
    "sidecar": sidecar,
    "private-hooks": lambda: sidecar(0o700),
    "full": lambda: main("ash").program("usr/bin/buildkite-agent", stub()),
    "empty-sidecar": lambda: Image("VOLUME /buildkite").busybox("sh", *APPLETS).directory("buildkite"),
    "ssh": lambda: service("bin/iam-ssh-agent"),
    "real-ssh": lambda: Image().busybox("sh", *APPLETS).linked("bin/iam-ssh-agent", iam_ssh_agent()),
    "broken-ssh": lambda: Image().busybox("sh", *APPLETS),
    "service": lambda: service("bin/serve"),
}


def build():
    """Stores all of them."""
    for name, recipe in RECIPES.items():
        recipe().store(f"localhost/{name}:1")
