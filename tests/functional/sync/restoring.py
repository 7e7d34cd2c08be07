"""Putting a real server back in time: dumps, snapshots of files, a standby; and what is left."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import psycopg
from django.db import connection, transaction

from apps.accounts.models import Team, User
from apps.changes import scopes
from apps.changes.models import StoredDocument
from apps.changes.reading import body_of
from apps.changes.services import grant
from apps.core.engine_host import Host
from apps.core.engine_servers import Postgres
from apps.core.ids import uuid7
from apps.simulator.radio import Radio
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet
from apps.sync.models import Conflict, QuarantinedWrite, Version
from tests.factories import EnrolledTablet, person, tablet, team

COLLECTIONS = ("notes", "pages", "marks", "quarantine")
PATIENCE = 60.0


class Programs:
    """PostgreSQL's own programs, run on the database that the tests are connected to."""

    def __init__(self, host: Host) -> None:
        self._folder = host.postgres_programs

    def run(self, name: str, *arguments: str) -> None:
        command = [str(self._folder / name), *arguments]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
        assert done.returncode == 0, done.stderr

    def dump(self, to: Path) -> None:
        """Without what the tests keep to put rows back: only their own server lets that be."""
        kept = (f"--exclude-schema={name}" for name in ("pristine", "kept"))
        self.run("pg_dump", "--format=custom", *kept, f"--file={to}", f"--dbname={url_now()}")

    def restore(self, dump: Path, url: str) -> None:
        self.run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(dump))


def url_now() -> str:
    """Where the tests are connected to, as the owner."""
    known = connection.settings_dict
    return (
        f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}"
        f"/{known['NAME']}"
    )


def application_url(postgres: Postgres | None = None) -> str:
    """The same database as the application's role."""
    name = connection.settings_dict["NAME"]
    url = postgres.url if postgres else os.environ["TEST_APP_DATABASE_URL"]
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@contextlib.contextmanager
def connected_to(url: str) -> Iterator[None]:
    """The tests' own connection, and what they start from now on, use another database."""
    address, before = urlsplit(url), dict(connection.settings_dict)
    connection.close()
    connection.settings_dict |= {
        "HOST": address.hostname,
        "PORT": str(address.port),
        "USER": address.username,
        "PASSWORD": address.password,
        "NAME": address.path.lstrip("/"),
    }
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@contextlib.contextmanager
def fresh_database(beside: str) -> Iterator[str]:
    """An empty database on the server of another one; its address."""
    name = f"restored_{uuid7().hex}"
    with psycopg.connect(beside, autocommit=True) as owner:
        owner.execute(f"create database {name}")  # type: ignore[arg-type]
    try:
        yield urlsplit(beside)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(beside, autocommit=True) as owner:
            left = f"select count(*) from pg_stat_activity where datname = '{name}'"
            patiently(lambda: owner.execute(left).fetchone() == (0,), "nobody is connected")  # type: ignore[arg-type]
            owner.execute(f"drop database {name}")  # type: ignore[arg-type]


def standby_of(primary: Postgres) -> Postgres:
    """A copy of a server that follows it, started."""
    host = replace(primary.host, folder=primary.host.folder / "standby")
    shutil.rmtree(host.folder, ignore_errors=True)  # of a test before this one
    host.folder.mkdir(mode=0o711)
    host.own(host.folder)
    made = Postgres(host, primary._passwords, durable=False)
    log = (host.folder / "basebackup.log").open("wb")
    command = [
        str(host.postgres_programs / "pg_basebackup"),
        *("--pgdata", str(made.folder), "--write-recovery-conf", "--checkpoint=fast"),
        *("--no-sync", "--dbname", primary._url("postgres", "postgres")),
    ]
    with log:
        assert primary._popen(command, log).wait() == 0, Path(log.name).read_text()
    (host.folder / "postgres.complete").touch()
    made.start()
    return made


def ask(postgres: Postgres, query: str) -> Any:
    """As the superuser."""
    with psycopg.connect(postgres._url("postgres", "postgres"), autocommit=True) as superuser:
        answer = superuser.execute(query)  # type: ignore[arg-type]
        row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def wait_for(postgres: Postgres, query: str) -> None:
    """Until the server says that it is so."""
    patiently(lambda: ask(postgres, query), query)


def patiently(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to it that {what}"
        time.sleep(0.02)


def snapshot_of(postgres: Postgres) -> Path:
    """The files of a server as its disk holds them at one moment: it is killed, copied, started."""
    postgres.kill()
    copy = postgres.folder.with_name("snapshot")
    subprocess.run(["cp", "-a", str(postgres.folder), str(copy)], check=True)
    postgres.start()
    return copy


def put_files_back(postgres: Postgres, snapshot: Path) -> None:
    """The server has the files of the snapshot again."""
    postgres.kill()
    shutil.rmtree(postgres.folder)
    snapshot.rename(postgres.folder)
    postgres.start()


@dataclass
class Crew:
    """Three reference tablets of one team. Every text that is ever typed is remembered."""

    folder: Path
    team: Team = field(default_factory=team)
    people: list[User] = field(default_factory=list)
    enrolled: list[EnrolledTablet] = field(default_factory=list)
    tablets: list[Tablet] = field(default_factory=list)
    typed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for _ in range(3):
            user = person(of=self.team)
            with transaction.atomic():
                grant(principal=user.pk, scopes=[scopes.team(self.team.pk)])
            self.people.append(user)
            self.enrolled.append(tablet(user, of=self.team))

    async def start(self, url: str) -> None:
        """Starts the app on every tablet, at this server's address."""
        await self.stop()
        self.tablets = [self._tablet(number, url) for number in range(3)]

    async def stop(self) -> None:
        for one in self.tablets:
            await one.close()
        self.tablets = []

    def _tablet(self, number: int, url: str) -> Tablet:
        made = Tablet(
            label=f"tablet {number}",
            base_url=url,
            path=self.folder / f"tablet{number}.sqlite",
            link=Radio(random.Random(number)),
            dice=random.Random(number),
            collections=COLLECTIONS,
            pushable=("pages", "marks"),
            append_only=("marks",),
        )
        made.store.enrolled(self.enrolled[number].token)
        return made

    def page(self, number: int, *, id: str | None = None, **fields: str) -> str:
        """Types a page, or changes fields of one that the tablet shows."""
        one = self.tablets[number]
        shown = one.store.get("pages", id) if id else None
        id = id or str(uuid7())
        one.save("pages", {**(shown or {}), "id": id, **fields})
        self.typed |= set(fields.values())
        return id

    def mark(self, number: int, text: str) -> str:
        id = str(uuid7())
        self.tablets[number].save("marks", {"id": id, "text": text})
        self.typed.add(text)
        return id

    async def settle(self, *numbers: int) -> None:
        """These tablets (all by default) send and pull until nothing more comes of it."""
        for _ in range(2):
            for number in numbers or range(3):
                await self.tablets[number].replication.push()
                await self.tablets[number].catch_up()

    def shown(self) -> list[list[Document]]:
        """What every tablet shows."""
        return [one.store.documents(name) for one in self.tablets for name in COLLECTIONS]

    def differences(self, collections: Sequence[str] = ("notes", "pages", "marks")) -> list[str]:
        """Where the tablets do not show the same."""
        first, *others = self.tablets
        return [
            f"{other.label} shows other {name}"
            for name in collections
            for other in others
            if other.store.documents(name) != first.store.documents(name)
        ]

    async def checked(self) -> list[bool | None]:
        """What the server's digest says of every tablet and collection."""
        return [
            await one.replication.check(name)
            for one in self.tablets
            for name in ("notes", "pages", "marks")
        ]

    def lost(self) -> set[str]:
        """Texts that are neither live, nor in the history, in a conflict or in quarantine."""
        kept: list[Any] = [
            orjson.loads(body_of(row.collection, row.doc_id, row.body) or b"null")
            for row in StoredDocument.objects.filter(collection__in=["pages", "marks"])
        ]
        for version in Version.objects.all():
            kept += [version.content, version.result]
        kept += [write.content for write in QuarantinedWrite.objects.all()]
        kept += [conflict.kept for conflict in Conflict.objects.all()]
        everything = orjson.dumps(kept).decode()
        return {text for text in self.typed if text not in everything}
