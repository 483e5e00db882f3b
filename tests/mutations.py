#!/usr/bin/env python3
"""Makes each deliberate break of mutations.toml in a copy of the tree, and demands that its test finds it.

    python3 tests/mutations.py               all of them
    python3 tests/mutations.py late rename   those whose name has one of these words
    python3 tests/mutations.py --list        what they are, and which test finds each
    python3 tests/mutations.py --check       only whether each still fits the code, and names a test that there is
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from local.progress import dim, green, red, say, seconds  # noqa: E402

TREE = [
    *("Cargo.toml", "Cargo.lock", "rustfmt.toml", "clippy.toml", "template.yml", "README.md"),
    *("benches", "crates", "docs", "examples", "schema", "src", "tests"),
]


def main():
    arguments = _arguments()
    breaks = tomllib.loads((ROOT / "tests" / "mutations.toml").read_text(encoding="utf-8"))["break"]
    faults = [fault for one in breaks for fault in unfit(one)]
    for fault in faults:
        say(f"{red('✗')} {fault}")
    if arguments.check or faults:
        say(f"{len(breaks)} breaks, {len(faults)} faults in them")
        return 1 if faults else 0
    chosen = [one for one in breaks if not arguments.words or any(word in one["name"] for word in arguments.words)]
    if arguments.list:
        for one in chosen:
            say(f"{one['name']}\n    {one['what']}\n    {dim('found by')} {one['found_by']}")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutations-") as directory:
        tree = Path(directory) / "tree"
        target = arguments.target or Path(directory) / "target"
        copy(tree)
        missed = [one["name"] for one in chosen if not found(one, tree, target)]
    say(f"\n{len(chosen) - len(missed)} of {len(chosen)} breaks were found")
    for name in missed:
        say(f"{red('not found')}: {name}")
    return 1 if missed else 0


def unfit(one):
    """What keeps a break from being made, or from being found."""
    count = (ROOT / one["file"]).read_text(encoding="utf-8").count(one["old"].strip("\n"))
    if count != 1:
        yield f"{one['name']}: `old` is in {one['file']} {count} times"
    *modules, name = one["found_by"].split("::")
    if f"fn {name}(" not in (ROOT / "tests/it" / Path(*modules).with_suffix(".rs")).read_text(encoding="utf-8"):
        yield f"{one['name']}: there is no test {one['found_by']}"


def copy(tree):
    """The tree as it is, not as it was committed."""
    tree.mkdir(parents=True)
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, tree / name)


def found(one, tree, target):
    """Breaks, tests and mends; whether the test failed as it must."""
    path = tree / one["file"]
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace(one["old"].strip("\n"), one["new"].strip("\n")), encoding="utf-8")
    started = time.monotonic()
    try:
        verdict, detail = tested(one["found_by"], tree, target)
    finally:
        path.write_text(sound, encoding="utf-8")
    good = verdict == "found"
    took = dim(seconds(time.monotonic() - started))
    say(f"{green('✓') if good else red('✗')} {one['name']}: {verdict} {took}\n    {dim(detail)}")
    return good


def tested(name, tree, target):
    """What became of the test in the broken tree, and its first words."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(target), "RUST_BACKTRACE": "0"}
    command = ["cargo", "test", "--locked", "--quiet", "--workspace", "--test", "it"]
    options = {"cwd": tree, "env": environment, "capture_output": True, "text": True, "check": False}
    built = subprocess.run([*command, "--no-run"], **options)
    if built.returncode != 0:
        return "does not build", built.stderr
    run = subprocess.run([*command, "--", "--exact", name], **options)
    if run.returncode == 0:
        return "not found", name
    lines = run.stdout.splitlines()
    places = [at for at, line in enumerate(lines) if " panicked at " in line]
    if not places:
        return "fails otherwise", run.stdout[-2000:] + run.stderr[-2000:]
    return "found", " ".join(lines[places[0] + 1 :][:1])[:200]


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--list", action="store_true", help="only say what they are")
    parser.add_argument("--check", action="store_true", help="only look whether they still fit")
    parser.add_argument("--target", type=Path, help="a target directory to keep, so that dependencies are built once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
