"""The CDK example: a copy of it beside the packages that it imports, its types checked, and its template."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from local import tools
from local.tools import ROOT

EXAMPLE = ROOT / "examples/cdk"


@contextlib.contextmanager
def copied():
    """A copy of the example, from where node and tsc find its imports; it goes with the context."""
    _, packages = tools.node()
    with tempfile.TemporaryDirectory(prefix="cdk-", dir=packages) as directory:
        yield Path(shutil.copytree(EXAMPLE, Path(directory) / "cdk"))


def check(directory):
    """Checks the types of everything in a copy; what is wrong is in the failure."""
    node, packages = tools.node()
    tools.run([node, packages / "node_modules/typescript/bin/tsc", "--project", directory, "--pretty", "false"])


def template():
    """The template of the example's stack, as the CDK's own command would have it synthesised."""
    node, _ = tools.node()
    with copied() as directory:
        out = directory / "cdk.out"
        tools.run([node, directory / "app.ts"], variables=os.environ | {"CDK_OUTDIR": str(out)})
        (path,) = out.glob("*.template.json")
        return path.read_text()
