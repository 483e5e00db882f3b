"""./test: every check, one after the other, each with its time; --help names them."""

import argparse
import os
import sys
import time

from local import cloud as clouds
from local import dependencies as graph
from local import deploy, tools
from local import links as leads
from local.progress import cyan, dim, green, heading, red, say, seconds
from local.tools import ROOT

# A folder of the examples may hold other YAML beside its templates.
EXAMPLES = [path for path in sorted((ROOT / "examples").rglob("*.yml")) if "\nResources:" in path.read_text()]
TEMPLATES = [ROOT / "template.yml", *EXAMPLES]
DOCKERFILES = sorted((ROOT / "examples").rglob("Dockerfile"))


def format_():
    """The code is formatted."""
    _shown("cargo", "fmt", "--all", "--check")


def clippy():
    """Clippy finds nothing, in the code or the tests."""
    _shown("cargo", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings")
    without_account = ("--package", "agent-composer-cli", "--no-default-features", "--bin", "agent-composer")
    _shown("cargo", "clippy", "--locked", *without_account, "--", "-D", "warnings")


def rust():
    """Unit tests, lifecycles in process, examples in the documentation."""
    _shown("cargo", "test", "--locked", "--workspace")


def quick_rust():
    """The same, with few random stories, and without the slowest test."""
    stories = os.environ.get("SIMULATOR_STORIES", QUICK_STORIES)
    _shown("cargo", "test", "--locked", "--workspace", "--", "--skip", SLOWEST, SIMULATOR_STORIES=stories)


def dependencies():
    """Licences, versions and sources are those of deny.toml; the function has nothing of the command's."""
    _faultless("dependencies", graph.faults())


def links():
    """Every link in the documents leads somewhere, and so does what comments cite; no text has certain phrases."""
    _faultless("links", leads.faults())


def breaks():
    """Every deliberate break still fits the code; tests/mutations.py shows that each is found."""
    _shown(sys.executable, "tests/mutations.py", "--check")


def docs():
    """The documentation builds, with every link."""
    _shown("cargo", "doc", "--locked", "--workspace", "--no-deps", RUSTDOCFLAGS="-D warnings")


def templates():
    """cfn-lint and sam accept every template."""
    paths = [str(path.relative_to(ROOT)) for path in TEMPLATES]
    _as_user("cfn-lint", "--append-rules", "cfn-lint", "--", *paths)
    for path in paths:
        _as_user("sam", "validate", "--lint", "--region", clouds.REGION, "--template", path)


def policies():
    """parliament accepts every IAM policy, and checkov every template."""
    programs = tools.environment("policies") / "bin"
    paths = [path.relative_to(ROOT) for path in TEMPLATES]
    _shown(programs / "python", "-m", "unittest", "discover", "--start-directory", "tests/policies", PYTHONPATH=ROOT)
    _shown(programs / "python", "-m", "local.policies", tools.command(), *paths, PYTHONPATH=ROOT)
    # What it would download are hints for its maker's platform.
    options = ("--framework", "cloudformation", "--compact", "--quiet", "--skip-download")
    _shown(programs / "checkov", *options, *(word for path in paths for word in ("--file", path)))


def dockerfiles():
    """Every Dockerfile is sound, to hadolint."""
    hadolint = tools.environment("dockerfiles") / "bin/hadolint"
    _shown(hadolint, *(str(path.relative_to(ROOT)) for path in DOCKERFILES))


def editors():
    """What authors see before they deploy: from cfn-lint, in an editor, from the types for the CDK."""
    _shown(sys.executable, "-m", "unittest", "discover", "--verbose", "--start-directory", "tests/editors", PYTHONPATH=ROOT)


def build():
    """The function builds as a user builds it."""
    deploy.build()


def e2e():
    """The real template, binary and examples in a local cloud."""
    python = tools.environment("cloud") / "bin/python"
    command = (python, "-m", "unittest", "discover", "--verbose", "--start-directory", "tests/e2e")
    try:
        _shown(*command, PYTHONPATH=ROOT)
    except tools.ToolFailed:
        say("\nwhat was logged: .local/function.log by the function, .local/ministack.log by the local cloud")
        raise


def containers():
    """Composed tasks run in containers, with stub images."""
    _shown(sys.executable, "tests/containers/run.py")


CHECKS = {
    "format": format_,
    "clippy": clippy,
    "rust": rust,
    "dependencies": dependencies,
    "breaks": breaks,
    "links": links,
    "docs": docs,
    "templates": templates,
    "policies": policies,
    "dockerfiles": dockerfiles,
    "editors": editors,
    "build": build,
    "e2e": e2e,
    "containers": containers,
}


# What ./test quick runs; of the random stories it runs so many.
QUICK = ("format", "clippy", "rust", "dependencies", "breaks", "links")
QUICK_STORIES = 50
SLOWEST = "the_stories_bring_up_every_row_of_the_event_table"


def main():
    """Runs the checks that were asked for, or all; says at the end how each went."""
    chosen, is_quick = _arguments()
    checks = CHECKS | {"rust": quick_rust} if is_quick else CHECKS
    tools.require("cargo", "cargo-fmt", "cargo-clippy")
    clouds.end_on_signals()
    results = {}
    for name in chosen:
        heading(f"{name}: {checks[name].__doc__}")
        started = time.monotonic()
        try:
            if name == "e2e" and results.get("build", (True, 0))[0] is False:
                raise tools.ToolFailed("e2e", "there is nothing to deploy, as the build failed")
            checks[name]()
            good = True
        except tools.NotRun:
            good = None
        except (tools.ToolFailed, clouds.CloudFailed) as failure:
            say(f"\n{failure}")
            good = False
        except KeyboardInterrupt:
            say(f"\n{red('interrupted')}")
            return 130
        took = time.monotonic() - started
        results[name] = (good, took)
        say(f"{'–' if good is None else green('✓') if good else red('✗')} {name} {dim(seconds(took))}")

    heading("Summary")
    for name, (good, took) in results.items():
        outcome = "– NOT RUN" if good is None else green("✓ passed") if good else red("✗ FAILED")
        say(f"  {outcome}  {name:12} {dim(f'{seconds(took):>12}')}")
    goods = [good for good, _ in results.values()]
    passed, failed, not_run = (goods.count(which) for which in (True, False, None))
    say()
    say(f"{passed} passed, {failed} failed" + (f", {not_run} not run" if not_run else ""))
    if is_quick:
        left_out = [name for name in CHECKS if name not in chosen]
        say(f"left out: {', '.join(left_out)}; from `rust`, the test {SLOWEST} and most random stories")
    return 1 if failed else 0


def _arguments():
    listed = "\n".join(f"  {name:12} {check.__doc__}" for name, check in CHECKS.items())
    parser = argparse.ArgumentParser(
        prog="./test",
        description="Runs every check, or only the ones named.",
        epilog=f"checks, in their order:\n{listed}\n\n  quick        {', '.join(QUICK)}, with few random stories",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("check", nargs="*", choices=[*CHECKS, "quick", []], metavar="CHECK", help="one of those below")
    asked = parser.parse_args().check
    is_quick = asked == ["quick"]
    if "quick" in asked:
        asked += QUICK
    if "e2e" in asked:
        asked.append("build")
    return [name for name in CHECKS if not asked or name in asked], is_quick


def _faultless(check, faults):
    """Fails with what is wrong, if anything is."""
    for fault in faults:
        say(f"  {fault}")
    if faults:
        raise tools.ToolFailed(f"./test {check}", f"{len(faults)} fault{'' if len(faults) == 1 else 's'}, above")


def _shown(*command, **variables):
    """Runs a command whose output is shown as it comes."""
    assigned = [f"{name}={value!r}" for name, value in variables.items() if name != "PYTHONPATH"]
    words = [os.path.basename(command[0]), *map(str, command[1:])]
    say(f"  {cyan(' '.join(['$', *assigned, *words]))}")
    named = {name: str(value) for name, value in variables.items()}
    tools.run(command, variables=os.environ | named, captured=False)


def _as_user(*command):
    say(f"  {cyan(' '.join(['$', *command]))}")
    tools.run(command, variables=tools.user_environment(), captured=True)


if __name__ == "__main__":
    sys.exit(main())
