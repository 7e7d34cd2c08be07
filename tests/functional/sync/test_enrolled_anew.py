"""A tablet that was compromised is enrolled anew, and goes on with what it had not sent."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import LocalDatabase
from apps.assignments.models import Assignment, Fact
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.simulator.radio import Radio
from apps.simulator.tablet.tablet import Tablet
from apps.simulator.tablet.wire import ShutOut
from tests.factories import PASSWORD, tablet
from tests.functional.dispatch.street import on_duty
from tests.processes import Server

pytestmark = pytest.mark.django_db(transaction=True)


def app(server: Server, folder: Path) -> Tablet:
    """The app as it is started, in the same folder each time."""
    return Tablet(
        label="CARE-21 left",
        base_url=server.url,
        path=folder / "tablet.sqlite",
        photos=folder / "photos.sqlite",
        link=Radio(random.Random(1)),
        dice=random.Random(1),
    )


def test_a_compromised_tablet_goes_on_as_a_new_writer(
    standing_server: Server, tmp_path: Path
) -> None:
    cast = on_duty(CARE21=1)
    [user] = cast.crews["CARE21"]
    of = tablet(user)
    with asyncio.Runner() as runner:
        held = app(standing_server, tmp_path)
        held.store.enrolled(of.token)
        held.store.signed_in(str(user.pk))
        call = str(uuid7())
        held.tap("opened", call, entry="on_view")
        runner.run(held.replication.push())
        runner.run(held.catch_up())
        assert held.assignment(call)
        scene = held.tap("on_scene", call)  # without a signal
        former, unsent = held.store.instance, held.store.unsent(50)

        accounts.mark_compromised(tablet=of.tablet, by=SYSTEM, now=clock.now())
        for attempt in (held.replication.push_once, lambda: held.replication.pull_once("facts")):
            with pytest.raises(ShutOut):
                runner.run(attempt())
        assert not Fact.objects.filter(pk=scene["id"]).exists()
        assert held.assignment(call), "nothing is deleted"
        runner.run(held.close())

        code, _ = accounts.make_enrolment_code(
            team=cast.team, label="CARE-21 left", by=cast.supervisor, now=clock.now()
        )
        again = app(standing_server, tmp_path)
        runner.run(again.wire.enrol(code))
        runner.run(again.catch_up())
        assert again.store.instance != former
        assert again.store.documents("assignments") == [], "nobody has signed in"
        assert again.store.unsent(50) == unsent
        assert again.store.documents("facts") == [edit.document for edit in unsent]
        runner.run(again.wire.sign_in(user.username, PASSWORD))
        runner.run(again.replication.push())
        runner.run(again.catch_up())
        assert again.assignment(call)
        again.tap("contact_made", call)
        runner.run(again.replication.push())
        runner.run(again.catch_up())
        checks = [runner.run(again.replication.check(name)) for name in ("assignments", "facts")]
        assert checks == [True, True]
        assert again.store.outbox().unsent == 0
        runner.run(again.close())

    told = Fact.objects.get(pk=scene["id"])
    assert (told.device, told.author) == (former, user)
    assert Fact.objects.get(event="contact_made").device == again.store.instance
    assert Assignment.objects.get(pk=call).state == "contact"
    assert LocalDatabase.objects.get(pk=again.store.instance).tablet != of.tablet
