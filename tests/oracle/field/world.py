"""A day's team on the street: two units of two, their calls, their kits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.assignments import services as assignments
from apps.assignments.models import Assignment
from apps.audit.services import SYSTEM
from apps.dispatch import plain
from apps.dispatch import services as dispatch
from apps.dispatch.models import Agency, Incident, Shift, Unit
from apps.firstaid import codes
from apps.firstaid import services as firstaid
from apps.firstaid.models import Kit, Lot, Product, ProductKind
from apps.followups.models import FollowUp
from apps.followups.services import reminding
from apps.followups.services.plans import load_plans
from apps.people import services as people
from apps.referrals.services import clocks
from apps.simulator.tablet.tablet import APPEND_ONLY, COLLECTIONS, PUSHABLE
from apps.simulator.tablet.wire import SCHEMA
from apps.sync.services import linking
from tests.oracle.field import looked_for, records, referred
from tests.oracle.field.partners import PartnerSystem, partners_of
from tests.oracle.field.rights import FieldRights
from tests.oracle.held import Rooms
from tests.oracle.rights import Shown
from tests.oracle.world import World
from tests.policies import drawn

PRODUCT = Rooms(
    collections=COLLECTIONS,
    pushable=PUSHABLE,
    append_only=APPEND_ONLY,
    shared="reference",
    old=SCHEMA,
    today=SCHEMA,
)
TABLETS = 4
CAD = "/api/v1/dispatch/incidents"
LAST_DAY = date(2099, 12, 31)
LATER = timedelta(hours=2)  # what lasts an hour is over
A_DAY_LATER = timedelta(hours=25)


class FieldWorld(World):
    """`people` are two crews, somebody without a unit, and the supervisor, who may take a tablet
    too. `opened`: the calls that were begun on each tablet. `signed`: what was on the screen when
    a signature was made, by its id. `moved`: what went into a kit (less what went out), by kit and
    lot, that no dose took: by the desk. `partners`: those that can be asked. `told_at`: when
    each fact was typed, by the true clock. `met`: whom anybody has met."""

    rooms = PRODUCT
    rights: FieldRights

    def __init__(
        self, urls: Sequence[str], folder: Path, *, seed: int, happened: Counter[str]
    ) -> None:
        self.opened: dict[int, list[str]] = {}
        self.signed: dict[UUID, dict[str, Any]] = {}
        self.told_at: dict[UUID, datetime] = {}
        self.met: list[str] = []
        self.numbers = 0
        super().__init__(urls, folder, seed=seed, tablets=TABLETS, happened=happened)

    def _staff(self) -> None:
        now = timezone.now()
        self.people.append(self.supervisor)
        self.shift = self._shift(now)
        self.units = [self._unit(number, now) for number in (1, 2)]
        self.rights = FieldRights(
            team={self.supervisor.pk}, units=frozenset(unit.pk for unit in self.units)
        )
        for place, user in enumerate(self.people[:TABLETS]):
            self.join(user, self.units[place // 2])
        token, self.client = accounts.create_client(name=self._name("CAD"), by=SYSTEM, now=now)
        self.cad = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )
        self._stock(now)
        load_plans(by=SYSTEM, now=now)
        drawn(100)  # every signed note is reviewed
        self.partners: list[PartnerSystem] = partners_of(self._name(""), now)

    def _name(self, what: str) -> str:
        return f"{what}{self.typed.words.mark.upper()}"

    def _shift(self, now: datetime) -> Shift:
        hours = timedelta(hours=8)
        return dispatch.start_shift(
            team=self.team, starts_at=now - timedelta(hours=1), ends_at=now + hours, by=SYSTEM,
            now=now,
        )  # fmt: skip

    def _unit(self, number: int, now: datetime) -> Unit:
        call_sign = f"{self._name('CARE')}{number}"
        unit = Unit(
            call_sign=call_sign,
            agency=Agency.CARE,
            eido_id=f"{call_sign.lower()}@care.seattle.wa.us",
            team=self.team,
        )
        return dispatch.save_unit(unit=unit, by=SYSTEM, now=now)

    def _stock(self, now: datetime) -> None:
        """A store, and a kit with two sprays for each unit."""
        by = self.supervisor
        self.spray = Product(
            kind=ProductKind.NALOXONE,
            name=self._name("Naloxone "),
            strength="4 mg/0.1 mL",
            drug=codes.NALOXONE,
            dose=Decimal(4),
            dose_unit=codes.MILLIGRAMS,
            route=codes.INTRANASAL,
        )
        firstaid.save_product(product=self.spray, by=by, now=now)
        self.lot = Lot(product=self.spray, number=self._name("L"), expires_on=LAST_DAY)
        firstaid.save_lot(lot=self.lot, by=by, now=now)
        places = [None, *self.units]
        self.kits = [
            Kit(label=f"{self._name('Bag ')} {place}", team=self.team, unit=unit)
            for place, unit in enumerate(places)
        ]
        for kit in self.kits:
            firstaid.save_kit(kit=kit, by=by, now=now)
        store, *bags = self.kits
        self.rights.kits = {kit.pk: kit.unit_id for kit in self.kits}
        firstaid.receive(kit=store, lot=self.lot, quantity=50, by=by, now=now)
        for bag in bags:
            firstaid.issue(from_kit=store, to_kit=bag, lot=self.lot, quantity=2, by=by, now=now)

    # --- who works where ---

    def join(self, user: User, unit: Unit) -> None:
        dispatch.join_crew(user=user, unit=unit, shift=self.shift, by=SYSTEM, now=timezone.now())
        self.rights.crew[user.pk] = unit.pk

    def leave(self, user: User) -> None:
        dispatch.leave_crew(user=user, by=SYSTEM, now=timezone.now())
        self.rights.crew.pop(user.pk, None)

    def next_shift(self, n: int) -> None:
        """Everybody goes home, and others, or the same, come."""
        dispatch.end_shift(shift=self.shift, by=SYSTEM, now=timezone.now())
        self.rights.crew.clear()
        self.shift = self._shift(timezone.now())
        for place in range(TABLETS):
            self.join(self.people[(place + n) % (TABLETS + 1)], self.units[place // 2])

    def remembered(self) -> dict[str, Any]:
        return {**super().remembered(), "shift": self.shift}

    # --- what CAD and time do ---

    def message(self, unit: Unit, text: str) -> dict[str, Any]:
        """A new call for a unit, as CAD tells it."""
        self.numbers += 1
        now = timezone.now().isoformat()
        status = {"status": "Dispatched", "at": now}
        return {
            "cad_number": f"{self._name('26')}{self.numbers}",
            "agency_id": "spd.seattle.gov",
            "received_at": now,
            "updated_at": now,
            "initial_call_type": "SERVICE - WELFARE CHECK",
            "address": "3RD AVE / PIKE ST",
            "narrative": [{"text": text}],
            "units": [{"unit_id": unit.eido_id, "call_sign": unit.call_sign, "statuses": [status]}],
        }

    def call_in(self, message: dict[str, Any], url: str) -> None:
        """A message through the endpoint that CAD uses."""

        async def post() -> None:
            answer = await self.cad.post(f"{url}{CAD}", json=message)
            assert answer.is_success, answer.text

        self.run(post())

    def receive(self, message: dict[str, Any]) -> Incident:
        """A message straight to the service: no process but this one knows of it."""
        call = plain.parse(message)
        return dispatch.receive(call=call, client=self.client, now=timezone.now()).incident

    def let_go(self) -> None:
        """What is closed leaves the tablets, what came late is dropped, broken glass is mended, and
        to whom nothing leads is let go."""
        now = timezone.now()
        assignments.let_cleared_go(now=now)
        firstaid.let_late_go(now=now)
        people.close_over(now=now + LATER)
        people.let_unlinked_go(now=now + A_DAY_LATER)
        clocks.let_closed_go(now=now)
        linking.link(now=now)
        reminding.remind(now=now)

    def let_days_go(self, days: int) -> None:
        """So many go by, and nobody has looked for anybody or answered: that is told."""
        now = timezone.now() + timedelta(days=days)
        clocks.remind_due(now=now)
        reminding.remind(now=now)

    def finish(self) -> bool:
        self.let_go()
        self.rights.late = False
        return True

    # --- what holds ---

    def calls(self) -> list[UUID]:
        """The calls of its units that are here."""
        rows = Assignment.objects.filter(unit__in=self.units)
        return list(rows.values_list("pk", flat=True))

    def follow_ups(self) -> list[UUID]:
        """Those of its team."""
        return list(FollowUp.objects.filter(team=self.team).values_list("pk", flat=True))

    def documents(self) -> list[Shown]:
        return self.rights.documents(self.typed.ids)

    def wrong(self) -> list[str]:
        return [*records.wrong(self), *referred.wrong(self), *looked_for.wrong(self)]

    def close(self) -> None:
        for system in (self.cad, *(partner.system for partner in self.partners)):
            self.run(system.aclose())
        super().close()
