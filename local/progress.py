"""What a person sees while something takes its time: headings, live lines, and their plain form when piped."""

import os
import sys
import threading
import time
from contextlib import contextmanager

LIVE = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")
COLOUR = LIVE and not os.environ.get("NO_COLOR")

# A pipe gets a line this often, so that a long build is not taken for a hang.
HEARTBEAT_SECONDS = 30

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CLEAR = "\r\x1b[2K"


def _styled(code):
    def style(text):
        return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else str(text)

    return style


bold = _styled("1")
dim = _styled("2")
red = _styled("31")
green = _styled("32")
yellow = _styled("33")
cyan = _styled("36")


def say(text=""):
    """Prints a line at once, also into a pipe."""
    print(text, flush=True)


def heading(text):
    """Begins a part of the output."""
    say()
    say(bold(f"━━ {text}"))


def seconds(duration):
    """A duration as a person reads it."""
    if duration < 60:
        return f"{duration:.1f} s"
    return f"{int(duration) // 60} min {int(duration) % 60:02d} s"


@contextmanager
def working(title, detail=lambda: ""):
    """Shows that `title` is under way, with what `detail` says meanwhile, and how it ended."""
    started = time.monotonic()
    ended = threading.Event()
    reporter = threading.Thread(target=_report, args=(title, detail, started, ended), daemon=True)
    reporter.start()
    good = False
    try:
        yield
        good = True
    finally:
        ended.set()
        reporter.join()
        mark = green("✓") if good else red("✗")
        took = dim(seconds(time.monotonic() - started))
        say(f"{_CLEAR if LIVE else ''}  {mark} {title}  {took}")


def _report(title, detail, started, ended):
    """Redraws one line on a terminal; elsewhere, prints one now and then."""
    shown, asked, frame = "", started, 0
    while not ended.wait(0.1 if LIVE else HEARTBEAT_SECONDS):
        now = time.monotonic()
        # To ask can be dear; a line is redrawn ten times a second.
        if now - asked >= 1:
            shown, asked = detail(), now
        text = " · ".join(part for part in (title, seconds(now - started), shown) if part)
        if LIVE:
            frame = (frame + 1) % len(_FRAMES)
            width = os.get_terminal_size().columns - 5
            sys.stdout.write(f"{_CLEAR}  {cyan(_FRAMES[frame])} {text[:width]}")
            sys.stdout.flush()
        else:
            say(f"    {text}")
