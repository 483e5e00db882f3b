"""What is in the dependency graph, checked against the lists of deny.toml: licences, banned crates, versions, sources.

It reads `cargo tree` alone, so that no check compiles cargo-deny for minutes. Advisories need a database
from elsewhere: a job of .github/workflows/test.yml looks at them.
"""

import re
import tomllib

from local import tools
from local.tools import ROOT

CRATES_IO = re.compile(r"registry\+https://github\.com/rust-lang/crates\.io-index")

# What every SDK is made of: in the function with its SDKs, though only the command asks for it by name.
PARTS_OF_SDKS = {"aws-runtime", "aws-smithy-runtime"}

# The function is the root package; the other members, but for the model, are not for it.
FUNCTION = "agent-composer"
TOOLS = {"agent-composer-cli", "fake-aws"}


def faults():
    """What is wrong, each in a line."""
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    graph = _tree("--workspace", "--edges", "normal,build,dev")
    return [
        *_licences(graph, set(rules["licenses"]["allow"])),
        *_banned(graph, rules["bans"]["deny"]),
        *_versions(graph, rules["bans"]["skip"]),
        *_sources(),
        *_tools_in_the_function(),
    ]


def _tree(*arguments):
    """The crates of a graph: name, version and licence."""
    listed = tools.output(["cargo", "tree", "--locked", *arguments, "--prefix", "none", "--format", "{p}|{l}"])
    crates = set()
    for line in filter(None, listed.splitlines()):
        package, licence = line.removesuffix(" (*)").split("|")
        name, version, *_ = package.split()
        crates.add((name, version.removeprefix("v"), licence.strip()))
    return sorted(crates)


def _licences(graph, allowed):
    for name, version, licence in graph:
        if not _is_allowed(licence, allowed):
            yield f"{name} {version} has the licence {licence or 'of no name'!r}, which deny.toml does not allow"


def _is_allowed(expression, allowed):
    """Whether an SPDX expression can be met with allowed licences; `/` is the old form of OR."""
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    position = 0

    def either():
        nonlocal position
        met = both()
        while position < len(words) and words[position] == "OR":
            position += 1
            met |= both()
        return met

    def both():
        nonlocal position
        met = one()
        while position < len(words) and words[position] == "AND":
            position += 1
            met &= one()
        return met

    def one():
        nonlocal position
        word = words[position]
        position += 1
        if word == "(":
            met = either()
            position += 1
            return met
        if position < len(words) and words[position] == "WITH":
            word = " ".join(words[position - 1 : position + 2])
            position += 2
        return word in allowed

    return bool(words) and either()


def _banned(graph, bans):
    for ban in bans:
        named, _, below = ban["crate"].partition(":<")
        for name, version, _ in graph:
            if name == named and (not below or _numbers(version) < _numbers(below)):
                yield f"{name} {version} is banned: {ban['reason']}"


def _numbers(version):
    return [int(part) for part in version.split("-")[0].split("+")[0].split(".")]


def _versions(graph, skips):
    skipped = {tuple(skip["crate"].split("@")) for skip in skips}
    present = {(name, version) for name, version, _ in graph}
    several = {}
    for name, version in sorted(present - skipped):
        several.setdefault(name, []).append(version)
    for name, versions in several.items():
        if len(versions) > 1:
            yield f"{name} is there in the versions {', '.join(versions)}"
    for name, version in sorted(skipped):
        if (name, version) not in present or not [one for one in present if one[0] == name and one[1] != version]:
            yield f"deny.toml skips {name}@{version}, which is not needed any more"


def _sources():
    for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]:
        source = package.get("source")
        if source and not CRATES_IO.fullmatch(source):
            yield f"{package['name']} {package['version']} comes from {source}"


def _tools_in_the_function():
    """A build of the function compiles nothing that only the command or the tests need."""
    function = {name for name, _, _ in _tree("--package", FUNCTION, "--edges", "normal,build")}
    commands_own = _asked_for("crates/cli") - _asked_for(".") - _asked_for("crates/model") - PARTS_OF_SDKS
    for unwanted in sorted(function & (TOOLS | commands_own)):
        yield f"the function's graph has {unwanted}, which only the command or the tests need"


def _asked_for(member):
    return set(tomllib.loads((ROOT / member / "Cargo.toml").read_text())["dependencies"])
