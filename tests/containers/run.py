"""Runs every scenario, four at once; words name those that are wanted."""

import concurrent.futures
import os
import sys
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

import machine
from local import tools

AT_ONCE = 4


def main():
    """Ends with 0 if all is well, with NOT_RUN if it can't run here."""
    lacking = machine.missing()
    if lacking:
        print(f"NOT RUN: {lacking}", flush=True)
        return 1 if os.environ.get("CI") == "true" else tools.NOT_RUN
    machine.enter()
    machine.prepare()
    import images
    import world

    world.build()
    images.build()
    cases = list(_flat(unittest.defaultTestLoader.discover(str(Path(__file__).parent))))
    cases = [case for case in cases if not sys.argv[1:] or any(word in case.id() for word in sys.argv[1:])]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        good = list(pool.map(_run, cases))
    print(f"\n{sum(good)} of {len(cases)} scenarios passed", flush=True)
    return 0 if cases and all(good) else 1


def _run(case):
    result = unittest.TestResult()
    started = time.monotonic()
    case.run(result)
    failed = [text for _, text in result.failures + result.errors]
    print(f"{'FAILED' if failed else 'ok':6} {time.monotonic() - started:5.1f} s  {case.id()}", *failed, sep="\n" if failed else "", flush=True)
    return not failed


def _flat(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from _flat(one)
        else:
            yield one


if __name__ == "__main__":
    sys.exit(main())
