"""A world with something in most lists of the admin: three of whatever a shift brings."""

from __future__ import annotations

from datetime import timedelta

from apps.audit.services import SYSTEM
from apps.dispatch import services as dispatch
from tests.factories import NOON, partner
from tests.integration.assignments.conftest import World
from tests.integration.casenotes.conftest import MET, Writer
from tests.integration.firstaid.conftest import Tablets, stocked
from tests.integration.followups.conftest import Met
from tests.integration.referrals.conftest import met

MANY = 3


def furnish(world: World) -> World:
    """Committed as far as the feed goes. The same world, with calls, people, notes and so on."""
    dispatch.load_reference(by=SYSTEM, now=NOON)
    stock = stocked(world)
    tablets = Tablets(world)
    writer = Writer(world, world.ours.tablets[0])
    partners = [partner(f"Shelter {number}")[1] for number in range(MANY)]
    for one in partners:
        case = Met(**vars(met(world)))
        case.agreed()
        case.consent(*partners)
        case.asks(one)
        case.follow()
        tablets.dose(case.assignment, lot_id=stock.lot.pk) if stock else None
        writer.write(case.assignment, **MET)
        writer.sign(case.assignment)
        world.tap("emergency", case.assignment, now=NOON + timedelta(minutes=1))
    return world
