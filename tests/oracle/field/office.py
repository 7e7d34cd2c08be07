"""What others do in the field: the 911 centre, the desk, supervisors, and time."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from unittest import mock

from django.utils import timezone
from hypothesis import strategies as st

from apps.accounts.services import user_actor
from apps.assignments import services as assignments
from apps.assignments.models import Assignment
from apps.casenotes import services as casenotes
from apps.casenotes.models import Review
from apps.changes import bell
from apps.core.problems import ProblemError
from apps.dispatch.models import Source
from apps.firstaid import services as firstaid
from apps.people import services as people
from apps.people.models import Person
from apps.sync.models import QuarantinedWrite
from tests.oracle.day import busy_rule, which
from tests.oracle.field.day import Field
from tests.oracle.office import Office

LONG_AFTER = timedelta(days=30)  # a signed note is locked


class FieldOffice(Field, Office):
    """Rules for what does not happen on tablets."""

    # --- calls ---

    @busy_rule(n=which)
    def call_in(self, n: int) -> None:
        """CAD has a call for one of the units."""
        world = self.world
        world.call_in(world.message(world.units[n % 2], self._word()), world.held[n % 2].url)

    @busy_rule(n=which, how=st.sampled_from(("reassign", "reassign", "call off", "send again")))
    def decide_on_a_call(self, n: int, how: str) -> None:
        """It goes to the other unit, is called off, or its unit gets it back."""
        rows = Assignment.objects.filter(unit__in=self.world.units).order_by("pk")
        some = list(rows.select_related("incident", "unit"))
        row, by, now = some[n % len(some)], self.world.supervisor, timezone.now()
        with contextlib.suppress(ProblemError):
            match how:
                case "reassign":
                    to = next(unit for unit in self.world.units if unit.pk != row.unit_id)
                    assignments.reassign(assignment=row, to=to, by=by, now=now)
                case "call off":
                    assignments.cancel(assignment=row, by=by, reason="called off", now=now)
                case _:
                    of = {"incident": row.incident, "unit": row.unit, "source": Source.DESK}
                    assignments.assign(**of, by=by, reason="again", now=now)

    @busy_rule(n=which)
    def let_time_pass(self, n: int) -> None:
        """Closed calls leave the tablets; or signed notes are locked, and signatures that were
        early are taken."""
        if n % 3:
            self.world.let_go()
        else:
            casenotes.lock_due(now=timezone.now() + LONG_AFTER)
            casenotes.take_early_signatures(now=timezone.now())

    @busy_rule(who=which, n=which)
    def change_crews(self, who: int, n: int) -> None:
        """Somebody goes to the other unit, or home; or the shift ends."""
        world = self.world
        with contextlib.suppress(ProblemError):
            match n % 4:
                case 0:
                    world.next_shift(who)
                case 1:
                    world.leave(self._person(who))
                case _:
                    world.join(self._person(who), world.units[n % 2])

    @busy_rule(who=which, n=which, how=st.sampled_from(("merge", "merge", "unmerge", "open")))
    def decide_on_a_person(self, who: int, n: int, how: str) -> None:
        """Two are one, says a supervisor; or not. Or somebody has to see a person to whom nothing
        leads them."""
        some = list(Person.objects.filter(pk__in=self.world.typed.uuids).order_by("pk"))
        if not some:
            return
        by, now, person = self.world.supervisor, timezone.now(), some[n % len(some)]
        with contextlib.suppress(ProblemError):
            match how:
                case "merge":
                    into = some[who % len(some)]
                    people.merge_persons(person=person, into=into, by=by, now=now)
                case "unmerge":
                    merged = [one for one in some if one.merged_into_id] or [person]
                    people.unmerge_person(person=merged[n % len(merged)], by=by, now=now)
                case _:
                    by = self._person(who)
                    opened = {"person": person, "reason": "at the door", "by": by}
                    people.break_glass(**opened, actor=user_actor(by), now=now)

    # --- notes and stock ---

    @busy_rule(n=which, returned=st.booleans())
    def review(self, n: int, returned: bool) -> None:
        """A signed note is accepted, or goes back to its authors."""
        waiting = list(Review.objects.waiting().filter(note__in=self.world.typed.uuids))
        if waiting:
            row, by, now = waiting[n % len(waiting)], self.world.supervisor, timezone.now()
            with contextlib.suppress(ProblemError):
                if returned:
                    casenotes.give_back(review=row, by=by, comment=self._word(), now=now)
                else:
                    casenotes.accept(review=row, by=by, now=now)

    @busy_rule(n=which)
    def add_for_the_author(self, n: int) -> None:
        """A supervisor makes an addendum of what came after the signature."""
        world = self.world
        rows = QuarantinedWrite.objects.open().filter(
            collection="case_notes", tablet__in=world.rights.hands
        )
        if found := list(rows.order_by("at", "pk")):
            with contextlib.suppress(ProblemError):
                casenotes.add_refused(
                    write=found[n % len(found)], by=world.supervisor, now=timezone.now()
                )

    @busy_rule(n=which)
    def fill_a_kit(self, n: int) -> None:
        """From the store; or it is counted."""
        world, now = self.world, timezone.now()
        store, *bags = world.kits
        bag, by = bags[n % len(bags)], world.supervisor
        with contextlib.suppress(ProblemError):
            if n % 3:
                firstaid.issue(
                    from_kit=store, to_kit=bag, lot=world.lot, quantity=1, by=by, now=now
                )
            else:
                firstaid.count(
                    kit=bag, product=world.spray, lot=world.lot, counted=n, cause="count", by=by,
                    now=now,
                )  # fmt: skip

    def _publish(self, n: int, *, poked: bool) -> None:
        """A call for one of the units, of which this process alone knows."""
        message = self.world.message(self.world.units[n % 2], self._word())
        with contextlib.nullcontext() if poked else mock.patch.object(bell, "ring", int):
            self.world.receive(message)
