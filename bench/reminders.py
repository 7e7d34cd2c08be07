"""Reminders of follow-ups: a tick beside few others and beside very many, ten thousand that become
due at once, and how long it takes until a tablet has one.

Floor of the tick: the same follow-ups where ten thousand are stored. From due to delivered there is
none: most of it is waiting for the next tick.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final

import psycopg

from bench.figures import Aim, Figure, percentile
from bench.sockets import Address
from bench.stack import Stack, in_thread

_UNIT: Final = "CARE21"
_TICK: Final = Aim("ratio", most=1.3)
_MINUTE: Final = Aim("figure", most=60)
_ROUNDS: Final = 3
_FRAME: Final = '{"type":"frame","collection":"follow_ups"'
_PATIENCE: Final = 300.0

# Every other one is over, the rest become due in the next months. What nobody opens is not sealed.
_TABLES: Final = ("people_encounter", "followups_followupagreement", "followups_followup")
_FILL: Final = (
    """create temporary table entry as
    select gen_random_uuid() as id, gen_random_uuid() as met, gen_random_uuid() as call, n,
      now() - make_interval(mins => n) as at, now() + make_interval(days => 1 + n %% 90) as due
    from generate_series(1, %(count)s) n""",
    """insert into people_encounter (id, assignment_id, ordinal, match, opened_at, opened_by,
      kept_for, flags, content)
    select met, call, 1, 'none', at, 'timeline', '{}', '[]', decode(repeat('ab', 200), 'hex')
    from entry""",
    """insert into followups_followupagreement (id, assignment_id, encounter_id, basis, said_at,
      received_at, author_id, flags, content)
    select gen_random_uuid(), call, met, 'agreed', at, at, %(author)s, '[]',
      decode(repeat('ab', 100), 'hex') from entry""",
    """insert into followups_followup (id, encounter_id, assignment_id, item, purpose, way, team_id,
      state, outcome, first_from, first_until, due_from, due_until, occasion, tries, level, next_at,
      created_at, ended_at, kept_for, flags, content)
    select id, met, call, '', 'check_in', 'visit', %(team)s, state, outcome, due,
      due + interval '1 d', due, due + interval '1 d', 1, 0, 0, next_at, at, ended_at, '{}', '[]',
      decode(repeat('ab', 400), 'hex')
    from entry, lateral (values
      (0, 'open', null, due, null::timestamptz), (1, 'ended', 'reached', null, at)
    ) as turn (n, state, outcome, next_at, ended_at) where turn.n = entry.n %% 2""",
)


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Seconds for a tick with each number of follow-ups stored, for many at once, and until one of
    them is read on a socket."""
    due, sizes = (200, (2_000, 50_000)) if quick else (1_000, (10_000, 1_000_000))
    ticks = [await in_thread(lambda size=size: _ticks(stack, size, due)) for size in sizes]
    many = 1_000 if quick else 10_000
    at_once = await in_thread(lambda: _at_once(stack, many))
    delays = await _delays(stack, 40 if quick else 400)
    return [
        *(
            Figure(
                "reminders", f"tick with {due:,} due of {size:,}", "s", found,
                None if size == sizes[0] else ticks[0], None if size == sizes[0] else _TICK,
                _ROUNDS,
            )
            for size, found in zip(sizes, ticks, strict=True)
        ),
        Figure(
            "reminders", f"{many:,} due at once, one worker, until the last is raised", "s",
            at_once, aim=_MINUTE,
        ),
        *(
            Figure(
                "reminders", f"from due to read on a socket, p{percent}", "ms",
                1000 * percentile(delays, percent), samples=len(delays),
            )
            for percent in (50, 99)
        ),
    ]  # fmt: skip


def _ticks(stack: Stack, size: int, due: int) -> float:
    """The quickest of a few ticks: what else the machine does makes them slower, never quicker."""
    database, team = _database(stack, f"bench_reminders_{size}")
    with psycopg.connect(stack.url(database, owner=True), autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        for table in _TABLES:
            connection.execute(f"alter table {table} disable trigger user")
        for statement in _FILL:
            connection.execute(statement, {"count": size, **team})
        for table in _TABLES:
            connection.execute(f"alter table {table} enable trigger user")
    times = []
    for _ in range(_ROUNDS):
        stack.prepare(database, "follow_ups", count=due, apart=0, delay=0, **team)
        with psycopg.connect(stack.url(database, owner=True), autocommit=True) as connection:
            # As in a database that has grown to this over the years.
            connection.execute("vacuum analyze")
        found = stack.prepare(database, "remind")
        if found["seen"] != due:
            raise RuntimeError(f"{found['seen']} were seen to, not {due}.")
        times.append(found["seconds"])
    return min(times)


def _at_once(stack: Stack, count: int) -> float:
    """From the moment at which all become due until the last reminder is committed."""
    database, team = _database(stack, "bench_reminders_at_once")
    made = stack.prepare(database, "follow_ups", count=count, apart=0, delay=30, **team)
    due = max(made["due"].values())
    stack.worker(database)
    stack.beat(database)
    with psycopg.connect(stack.url(database, owner=True), autocommit=True) as connection:
        while _raised(connection) < count:
            if time.time() > due + _PATIENCE:
                raise RuntimeError(f"Not all reminders were raised. See {stack.log}")
            time.sleep(0.05)
    took = time.time() - due
    stack.end()
    return took


async def _delays(stack: Stack, count: int) -> list[float]:
    """Seconds from due to delivered, of follow-ups that become due one after the other."""
    database, team = await in_thread(_database, stack, "bench_reminders_heard")
    web = await in_thread(stack.web, database)
    await in_thread(stack.worker, database)
    await in_thread(stack.beat, database)
    tablet: dict[str, str] = team.pop("tablet")
    socket = await Address.tablet(web.ws_url, tablet).dial()
    made = await in_thread(
        lambda: stack.prepare(database, "follow_ups", count=count, apart=0.1, delay=10, **team)
    )
    due: dict[str, float] = made["due"]
    heard: dict[str, float] = {}
    async with asyncio.timeout(_PATIENCE):
        while len(heard) < count:
            message = await socket.recv()
            now = time.time()
            assert isinstance(message, str)
            if message.startswith(_FRAME):
                for document in json.loads(message)["documents"]:
                    if document["id"] in due and document["level"]:
                        heard.setdefault(document["id"], now)
    await socket.close()
    return [heard[id] - at for id, at in due.items()]


def _database(stack: Stack, name: str) -> tuple[str, dict[str, Any]]:
    """A database with a team on duty; who it is."""
    database = stack.database(name)
    people = stack.prepare(database, "people", crews={_UNIT: 1})
    team = stack.prepare(database, "follow_up_team", call_sign=_UNIT)
    if name.endswith("heard"):
        team["tablet"] = people["tablets"][_UNIT][0]
    return database, team


def _raised(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from followups_reminder where channel = 'log'")
    found = row.fetchone()
    assert found is not None
    return int(found[0])
