"""Fills a database for a measurement, in a process that has the product's settings.

    python -m bench.prepare STEP '{"argument": ...}'      # answers with JSON on standard output

People and documents come through the services of the rooms; only crowds of tablets are written in
bulk, in the shape that the services give them.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402  (the apps must be loaded first)
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from apps.accounts.models import (  # noqa: E402
    Client,
    LocalDatabase,
    Role,
    SignIn,
    Tablet,
    TabletToken,
    User,
)
from apps.accounts.services import create_client, create_team, standing_scopes  # noqa: E402
from apps.accounts.tokens import new_token, token_hash  # noqa: E402
from apps.assignments.models import Assignment  # noqa: E402
from apps.audit.services import SYSTEM  # noqa: E402
from apps.changes import reading, scopes  # noqa: E402
from apps.changes.services import Document, grant, publish  # noqa: E402
from apps.core import clock  # noqa: E402
from apps.core.ids import uuid7  # noqa: E402
from apps.dispatch import messages, services  # noqa: E402
from apps.dispatch.models import Agency, CrewMember, Shift, Unit  # noqa: E402
from apps.sync import checkpoints, registry  # noqa: E402
from apps.sync.checkpoints import Position  # noqa: E402
from bench.calls import PLAIN, call  # noqa: E402
from bench.delivering import delays, deliveries  # noqa: E402
from bench.encounters import encounters  # noqa: E402
from bench.inside import parts  # noqa: E402
from bench.looking import looks, reseal, told_of  # noqa: E402
from bench.reminding import follow_up_team, follow_ups, remind  # noqa: E402
from bench.signing import queue, sign, supervisor  # noqa: E402

COLLECTION = "assignments"
_BATCH = 500
_AFTER_ALL = UUID(int=2**128 - 1)  # behind every document of a commit
_HOLD = """
insert into feed_change (kind, holder, scope, held)
select 'hold', holder, scope, true from feed_binding join feed_grant using (principal)
where holder = any(%s) order by holder, scope
"""


def migrate() -> None:
    """The schema, the rights of the application's role, and the reference data."""
    call_command("migrate", database="owner", verbosity=0)
    call_command("grant_privileges", database="owner", stdout=sys.stderr)
    services.load_reference(by=SYSTEM, now=clock.now())


def people(crews: dict[str, int]) -> dict[str, Any]:
    """A CARE unit for each call sign with so many tablets, everyone signed in; a CAD client.

    Answers with the CAD's token, and token and instance of each unit's tablets.
    """
    now = clock.now()
    token, _ = create_client(name="Bench CAD", by=SYSTEM, now=now)
    team = create_team(name="Bench", by=SYSTEM, now=now)
    shift = services.start_shift(
        team=team, starts_at=now, ends_at=now + timedelta(hours=12), by=SYSTEM, now=now
    )
    password = make_password(None)
    tablets = {}
    with transaction.atomic():
        for call_sign, count in crews.items():
            unit = Unit.objects.create(call_sign=call_sign, agency=Agency.CARE, team=team)
            tablets[call_sign] = _tablets(unit, shift, count, password, now)
    return {"cad_token": token, "tablets": tablets}


def _tablets(
    unit: Unit, shift: Shift, count: int, password: str, now: datetime
) -> list[dict[str, str]]:
    users = [
        User(
            username=f"{unit.call_sign}-{number}",
            display_name=f"Responder {number} of {unit.call_sign}",
            role=Role.RESPONDER,
            team=shift.team,
            password=password,
        )
        for number in range(count)
    ]
    User.objects.bulk_create(users)
    CrewMember.objects.bulk_create(
        CrewMember(shift=shift, unit=unit, user=user, position=min(place, 100), since=now)
        for place, user in enumerate(users, 1)
    )
    devices = [Tablet(label=user.username, team=shift.team, enrolled_at=now) for user in users]
    Tablet.objects.bulk_create(devices)
    tokens = [new_token("cft") for _ in devices]
    TabletToken.objects.bulk_create(
        TabletToken(tablet=tablet, token_hash=token_hash(token), made_at=now)
        for tablet, token in zip(devices, tokens, strict=True)
    )
    SignIn.objects.bulk_create(
        SignIn(tablet=tablet, user=user, started_at=now)
        for tablet, user in zip(devices, users, strict=True)
    )
    stores = [LocalDatabase(tablet=tablet, first_seen_at=now) for tablet in devices]
    LocalDatabase.objects.bulk_create(stores)
    granted = [
        (user.pk, scope)
        for user in users
        for scope in standing_scopes(user) | {scopes.unit(unit.pk)}
    ]
    bound = [(store.pk, user.pk) for store, user in zip(stores, users, strict=True)]
    with connection.cursor() as cursor:
        cursor.executemany("insert into feed_grant (principal, scope) values (%s, %s)", granted)
        cursor.executemany("insert into feed_binding (holder, principal) values (%s, %s)", bound)
        cursor.execute(_HOLD, [[store.pk for store in stores]])
    return [
        {"token": token, "instance": str(store.pk)}
        for token, store in zip(tokens, stores, strict=True)
    ]


def documents(call_sign: str, count: int) -> dict[str, Any]:
    """Publishes so many documents to a unit, all of them like the one that a call made there.

    Answers with the checkpoint of each of the unit's holders before them.
    """
    body = _body(call_sign)
    unit = Unit.objects.get(call_sign=call_sign)
    seen_by = frozenset({scopes.unit(unit.pk)})
    before = reading.head()
    for start in range(0, count, _BATCH):
        ids = [uuid7() for _ in range(min(_BATCH, count - start))]
        with transaction.atomic():
            publish(
                documents=[
                    Document(COLLECTION, id, seen_by, {**body, "id": str(id)}) for id in ids
                ],
                now=clock.now(),
            )
    collection = registry.get(COLLECTION)
    assert collection is not None
    holders = LocalDatabase.objects.filter(tablet__sign_ins__user__crews__unit=unit)
    signed = {
        str(holder): checkpoints.sign(
            Position(before, _AFTER_ALL),
            holder=holder,
            collection=COLLECTION,
            schema=collection.version,
        )
        for holder in holders.values_list("pk", flat=True)
    }
    return {"checkpoints": signed, "bytes": len(json.dumps(body)), "key": _key()}


def share(instances: list[str]) -> None:
    """Lets whoever is signed in on these local databases see what their team sees."""
    found = User.objects.filter(sign_ins__tablet__local_databases__in=instances)
    for user in found.order_by("pk"):
        assert user.team_id is not None, "made with a team"
        with transaction.atomic():
            grant(principal=user.pk, scopes=[scopes.team(user.team_id)])


def pages() -> dict[str, Any]:
    """The ids of all pages that are stored."""
    with connection.cursor() as cursor:
        cursor.execute("select doc_id from feed_document where collection = 'pages'")
        return {"ids": [str(id) for (id,) in cursor.fetchall()]}


def _key() -> str:
    """The key of stored documents, in hexadecimal: one that was published for development."""
    return base64.b64decode(next(iter(settings.FIELD_KEYS.values()))).hex()


def _body(call_sign: str) -> dict[str, Any]:
    """What a call to this unit looks like on its tablets."""
    client, now = Client.objects.get(), clock.now()
    message = call("B0001", call_sign, now)
    services.receive(call=messages.parse(PLAIN, message), client=client, now=now)
    with connection.cursor() as cursor:
        id = Assignment.objects.latest("given_at").pk
        cursor.execute(
            "select body from feed_document where collection = %s and doc_id = %s", [COLLECTION, id]
        )
        [sealed] = cursor.fetchone()
    plain = reading.body_of(COLLECTION, id, sealed)
    assert plain is not None
    body: dict[str, Any] = json.loads(plain)
    return body


if __name__ == "__main__":
    steps = {
        "migrate": migrate,
        "people": people,
        "share": share,
        "documents": documents,
        "pages": pages,
        "parts": parts,
        "deliveries": deliveries,
        "delays": delays,
        "encounters": encounters,
        "supervisor": supervisor,
        "queue": queue,
        "sign": sign,
        "follow_up_team": follow_up_team,
        "follow_ups": follow_ups,
        "remind": remind,
        "told_of": told_of,
        "reseal": reseal,
        "looks": looks,
    }
    json.dump(steps[sys.argv[1]](**json.loads(sys.argv[2])), sys.stdout)
