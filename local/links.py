"""Whether the documents lead somewhere: links and anchors in Markdown, and what comments cite; and their wording."""

import re
import subprocess
from pathlib import Path

from local.tools import ROOT

# A newcomer reads it to the end.
README_LINES = 200

# What a comment cites: a page, and then perhaps the titles of its sections.
CITATION = re.compile(r'(?<![\w/.-])(docs/[\w/.-]+\.md)((?:,? (?:and )?"[^"]+")*)')

# Pages are cited by their path, so that readers find them.
BARE = re.compile(r"(?<![\w/.-])(?:aws|cloudformation|lifecycle|architecture|design|requirements|style)\.md\b")

# A path of the repository, as documents name files.
NAMED = re.compile(r"^(?:src|crates|tests|docs|local|examples|schema|cfn-lint)/[\w./-]+$")

# Phrases that are not plain English, in texts, comments and names alike, each with what to write instead.
PHRASES = {
    "(?<!there )(?:is|are) no(?! longer| such entity exception)": "is not a",
    "told": "reported, shown",
    "said": "reported, shown",
    "tells": "reports, shows",
    "stands": "is, exists",
    r"(?:takes?|taken|taking|took) (?:\w+ ){0,2}away": "remove, delete",
    "comes? to": "is, reaches",
    "whoever": "anybody who",
    "moments ago": "just",
    "else than": "other than",
    "small letters": "lower-case letters",
    r"holds? (?:\w+ )?against|held (?:\w+ )?against": "check against",
}

TEXT = {".rs", ".py", ".md", ".yml", ".yaml", ".toml", ".ts", ".sh", ".c", ""}


def faults():
    """What is wrong, each as `FILE:LINE: what`."""
    found = []
    pages = {path: path.read_text() for path in _files() if path.suffix == ".md"}
    anchors = {path: _anchors(text) for path, text in pages.items()}
    for path, text in pages.items():
        found += _links(path, text, anchors)
    for path in _files():
        if path.suffix in TEXT and path.suffix != ".md":
            found += _citations(path, anchors)
    for path in _files():
        if path not in (ROOT / "LICENSE", ROOT / "Cargo.lock", Path(__file__).resolve()):
            found += _wording(path)
    lines = pages[ROOT / "README.md"].count("\n")
    if lines > README_LINES:
        found.append(f"README.md:{lines}: has more than {README_LINES} lines")
    return found


def _files():
    """The repository's files, those that are not committed yet included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for name in sorted(filter(None, listed.stdout.split("\0"))) if (path := ROOT / name).is_file()]


def _prose(text):
    """The lines with their numbers, without those of code blocks."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and (fence is None or line.strip().startswith(fence)):
            fence = mark[1] if fence is None else None
        elif fence is None:
            yield number, line


def _anchors(text):
    """The titles, by the anchors that GitHub makes of them."""
    titles = {}
    for _, line in _prose(text):
        heading = re.match(r"#{1,6} +(.*?) *#*$", line)
        if heading:
            title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "").replace("*", "")
            anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            number = sum(1 for known in titles if re.fullmatch(re.escape(anchor) + r"(-\d+)?", known))
            titles[f"{anchor}-{number}" if number else anchor] = title
    return titles


def _links(path, text, anchors):
    shown = path.relative_to(ROOT)
    defined = {}
    for number, line in _prose(text):
        definition = re.match(r"\s*\[([^]]+)\]: +(\S+)", line)
        if definition:
            defined[definition[1].lower()] = definition[2]
    for number, line in _prose(text):
        for code in re.findall(r"`([^`]+)`", line):
            if NAMED.match(code) and not (ROOT / code).exists():
                yield f"{shown}:{number}: there is no {code}"
        plain = re.sub(r"`[^`]*`", "`", line)
        targets = re.findall(r"\]\(<?([^)\s>]+)>?\)", plain)
        definition = re.match(r"\s*\[[^]]+\]: +(\S+)", plain)
        targets += [definition[1]] if definition else []
        for target in targets:
            fault = _unreachable(path, target, anchors)
            if fault:
                yield f"{shown}:{number}: {fault}"
    # A link's text may go over two lines.
    whole = "\n".join(re.sub(r"`[^`]*`", "`", line) for _, line in _prose(text))
    for _, name in re.findall(r"\[([^][]+)\]\[([^][]+)\]", whole):
        if " ".join(name.lower().split()) not in defined:
            yield f"{shown}: [{name}] is not defined"


def _unreachable(path, target, anchors):
    """Why a link leads nowhere; other sites are not asked."""
    if re.match(r"[a-z]+:", target):
        return None
    name, _, anchor = target.partition("#")
    wanted = (path.parent / name).resolve() if name else path
    if not wanted.exists():
        return f"there is no {target}"
    if not wanted.is_relative_to(ROOT):
        return f"{target} is outside of the repository"
    if anchor and anchor not in anchors.get(wanted, {}):
        return f"{name or 'the page'} has no section #{anchor}"
    return None


def _joined(text):
    """A text in one line, without the signs of comments and of texts that go on."""
    return re.sub(r"\\?\n[ \t]*(?://[/!]?|#|\*)?[ \t]*", " ", text)


def _citations(path, anchors):
    """Comments, with what goes on in the next line."""
    shown = path.relative_to(ROOT)
    text = _joined(path.read_text())
    for cited in CITATION.finditer(text):
        page, titles = ROOT / cited[1], re.findall(r'"([^"]+)"', cited[2])
        if not page.exists():
            yield f"{shown}: there is no {cited[1]}"
        for title in titles:
            if page.exists() and title not in anchors[page].values():
                yield f"{shown}: {cited[1]} has no section {title!r}"
    if path != Path(__file__).resolve():
        for bare in BARE.finditer(text):
            yield f"{shown}: cites {bare[0]} without its path"


def _wording(path):
    """Phrases to write otherwise."""
    text = _joined(path.read_text()).replace("_", " ")
    for phrase, instead in PHRASES.items():
        for found in re.finditer(rf"\b(?:{phrase})\b", text, re.IGNORECASE):
            around = text[max(0, found.start() - 30) : found.end() + 30]
            yield f"{path.relative_to(ROOT)}: write {instead} in {around!r}"
