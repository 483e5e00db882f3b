#!/usr/bin/env python3
"""Makes each deliberate break of mutations.toml in a copy of the tree, and demands that its test finds it.

    python3 tests/mutations.py              all of them
    python3 tests/mutations.py --list       what they are, and which test finds each
    python3 tests/mutations.py dedupe late  those whose name has one of these words
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
TREE = ["Cargo.toml", "Cargo.lock", "clippy.toml", "template.yml", "README.md", "src", "tests", "examples"]


def main():
    arguments = parse()
    breaks = tomllib.loads((ROOT / "tests" / "mutations.toml").read_text(encoding="utf-8"))["break"]
    chosen = [one for one in breaks if not arguments.words or any(word in one["name"] for word in arguments.words)]
    if arguments.list:
        for one in chosen:
            print(f"{one['name']}\n    {one['what']}\n    found by {one['found_by']}")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutations-") as directory:
        tree = Path(directory) / "tree"
        target = arguments.target or Path(directory) / "target"
        copy(tree)
        missed = [one["name"] for one in chosen if not found(one, tree, target, arguments.stories)]
    print(f"\n{len(chosen) - len(missed)} of {len(chosen)} breaks were found")
    for name in missed:
        print(f"NOT found: {name}")
    return 1 if missed else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--list", action="store_true", help="only say what they are")
    parser.add_argument("--stories", type=int, default=9000, help="SIMULATOR_STORIES, of which each test tells a sixth")
    parser.add_argument("--target", type=Path, help="a target directory to keep, so that dependencies are built once")
    return parser.parse_args()


def copy(tree):
    tree.mkdir(parents=True)
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, tree / name)


def found(one, tree, target, stories):
    """Breaks, tests, and mends; whether the test failed as it must is said."""
    path = tree / one["file"]
    sound = path.read_text(encoding="utf-8")
    if sound.count(one["old"]) < 1 or sound.count(one["old"]) > one.get("count", 1):
        print(f"✗ {one['name']}: {one['file']} has `old` {sound.count(one['old'])} times", flush=True)
        return False
    path.write_text(sound.replace(one["old"], one["new"].strip()), encoding="utf-8")
    started = time.monotonic()
    try:
        verdict, said = test(one["found_by"], tree, target, stories)
    finally:
        path.write_text(sound, encoding="utf-8")
    mark = "✓" if verdict == "found" else "✗"
    print(f"{mark} {one['name']}: {verdict} in {time.monotonic() - started:.0f} s{said}", flush=True)
    return verdict == "found"


def test(name, tree, target, stories):
    environment = os.environ | {
        "CARGO_TARGET_DIR": str(target),
        "SIMULATOR_STORIES": str(stories),
        "RUST_BACKTRACE": "0",
    }
    command = ["cargo", "test", "--locked", "--quiet", "--test", "it"]
    built = subprocess.run([*command, "--no-run"], cwd=tree, env=environment, capture_output=True, text=True)
    if built.returncode != 0:
        return "does not build", f"\n{built.stderr}"
    told = subprocess.run([*command, "--", "--exact", name], cwd=tree, env=environment, capture_output=True, text=True)
    if told.returncode == 0:
        return "NOT found", ""
    lines = told.stdout.splitlines()
    first = next((line for line in lines if line.startswith("seed ")), "")
    return ("found", f"\n    {first[:180]}") if first else ("fails otherwise", f"\n{told.stdout[-2000:]}{told.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
