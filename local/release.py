"""./release: what a release has, in dist/: the functions' zips, their templates, the command, and what is in them."""

import argparse
import hashlib
import shutil
import sys
from pathlib import Path

from local import archive, crates, deploy, notices, packaged, sbom, tools
from local import cloud as clouds
from local.progress import heading, say, working
from local.tools import ROOT

# The processors that a function may run on, with Rust's name of them.
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# On these, sam build needs no option, and ./test builds the same.
OWN = "x86_64"

COMMAND = "agent-composer"
SUMS = "SHA256SUMS"


def main():
    """Builds what was not built before, and leaves a release; says what it left out."""
    arguments = _arguments()
    clouds.end_on_signals()
    out = arguments.output.resolve()
    try:
        built = dict(arguments.built) or build()
        command = arguments.command or build_command()
        with working("writing the release"):
            write(out, built, command)
    except tools.ToolFailed as failure:
        say(f"\n{failure}")
        return 1
    heading(f"The release {crates.version()}, in {arguments.output}")
    for path in sorted(out.iterdir()):
        say(f"  {path.stat().st_size:>10,}  {path.name}")
    for architecture in TARGETS.keys() - built.keys():
        say(f"\nleft out: {architecture}. To build for it, install Rust's library for it, and run ./release again:")
        say(f"  rustup target add {TARGETS[architecture]}")
    return 0


def build():
    """The function's binary for all processors that this machine's Rust builds for."""
    installed = [one for one, target in TARGETS.items() if one == OWN or _is_installed(target)]
    return {one: deploy.build(None if one == OWN else one) for one in installed}


def _is_installed(target):
    return Path(tools.output(["rustc", "--print", "target-libdir", "--target", target]).strip()).is_dir()


def build_command():
    """The command, for this machine's processors."""
    with working(f"building {COMMAND}"):
        tools.run(["cargo", "build", "--release", "--locked", "--package", crates.COMMAND, "--bin", COMMAND])
    return tools.target() / "release" / COMMAND


def write(out, built, command):
    """Leaves the release in a folder, which has nothing else afterwards."""
    if out.exists() and any(out.iterdir()) and not (out / SUMS).exists():
        raise tools.ToolFailed("./release", f"{out} has files that are not a release: name an empty folder")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    template = (ROOT / "template.yml").read_text()
    for architecture, program in sorted(built.items()):
        zipped = f"provider-{crates.version()}-{architecture}.zip"
        archive.write(out / zipped, Path(program).read_bytes())
        name = "provider.yml" if architecture == OWN else f"provider-{architecture}.yml"
        (out / name).write_text(packaged.beside(template, zipped, architecture))
    (out / "provider.cfn.yml").write_text(packaged.plain(template, f"provider-{crates.version()}-{OWN}.zip"))

    shutil.copy(command, out / COMMAND)
    shutil.copy(ROOT / "LICENSE", out)
    shutil.copy(ROOT / "docs/guides/application.md", out / "README.md")

    function, cli = crates.of(crates.FUNCTION), crates.of(crates.COMMAND)
    (out / "provider.cdx.json").write_text(sbom.document(function))
    (out / f"{COMMAND}.cdx.json").write_text(sbom.document(cli))
    everything = {crate.key: crate for crate in [*function, *cli]}
    (out / "THIRD-PARTY-NOTICES.txt").write_text(notices.document(everything[key] for key in sorted(everything)))

    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(out.iterdir())]
    (out / SUMS).write_text("".join(sums))


def _arguments():
    parser = argparse.ArgumentParser(prog="./release", description="Writes the files of a release into dist/.")
    parser.add_argument("--output", type=Path, default=Path("dist"), metavar="FOLDER", help="write into this folder instead of dist")
    parser.add_argument(
        "--built",
        type=_built,
        action="append",
        default=[],
        metavar="ARCHITECTURE=FILE",
        help=f"a bootstrap that was built before, for {' or '.join(TARGETS)}; then none is built",
    )
    parser.add_argument("--command", type=Path, metavar="FILE", help=f"an {COMMAND} that was built before")
    return parser.parse_args()


def _built(text):
    architecture, _, path = text.partition("=")
    if architecture not in TARGETS or not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{text} is not ARCHITECTURE=FILE")
    return architecture, Path(path)


if __name__ == "__main__":
    sys.exit(main())
