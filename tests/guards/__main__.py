"""`python -m tests.guards [WORD ...]`: takes each guard out, and sees its tests fail.

First the tests run with every guard in place, and must pass. Then, for each guard (or those whose
guarantee or words have one of the WORDs in them), in a copy of the tree without it, each of its
tests must fail: in its own course, not because something cannot be set up. Exits 1 where one stays
green, and where a guard is not found.

All tries share a pair of servers and one migrated database, of which each has a copy: to start and
migrate takes longer than most tests. A guard may be in that database (a trigger, a right); so one
that stays green is tried once more, with servers and a database of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from xml.etree import ElementTree as ET

from tests.databases import PREFIX, drop
from tests.engines import VARIABLES, provided
from tests.guards import ROOT, Guard, guards

# The variables under which tests find their servers; without any, they start their own.
Servers = dict[str, str]
# Without its guard a test may wait for what never comes. It has failed only if it says so.
SECONDS = 900
_NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "node_modules", ".*_cache", ".hypothesis")
# What the tests need beside the tree.
_LINKED = ("tests/rxdb/node_modules", "../shared")


@dataclass(frozen=True)
class Result:
    """What came of a test, in all its variants together: passed, failed, skipped, or broken (not in
    its own course). `said`: what it failed with."""

    outcome: str = "not run"
    said: str = ""


def main(arguments: Sequence[str]) -> int:
    """Tries the guards; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.guards", description=__doc__)
    parser.add_argument("words", nargs="*", help="G1, lock, ...: only guards that have it in them")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="how many at once")
    parser.add_argument("--green", action="store_true", help="they have passed just now, in place")
    parser.add_argument("-v", "--verbose", action="store_true", help="what each test failed with")
    options = parser.parse_args(arguments)
    chosen = [guard for guard in guards() if _is_meant(guard, options.words)]
    if not chosen:
        parser.error("no such guard")
    for guard in chosen:
        guard.taken_out()  # before anything is tried, all of them are there
    with provided() as servers:
        if not options.green and not _pass_with_all(chosen, servers):
            return 1
        pool = ThreadPoolExecutor(options.jobs)
        try:
            tried = partial(holds, servers=servers, verbose=options.verbose)
            held = list(pool.map(tried, chosen))
        finally:
            pool.shutdown(cancel_futures=True)
    _say(f"{held.count(True)} of {len(held)} hold")
    return 0 if all(held) else 1


def _is_meant(guard: Guard, words: Sequence[str]) -> bool:
    return not words or any(word == guard.of or word in guard.what for word in words)


def _pass_with_all(chosen: Sequence[Guard], servers: Servers) -> bool:
    tests = list(dict.fromkeys(test for guard in chosen for test in guard.tests))
    _say(f"{len(chosen)} guards. With all of them in place, their {len(tests)} tests:")
    with copy() as root:
        found = run(root, tests, "-n", "logical", "--dist", "worksteal", servers=servers)
    for test, result in found.items():
        if result.outcome != "passed":
            _say(f"  {result.outcome}: {test}  {result.said}")
    passed = {result.outcome for result in found.values()} <= {"passed", "skipped"}
    _say("  passed" if passed else "  did not pass")
    return passed


def holds(guard: Guard, *, servers: Servers, verbose: bool = False) -> bool:
    """Whether each of its tests fails without a guard. What is skipped here (for want of Node, say)
    shows nothing either way."""
    began = monotonic()
    with copy() as root:
        (root / guard.file).write_text(guard.taken_out(), encoding="utf-8")
        found = run(root, guard.tests, servers=servers)
        green = [test for test, result in found.items() if result.outcome == "passed"]
        if green:
            found |= run(root, green, servers={})
    outcomes = {result.outcome for result in found.values()}
    held = outcomes <= {"failed", "skipped"}
    verdict = "STILL GREEN" if not held else "failed as it should"
    if outcomes == {"skipped"}:
        verdict = "not tried: skipped here"
    lines = [f"{guard.of}: {guard.what} ({monotonic() - began:.0f} s): {verdict}"]
    lines += [
        f"  {result.outcome}: {test}  {result.said}"
        for test, result in found.items()
        if verbose or result.outcome != "failed"
    ]
    _say("\n".join(lines))
    return held


@contextmanager
def copy() -> Iterator[Path]:
    """A copy of the tree that may be spoiled."""
    with tempfile.TemporaryDirectory(prefix="carefield-guards-") as folder:
        root = Path(folder) / "tree"
        shutil.copytree(ROOT, root, ignore=_NOT_COPIED)
        for path in _LINKED:
            if (ROOT / path).exists():
                (root / path).symlink_to((ROOT / path).resolve())
        yield root


def run(root: Path, tests: Sequence[str], *options: str, servers: Servers) -> dict[str, Result]:
    """Runs tests in a tree, on these servers or else on some of their own; what came of each."""
    report = root.parent / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *options, *tests]
    quiet = subprocess.DEVNULL
    inherited = {name: told for name, told in os.environ.items() if name not in VARIABLES}
    environ = inherited | servers
    with subprocess.Popen(command, cwd=root, env=environ, stdout=quiet, stderr=quiet) as process:
        try:
            process.wait(SECONDS)
        except BaseException as ended:
            process.send_signal(signal.SIGINT)  # so that it ends what it has started
            if not isinstance(ended, subprocess.TimeoutExpired):
                raise
    if servers:
        drop(servers["DATABASE_URL"], f"{servers[PREFIX]}_{process.pid}")
    if not report.exists():
        return dict.fromkeys(tests, Result())
    cases = list(ET.parse(report).iter("testcase"))
    return {test: _result(test, cases) for test in tests}


def _result(test: str, cases: Sequence[ET.Element]) -> Result:
    """One variant that fails is enough; all have to pass."""
    path, *names = test.split("::")
    place = ".".join([path.removesuffix(".py").replace("/", "."), *names])
    results = [
        _of_case(case)
        for case in cases
        if f"{case.get('classname')}.{case.get('name', '').partition('[')[0]}" == place
    ]
    worst = ("failed", "broken", "passed", "skipped")
    return min(results, key=lambda one: worst.index(one.outcome), default=Result())


def _of_case(case: ET.Element) -> Result:
    for tag, outcome in (("failure", "failed"), ("error", "broken"), ("skipped", "skipped")):
        if (found := case.find(tag)) is not None:
            return Result(outcome, found.get("message", "").partition("\n")[0][:200])
    return Result("passed")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
