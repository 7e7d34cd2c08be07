"""The supervisors' pages with few and with very many rows stored: lists of the admin, the home,
stories. Floor: the same pages where a thousand notes are stored.

Each page asks the same number of statements whatever is stored: otherwise there is no figure, but
an error. The times are the server's, of whole requests in its own process, without a socket; the
two databases take turns, as the machine may have other work.
"""

from __future__ import annotations

import json
from typing import Any, Final

import psycopg

from bench.figures import Aim, Figure, percentile
from bench.stack import Stack, in_thread

_UNIT: Final = "CARE21"
_NEWEST: Final = 300  # calls that lists show, whole; what is older is nothing that anybody opens
_AIM: Final = Aim("ratio", most=1.5)
_ROUNDS: Final = 3

# An older row is the pattern's, under an id of its own and from before. `n` counts them; of ten
# notes and ten facts one has a person, an encounter and an assignment of its own.
_ENTRIES: Final = """create table bench_entry as
select n, gen_random_uuid() as id, gen_random_uuid() as further,
  timestamptz '2020-01-01' + make_interval(mins => n) as at
from generate_series(1, %(count)s) n"""
_FEWER: Final = """create table bench_call as
select n, id, further as assignment, gen_random_uuid() as incident, gen_random_uuid() as person, at
from bench_entry where n <= %(calls)s"""
_OF_CALLS: Final = "bench_call c"
_OF_ALL: Final = "bench_entry e join bench_call c on c.n = 1 + e.n %% %(calls)s"

# Table, rows of which it gets older ones, columns that differ from the pattern's, and as what the
# feed knows them.
_FILL: Final[tuple[tuple[str, str, dict[str, str], str], ...]] = (
    (
        "dispatch_incident",
        _OF_CALLS,
        {
            "id": "c.incident",
            "cad_number": "'F' || c.n",
            "occurred_at": "c.at",
            "received_at": "c.at",
            "updated_at": "c.at",
        },
        "incidents",
    ),
    (
        "assignments_assignment",
        _OF_CALLS,
        {
            "id": "c.assignment",
            "incident_id": "c.incident",
            "given_at": "c.at",
            "closed_at": "c.at",
            "left_at": "c.at",
        },
        "assignments",
    ),
    (
        "people_person",
        _OF_CALLS,
        {"id": "c.person", "created_at": "c.at"},
        "persons",
    ),
    (
        "people_encounter",
        _OF_CALLS,
        {
            "id": "c.id",
            "assignment_id": "c.assignment",
            "person_id": "c.person",
            "opened_at": "c.at",
        },
        "encounters",
    ),
    (
        "assignments_fact",
        _OF_ALL,
        {
            "id": "e.id",
            "assignment_id": "c.assignment",
            "received_at": "e.at",
            "device_time": "e.at",
            '"order"': "-e.n",
        },
        "facts",
    ),
    (
        "casenotes_casenote",
        _OF_ALL,
        {
            "id": "e.id",
            "encounter_id": "c.id",
            "assignment_id": "c.assignment",
            "begun_at": "e.at",
            "saved_at": "e.at",
            "signed_at": "e.at",
            "lock_due_at": "e.at",
            "locked_at": "e.at",
        },
        "case_notes",
    ),
    (
        "casenotes_signature",
        _OF_ALL,
        {"id": "e.id", "note_id": "e.id", "received_at": "e.at"},
        "",
    ),
    (
        "casenotes_review",
        _OF_ALL,
        {
            "id": "e.id",
            "note_id": "e.id",
            "asked_at": "e.at",
            "decided_at": "e.at",
            "state": "'accepted'",
            "reviewer_id": "%(supervisor)s::uuid",
        },
        "",
    ),
    (
        "casenotes_encounterrecord",
        _OF_CALLS,
        {
            "id": "c.id",
            "assignment_id": "c.assignment",
            "cleared_at": "c.at",
            "settled_at": "c.at",
            "kind": "'full'",
        },
        "",
    ),
    (
        "firstaid_naloxonedose",
        _OF_CALLS,
        {
            "id": "c.id",
            "assignment_id": "c.assignment",
            "encounter_id": "c.id",
            "received_at": "c.at",
            "given_at": "c.at",
            '"order"': "-c.n",
        },
        "naloxone_doses",
    ),
    (
        "firstaid_firstaidlog",
        _OF_CALLS,
        {
            "id": "c.id",
            "assignment_id": "c.assignment",
            "encounter_id": "c.id",
            "received_at": "c.at",
            "done_at": "c.at",
            '"order"': "-c.n",
        },
        "first_aid_logs",
    ),
    (
        "assignments_alert",
        _OF_CALLS,
        {
            "id": "c.id",
            "assignment_id": "c.assignment",
            "fact_id": "null::uuid",
            "raised_at": "c.at",
            "acknowledged_at": "c.at",
            "acknowledged_by_id": "%(supervisor)s::uuid",
        },
        "alerts",
    ),
    (
        "referrals_referral",
        _OF_CALLS,
        {
            "id": "c.id",
            "assignment_id": "c.assignment",
            "encounter_id": "c.id",
            "created_at": "c.at",
            "status": "'completed'",
            "outcome": "'served'",
            "closed_at": "c.at",
        },
        "referrals",
    ),
    (
        "followups_followup",
        _OF_CALLS,
        {
            "id": "c.id",
            "assignment_id": "c.assignment",
            "encounter_id": "c.id",
            "created_at": "c.at",
            "state": "'ended'",
            "outcome": "'reached'",
            "ended_at": "c.at",
            "due_from": "c.at",
            "due_until": "c.at",
            "first_from": "c.at",
            "first_until": "c.at",
        },
        "follow_ups",
    ),
    ("audit_entry", _OF_ALL, {"id": "e.id", "at": "e.at"}, ""),
)


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """The slowest twentieth of looks at each page, with each number of rows; and of the choices by
    which a list can be narrowed, the one that many rows slow down most, by its middle look."""
    sizes = (1_000, 100_000) if quick else (1_000, 1_000_000)
    made = {size: await in_thread(_filled, stack, size) for size in sizes}
    looks: dict[int, dict[str, list[float]]] = {size: {} for size in sizes}
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for _ in range(_ROUNDS):
        for size in sizes:
            found[size] = await in_thread(_looks, stack, size, made[size], 7 if quick else 10)
            for name, one in found[size].items():
                looks[size].setdefault(name, []).extend(one["milliseconds"])
    few, many = sizes
    if more := {
        name: (one["statements"], found[many][name]["statements"])
        for name, one in found[few].items()
        if one["statements"] != found[many][name]["statements"]
    }:
        raise RuntimeError(f"Pages ask more statements where more is stored: {json.dumps(more)}")
    pages: list[Figure] = []
    narrowed: dict[str, list[Figure]] = {}
    for name, one in found[many].items():
        told = f"{name}, {many:,} notes and facts ({one['statements']} statements)"
        times = (looks[many][name], looks[few][name])
        if one["narrows"]:
            narrowed.setdefault(one["narrows"], []).append(_figure(told, *times, percent=50))
        else:
            pages.append(_figure(told, *times, percent=95))
    return [
        *pages,
        *(max(choices, key=lambda one: one.ratio or 0) for choices in narrowed.values()),
    ]


def _figure(name: str, many: list[float], few: list[float], *, percent: float) -> Figure:
    value, floor = percentile(many, percent), percentile(few, percent)
    return Figure("cockpit", name, "ms", value, floor, _AIM, len(many))


def _looks(stack: Stack, size: int, made: dict[str, Any], times: int) -> dict[str, Any]:
    found: dict[str, Any] = stack.prepare(
        _name(size), "looks", supervisor=made["supervisor"], times=times
    )
    return found


def _filled(stack: Stack, size: int) -> dict[str, Any]:
    """A database with so many notes, facts and entries of the audit log, a tenth of them calls."""
    database = stack.database(_name(size))
    stack.prepare(database, "people", crews={_UNIT: 1})
    made: dict[str, Any] = stack.prepare(database, "supervisor", call_sign=_UNIT)
    stack.prepare(database, "encounters", call_sign=_UNIT, count=_NEWEST)
    stack.prepare(database, "told_of", **made)
    values = {"count": size, "calls": size // 10, **made}
    with psycopg.connect(stack.url(database, owner=True), autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        for statement in (_ENTRIES, _FEWER):
            connection.execute(statement, values)
        for table, rows, differs, collection in _FILL:
            _copies(connection, table, rows, differs, values)
            if collection:
                connection.execute(_members(table, collection), made)
        stack.prepare(database, "reseal")
        # As in a database that has grown to this over the years.
        connection.execute("vacuum analyze")
    return made


def _copies(
    connection: psycopg.Connection[Any],
    table: str,
    rows: str,
    differs: dict[str, str],
    values: dict[str, Any],
) -> None:
    """Older rows of a table. The columns are asked for, so that a new one is not forgotten."""
    found = connection.execute(
        "select quote_ident(attname) from pg_attribute where attrelid = %s::regclass"
        " and attnum > 0 and not attisdropped and attgenerated = '' order by attnum",
        [table],
    )
    columns = [name for (name,) in found]
    if unknown := differs.keys() - set(columns):
        raise RuntimeError(f"{table} has no {sorted(unknown)}.")
    told = ", ".join(differs.get(name, f"pattern.{name}") for name in columns)
    connection.execute(f"alter table {table} disable trigger user")
    connection.execute(
        f"insert into {table} ({', '.join(columns)}) select {told} from {rows}"
        f" cross join (select * from {table} order by ctid desc limit 1) pattern",
        values,
    )
    connection.execute(f"alter table {table} enable trigger user")


def _members(table: str, collection: str) -> str:
    """All rows of a table are its team's."""
    return (
        "insert into feed_member (scope, collection, doc_id)"
        f" select 'team:' || %(team)s, '{collection}', id from {table} on conflict do nothing"
    )


def _name(size: int) -> str:
    return f"bench_cockpit_{size}"
