"""What is typed of follow-ups, asked about them, and told of them, in the field."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from hypothesis import strategies as st

from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.followups.ids import follow_up_id
from apps.people.ids import encounter_id
from apps.simulator.tablet.store import Document
from tests.oracle.day import busy_rule, which
from tests.oracle.field.day import Field
from tests.oracle.field.looked_for import ITEM
from tests.oracle.held import Held

BASES = ("agreed", "agreed", "agreed", "refused", "clinician")
RESULTS = (
    *("not_reached", "left_word", "wrong_place", "reached", "declined", "deceased"),
    *("in_jail", "in_hospital"),
)
EVENTS = (
    *("acknowledged", "snoozed", "taken", "released", "paused", "resumed", "moved", "ended"),
    "withdrawn",
)


class Looking(Field):
    """Rules for one local database each, in contact or not."""

    @busy_rule(who=which, n=which, basis=st.sampled_from(BASES), ordinal=st.sampled_from((1, 1, 2)))
    def ask(self, who: int, n: int, basis: str, ordinal: int) -> None:
        """Whether somebody wants to be looked for again."""
        held = self._held(who)
        if call := self._call(held, n):
            self._agree(held, call, basis, ordinal)

    @busy_rule(who=which, n=which, ordinal=st.sampled_from((1, 1, 2)), planned=st.booleans())
    def follow_up(self, who: int, n: int, ordinal: int, planned: bool) -> None:
        """By hand; or what the plan will make, before it does."""
        held = self._held(who)
        if call := self._call(held, n):
            self._follow_up(held, call, n, ordinal=ordinal, planned=planned)

    @busy_rule(
        who=which, n=which, results=st.lists(st.sampled_from(RESULTS), min_size=1, max_size=4)
    )
    def go_round(self, who: int, n: int, results: list[str]) -> None:
        """Some are looked for, one after the other, and where else to look is written down."""
        held = self._held(who)
        for place, result in enumerate(results, n):
            if known := self._nth(held, "follow_ups", place):
                self._try(held, known["id"], result)
                self._say_where(held, known, ("find", "note")[place % 2])

    @busy_rule(who=which, n=which, events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=5))
    def tell_of_follow_ups(self, who: int, n: int, events: list[str]) -> None:
        held = self._held(who)
        for place, event in enumerate(events, n):
            if known := self._nth(held, "follow_ups", place // 2):
                self._tell(held, known["id"], event, **self._with(held, known, event, place))

    @busy_rule(who=which, n=which, how=st.integers(1, 3))
    def poison_a_follow_up(self, who: int, n: int, how: int) -> None:
        """A row that cannot be taken, or that overtakes what it is of."""
        held, word = self._held(who), self._word()
        call = self._call(held, n) or str(uuid7())
        match how:
            case 1:
                strange = {"id": str(uuid7()), "assignment_id": call, "encounter_id": str(uuid7())}
                self.world.save(held, "follow_ups", {**strange, "note": word})
            case 2:
                known = self._nth(held, "follow_ups", n) or {"id": str(uuid7())}
                self._tell(held, known["id"], "no_such_event")
            case _:  # it is tried before it is there
                id = str(uuid7())
                self._try(held, id, RESULTS[n % len(RESULTS)])
                self._follow_up(held, call, n, id=id)

    # --- what is typed ---

    def _agree(self, held: Held, call: str, basis: str, ordinal: int = 1) -> None:
        told: Document = {"basis": basis, "ways": ["visit"], "words": self._word()}
        if basis == "clinician":  # of a responder it is refused
            last = timezone.now().date() + timedelta(days=30)
            told |= {"reason": self._word(), "ends_on": last.isoformat()}
        encounter = str(encounter_id(UUID(call), ordinal))
        here = {"assignment_id": call, "encounter_id": encounter}
        self._fact(held, "follow_up_agreement", **here, **told)

    def _follow_up(
        self,
        held: Held,
        call: str,
        n: int,
        *,
        id: str = "",
        ordinal: int = 1,
        planned: bool = False,
    ) -> None:
        encounter = encounter_id(UUID(call), ordinal)
        start = timezone.now() + timedelta(hours=n - 6)
        made: Document = {"purpose": "basic_needs", "way": "visit", "first_from": iso(start)}
        if planned:
            id, made = str(follow_up_id(encounter, ITEM)), {"item": ITEM, "purpose": "check_in"}
        id = id or str(uuid7())
        here = {"id": id, "assignment_id": call, "encounter_id": str(encounter)}
        known = held.store.get("follow_ups", id) or {**here, **made}
        self._say_where(held, known, "find")

    def _say_where(self, held: Held, known: Document, part: str) -> None:
        if part == "find":
            place = {"id": str(uuid7()), "place": self._word(), "hours": "after dark"}
            fresh: Any = [*(known.get("find") or []), place]
        else:
            fresh = f"{known.get('note') or ''} {self._word()}".strip()
        self.world.save(held, "follow_ups", {**known, part: fresh})

    def _try(self, held: Held, id: str, result: str) -> None:
        self._tell(held, id, "attempted", result=result, way="visit", where=self._word())

    def _tell(self, held: Held, id: str, event: str, **told: Any) -> None:
        about = {"follow_up_id": id, "event": event, "note": self._word()}
        self._fact(held, "follow_up_event", **about, **told)

    def _with(self, held: Held, known: Document, event: str, n: int) -> Document:
        """What goes with an event."""
        later = iso(held.client.device.now() + timedelta(hours=n + 4))
        match event:
            case "taken" if n % 3 == 0:
                return {"to": str(self._person(n).pk)}
            case "snoozed":
                return {"until": later}
            case "paused":
                return {"reason": "jail"}
            case "moved":
                return {"due_from": later}
            case "ended":
                return {"outcome": ("withdrawn", "declined", "met", "deceased")[n % 4]}
            case "withdrawn":
                told = known.get("events") or [{"id": str(uuid7())}]
                return {"event_id": told[n % len(told)]["id"]}
        return {}
