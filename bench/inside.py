"""The inside of `bench.parts`: runs in the process of `bench.prepare`, which has the settings."""

from __future__ import annotations

import cProfile
import os
import pstats
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
from django.core.handlers.asgi import ASGIRequest
from django.db import connection, transaction

from apps.accounts.models import LocalDatabase
from apps.changes import scopes
from apps.changes.services import Document, collected
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.canonical import fingerprint
from apps.sync.gathered import PUSHES
from apps.sync.services import versions
from apps.sync.services.versions import Save

_ROWS: Final = 50
_TEXT: Final = "He sits on the kerb, says he has not slept, and has a grey dog with him. " * 6
# What is told apart of the server: file and function, with all that it calls.
_PARTS: Final = {
    "who they are, and their rows": ("gathered.py", "_plain"),
    "of that, rows read and checked": ("gathered.py", "_plain_rows"),
    "how their documents stand": ("documents.py", "stands"),
    "judged, and written by the room": ("merged.py", "take"),
    "of that, by the room": ("rooms.py", "write_page"),
    "history sealed and sent": ("versions.py", "write"),
    "documents sealed and sent": ("services.py", "write"),
}


class _Undone(Exception):
    """Rolls a transaction back."""


def parts(tablets: list[dict[str, str]], groups: int) -> dict[str, dict[str, float]]:
    """By unit: what was found, by name."""
    here = [_group(tablets) for _ in range(groups)]
    _answer(here[:2])  # plans, pools
    here = here[2:]
    count = len(here) * len(tablets) * _ROWS
    by_us, by_them = time.process_time(), _backends()
    _answer(here)
    by_us, by_them = time.process_time() - by_us, _backends() - by_them
    profile = cProfile.Profile(time.process_time)
    again = [_group(tablets) for _ in here]
    profile.runcall(_answer, again)
    owner = LocalDatabase.objects.select_related("tablet").get(pk=tablets[0]["instance"])
    size = len(tablets) * _ROWS
    us = {"the server": 1e6 * by_us / count, "PostgreSQL": 1e6 * by_them / count}
    us |= {
        f"PostgreSQL: {name}": 1e6 * seconds / count
        for name, seconds in {
            "documents and changes": _done(_publish, owner, size, len(here), undone=True),
            "the same, and every holder's list at COMMIT": _done(
                _publish, owner, size, len(here), undone=False
            ),
            "history and ledger": _done(_keep, owner, size, len(here), undone=True),
            "the same, and its foreign keys at COMMIT": _done(
                _keep, owner, size, len(here), undone=False
            ),
        }.items()
    }
    return {"us a row": us, "% of the server": _shares(profile)}


def _group(tablets: list[dict[str, str]]) -> list[ASGIRequest]:
    return [_request(tablet) for tablet in tablets]


def _request(tablet: dict[str, str]) -> ASGIRequest:
    stamp = {"editor": tablet["instance"], "edit_no": 1, "_deleted": False}
    rows = [
        {"newDocumentState": {"id": str(uuid7()), **stamp, "text": _TEXT}} for _ in range(_ROWS)
    ]
    given = {
        "host": "localhost",
        "authorization": f"Bearer {tablet['token']}",
        "sync-instance": tablet["instance"],
        "sync-schema": "2",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/sync/pages/push",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    return ASGIRequest(scope, BytesIO(orjson.dumps(rows)))


def _answer(groups: list[list[ASGIRequest]]) -> None:
    for group in groups:
        if any(answer is None or answer.content != b"[]" for answer in PUSHES.answer(group)):
            raise RuntimeError("A group was not taken.")


def _backends() -> float:
    """Processor time of the database's backends in seconds; 0 where the system does not tell."""
    with connection.cursor() as cursor:
        cursor.execute("select pid from pg_stat_activity where datname = current_database()")
        pids = [pid for (pid,) in cursor.fetchall()]
    ticks = 0
    for pid in pids:
        path = Path(f"/proc/{pid}/stat")
        if path.exists():
            columns = path.read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += sum(int(one) for one in columns[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _done(
    work: Callable[[LocalDatabase, list[UUID]], None],
    owner: LocalDatabase,
    size: int,
    times: int,
    *,
    undone: bool,
) -> float:
    """Processor time of PostgreSQL for a piece of work, done so many times."""
    before = _backends()
    for _ in range(times):
        ids = [uuid7() for _ in range(size)]
        try:
            with transaction.atomic():
                work(owner, ids)
                if undone:
                    raise _Undone
        except _Undone:
            pass
    return _backends() - before


def _publish(owner: LocalDatabase, ids: list[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select principal from feed_binding where holder = %s", [owner.pk])
        [principal] = cursor.fetchone()
    seen_by = frozenset({scopes.responder(principal), scopes.team(owner.tablet.team_id)})
    with collected() as published:
        pass
    for id in ids:
        body = {"id": str(id), "text": _TEXT, "editor": str(owner.pk), "edit_no": 1}
        published.documents["pages", id] = Document("pages", id, seen_by, body)
    published.write(now=clock.now())


def _keep(owner: LocalDatabase, ids: list[UUID]) -> None:
    now, content = clock.now(), {"text": _TEXT}
    print_ = fingerprint(content)
    user = owner.tablet.sign_ins.get(ended_at=None).user
    versions.write(
        [
            Save(
                id=uuid7(),
                collection="pages",
                doc_id=id,
                rev=1,
                fate="new",
                editor=owner.pk,
                edit_no=1,
                fingerprint=print_,
                instance=owner.pk,
                tablet=owner.tablet,
                author=user,
                at=now,
                content=content,
            )
            for id in ids
        ]
    )


def _shares(profile: cProfile.Profile) -> dict[str, float]:
    stats: Any = pstats.Stats(profile)
    whole = stats.total_tt
    found: dict[str, float] = {}
    for name, (file, function) in _PARTS.items():
        seconds = sum(
            cumulative
            for (path, _, called), (_, _, _, cumulative, _) in stats.stats.items()
            if path.endswith(f"/{file}") and called == function
        )
        found[name] = 100 * seconds / whole
    return found
