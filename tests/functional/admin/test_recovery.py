"""After a restore, in a real browser: who is awaited, what has come, and when the banner goes."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from apps.accounts.models import Role
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.sync import recovery
from tests.factories import person, tablet
from tests.functional.admin.conftest import Desk
from tests.processes import Server


def test_the_desk_reads_who_is_awaited_until_they_have_come(
    shared: Server, desk_of: Callable[..., Desk]
) -> None:
    responder = person()
    mine = tablet(responder)
    history = recovery.begin(actor=SYSTEM, now=clock.now())
    assert history is not None
    desk = desk_of(person(Role.SUPERVISOR, of=responder.team))
    desk.sees("The server was restored: 1 of 1 tablets has not come back yet.")
    desk.follow("Which, and what has come back")
    desk.sees("1 have not come yet", mine.tablet.label, "What cannot come back with tablets")

    followed = {**mine.headers, "Sync-Followed": str(history.epoch)}
    address = f"{shared.url}/api/v1/sync/facts/pull"
    pulled = httpx2.get(address, headers=followed, timeout=60, trust_env=False)
    assert pulled.status_code == 200
    desk.open(f"sync/history/{history.pk}/change/")
    desk.sees("1 of 1 local databases have come back", "All of it by")
    desk.open("")
    desk.sees("Recoveries")
    desk.sees_not("has not come back yet")
