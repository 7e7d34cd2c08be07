"""`make smoke` and `make demo` as somebody runs them, and what they leave behind: nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.functional.simulator.conftest import PATIENCE, Command

pytestmark = pytest.mark.slow

Simulator = Callable[..., Command]
SHORT = (
    *("--calls", "12", "--crews", "2", "--dead-zone-seconds", "3", "--dead-zone-every", "3"),
    *("--three-days", "10"),
)


def test_a_short_smoke_run_loses_doubles_and_confuses_nothing(simulator: Simulator) -> None:
    smoke = simulator("smoke", *SHORT, "--cut-every", "1")
    smoke.until_it_says("Signing in")
    family = smoke.family()
    assert smoke.process.wait(PATIENCE * 2) == 0, smoke.said()
    [line] = smoke.printed().splitlines()
    told = json.loads(line)
    assert told["lost"] == told["duplicated"] == told["diverged"] == 0
    assert told["calls"] == 12
    # Some calls go to no CARE unit, some to two, and crews start some of their own.
    assert told["assignments"] >= 8
    assert told["delivered"] >= told["assignments"] * 2
    assert told["taps"] > told["assignments"] * 4
    assert told["records_per_dispatch"] == 1.0
    assert told["texts_lost"] == 0
    assert told["referrals_sent"] > 0
    assert told["latency_p50_ms"] <= told["latency_p99_ms"]
    assert told["follow_ups_lost"] == 0
    assert told["follow_ups"] > 0
    assert told["reminders_lost"] == told["reminders_duplicated"] == 0
    assert told["reminders_due"] == told["reminders_delivered"] + told["reminders_overtaken"]
    assert told["reminders_delivered"] > 0
    assert_gone(family)


@pytest.mark.parametrize(
    ("moment", "stuck"),
    [("Preparing the database", "apps.simulator.seed"), ("Signing in", "beat")],
)
def test_ctrl_c_ends_every_process_however_early_often_and_stuck(
    simulator: Simulator, given_servers: dict[str, str], moment: str, stuck: str
) -> None:
    # By the time that it signs in it would have migrated a database: it has a Valkey of its own.
    migrated = {name: url for name, url in given_servers.items() if name != "REDIS_URL"}
    smoke = simulator("smoke", *SHORT, servers=migrated if stuck == "beat" else None)
    smoke.until_it_says(moment)
    smoke.until(lambda: _running(smoke, stuck), f"a process {stuck}")
    family = smoke.family()
    for process in _running(smoke, stuck):
        process.suspend()  # hears no SIGTERM
    smoke.process.send_signal(signal.SIGINT)
    if stuck == "beat":
        smoke.until_it_says("Stopping")
        smoke.process.send_signal(signal.SIGINT)
    assert smoke.process.wait(PATIENCE) == 130
    assert not smoke.printed()
    assert_gone(family)


def _running(command: Command, word: str) -> list[psutil.Process]:
    """The processes of the run with this word on their command line."""
    found = []
    for process in command.family():
        with contextlib.suppress(psutil.NoSuchProcess):
            if word in process.cmdline():
                found.append(process)
    return found


def test_a_run_that_is_killed_leaves_nothing_either(simulator: Simulator) -> None:
    smoke = simulator("smoke", *SHORT)
    smoke.until_it_says("Signing in")
    family = smoke.family()
    assert names_of(family) >= {"postgres", "valkey-server"}
    smoke.end(signal.SIGKILL)
    assert_gone(family)


def test_a_demo_whose_terminal_is_closed_leaves_nothing(
    simulator: Simulator, given_servers: dict[str, str]
) -> None:
    ours, theirs = os.openpty()
    demo = simulator("demo", "--port", "0", servers=given_servers, terminal=theirs)
    os.close(theirs)
    shown = b""
    while b"Ctrl-C" not in shown:
        shown += os.read(ours, 65536)
    family = demo.family()
    assert len(_running(demo, "beat")) == 1
    os.close(ours)
    demo.end(signal.SIGHUP)
    assert_gone(family)


def test_a_demo_avoids_a_taken_port_plays_on_given_servers_and_once_again_ends_by_itself(
    simulator: Simulator, given_servers: dict[str, str], tmp_path: Path
) -> None:
    folder, picture = tmp_path / "demo", tmp_path / "demo.svg"

    def started(*arguments: str) -> Command:
        demo = simulator("demo", *arguments, servers=given_servers, folder=folder)
        demo.until(lambda: re.search(r"acknowledged [1-9]", demo.printed()), "an acknowledgement")
        return demo

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = started("--port", str(port), "--picture", str(picture))
        family = demo.family()
        assert "Using the servers that were given" in demo.said()
        assert not names_of(family) & {"postgres", "valkey-server"}
        base_url = re.search(r"http://127\.0\.0\.1:(\d+)", demo.printed())
        assert base_url
        assert int(base_url[1]) != port
        with urllib.request.urlopen(f"{base_url[0]}/api/docs", timeout=PATIENCE) as page:
            assert page.status == 200
        assert demo.end(signal.SIGINT) == 0, demo.said()
    assert_gone(family)
    drawn = picture.read_text(encoding="utf-8")
    assert "CARE21" in drawn
    assert "http://127.0.0.1" in drawn
    # A page that shows it must not make its readers' browsers call another server.
    assert "url(http" not in drawn

    # The next start takes up the tablets of this one, if its servers know them.
    known, strange = (folder / "tablets" / f"CARE2{n}-A.sqlite" for n in (1, 2))
    before = token_of(known)
    with contextlib.closing(sqlite3.connect(strange)) as store, store:
        store.execute("update memory set value = 'of other servers' where name = 'token'")
    once = started("--port", "0", "--once", "--speed", "600")
    family = once.family()
    assert once.process.wait(PATIENCE * 2) == 0, once.said() + once.printed()
    last = once.printed().splitlines()[-1]
    assert "calls 12 (under way 0, crews at work 0)" in last
    assert "(records owed 0)" in last
    assert re.search(r"referrals [1-9]", last)
    assert_gone(family)
    assert token_of(known) == before
    assert token_of(strange) != "of other servers"


def names_of(family: list[psutil.Process]) -> set[str]:
    """Their names; some, as PostgreSQL's, may have ended meanwhile."""
    names = set()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            names.add(process.name())
    return names


def token_of(tablet: Path) -> str:
    with contextlib.closing(sqlite3.connect(tablet)) as store:
        [token] = store.execute("select value from memory where name = 'token'").fetchone()
    return str(token)


def assert_gone(family: list[psutil.Process]) -> None:
    """None of them is left, within the leash's patience."""
    assert len(family) > 1
    _, left = psutil.wait_procs(family, timeout=PATIENCE)
    for process in left:
        process.kill()
    assert not left
