"""The licences of other people's crates, as their packages have them: what has to go along with a program."""

import re

# The files in which a package says who has the copyright, and on which terms it may be passed on.
FILE = re.compile(r"(?i)(licen[cs]e|copying|copyright|notice|unlicense|patents)([-_.].*)?")

HEADING = """\
Third-party software
====================

The programs contain these crates and Rust's standard library (MIT OR Apache-2.0,
https://github.com/rust-lang/rust). Each licence is below the crates that it is of.
"""


def document(crates):
    """The texts, each once, below the crates that have it; the workspace's own crates are left out."""
    named = {}
    without = []
    for crate in (one for one in crates if one.checksum):
        texts = _texts(crate.directory)
        for text in texts:
            named.setdefault(text, []).append(crate)
        if not texts:
            without.append(crate)
    parts = [HEADING]
    for text, owners in sorted(named.items(), key=lambda item: item[1][0].key):
        parts.append("\n".join(_line(crate) for crate in owners) + "\n\n" + text + "\n")
    if without:
        by = {crate: ", ".join(crate.authors) or "its authors" for crate in without}
        listed = "\n".join(f"{_line(crate)}\n  by {authors}" for crate, authors in by.items())
        parts.append(f"{listed}\n\nThe packages of these have no file with a licence. They declare the licence in brackets.\n")
    return ("\n" + "-" * 80 + "\n\n").join(parts)


def _texts(directory):
    """The texts in a package's own folder and those below it, without what differs by spaces alone."""
    files = [path for path in directory.iterdir() if FILE.fullmatch(path.name)]
    files += [path for folder in files if folder.is_dir() for path in folder.iterdir()]
    texts = {}
    for path in sorted(path for path in files if path.is_file() and path.suffix != ".rs"):
        text = path.read_text(errors="replace").strip()
        text = "\n".join(line.rstrip() for line in text.splitlines())
        texts.setdefault(" ".join(text.split()), text)
    return list(texts.values())


def _line(crate):
    return f"{crate.name} {crate.version} ({crate.licence}) {crate.repository}".rstrip()
