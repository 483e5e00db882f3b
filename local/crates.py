"""The crates that a program is made of, as cargo knows them: version, licence, checksum, and where their files are."""

import dataclasses
import functools
import json
import tomllib
from pathlib import Path

from local.tools import ROOT, output

# The packages whose programs are released.
FUNCTION = "agent-composer"
COMMAND = "agent-composer-cli"


@dataclasses.dataclass(frozen=True)
class Crate:
    """One crate of a graph."""

    name: str
    version: str
    licence: str
    authors: tuple
    repository: str
    directory: Path
    # Of the package as crates.io has it; None for the workspace's own.
    checksum: str
    # The crates that it depends on, as (name, version).
    depends: tuple

    @property
    def key(self):
        return self.name, self.version


def version():
    """The version of the workspace, and so of a release."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def of(package):
    """The crates of a package's program, itself first; what runs only while it is built is not in it."""
    found = _known()
    listed = output(
        ["cargo", "tree", "--locked", "--package", package, "--edges", "normal,no-proc-macro"]
        + ["--prefix", "none", "--format", "{p}"]
    )
    keys = {}
    for line in filter(None, listed.splitlines()):
        name, number, *_ = line.split()
        keys[name, number.removeprefix("v")] = None
    first, *others = keys
    inside = set(keys)
    return [
        dataclasses.replace(found[key], depends=tuple(one for one in found[key].depends if one in inside))
        for key in (first, *sorted(others))
    ]


@functools.cache
def _known():
    """Every crate of the lock file, with whatever it may depend on."""
    metadata = json.loads(output(["cargo", "metadata", "--locked", "--format-version", "1"]))
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in locked}
    keys = {one["id"]: (one["name"], one["version"]) for one in metadata["packages"]}
    depends = {
        keys[node["id"]]: tuple(sorted({keys[one["pkg"]] for one in node["deps"] if _is_in_the_program(one)}))
        for node in metadata["resolve"]["nodes"]
    }
    return {
        key: Crate(
            *key,
            licence=one["license"] or "",
            authors=tuple(one["authors"]),
            repository=one["repository"] or "",
            directory=Path(one["manifest_path"]).parent,
            checksum=checksums[key],
            depends=depends[key],
        )
        for one in metadata["packages"]
        for key in [(one["name"], one["version"])]
    }


def _is_in_the_program(dependency):
    """Whether a crate depends on another while it runs, and not only while it is built or tested."""
    return any(kind["kind"] is None for kind in dependency["dep_kinds"])
