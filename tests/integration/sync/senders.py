"""Tablets and desks at the endpoint of media."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from tests.factories import EnrolledTablet, person, tablet
from tests.integration.sync.conftest import Pages

Pair = tuple[Pages, Pages]
PIECE = 50_000


def address(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def objects(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class Sender:
    """A tablet with its responder, or a desk, at the endpoint of media."""

    def __init__(self, client: Client, of: EnrolledTablet | None = None) -> None:
        self.client = client
        self.headers = of.headers if of else {}

    def put(self, sha: str, data: bytes = b"", range: str | None = None, **more: str) -> Any:
        ranged = {"Content-Range": range} if range else {}
        return self.client.put(
            f"/api/v1/media/{sha}",
            data,
            "application/octet-stream",
            headers={**self.headers, **ranged, **more},
        )

    def piece(self, data: bytes, start: int, length: int = PIECE) -> Any:
        part = data[start : start + length]
        end = start + len(part) - 1
        return self.put(address(data), part, f"bytes {start}-{end}/{len(data)}")

    def send(self, data: bytes) -> HttpResponse:
        """The whole of a file in pieces; the last answer."""
        answer = None
        for start in range(0, len(data), PIECE):
            answer = self.piece(data, start)
        assert answer is not None
        return answer

    def get(self, sha: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1/media/{sha}", headers={**self.headers, **headers})

    def head(self, sha: str) -> Any:
        return self.client.head(f"/api/v1/media/{sha}", headers=self.headers)

    def sees(self, data: bytes) -> bool:
        found: int = self.get(address(data)).status_code
        assert found in {200, 404}
        assert self.head(address(data)).status_code == found
        return found == 200


def sender(user: User | None = None) -> Sender:
    return Sender(Client(), tablet(user or person()))


def of(pages: Pages) -> Sender:
    return Sender(pages.client, pages.of)


def desk(role: str, like: Pages) -> Sender:
    client = Client()
    user = person(role, of=like.of.tablet.team)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return Sender(client)


def responder(of: Pages) -> User:
    user: User = of.of.tablet.sign_ins.get(ended_at=None).user
    return user


def somebody_waits() -> bool:
    """Whether a transaction on this database waits for a lock of another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select from pg_stat_activity "
            "where datname = current_database() and wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def wait_until(condition: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Wait for something that another thread or transaction comes to."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to it"
        time.sleep(0.01)
