"""How a day in the field goes: how it begins, and what is typed when nobody says what."""

from __future__ import annotations

from pathlib import Path

from django.utils import timezone

from apps.assignments import services as assignments
from apps.assignments.models import Assignment
from apps.core.ids import uuid7
from tests.oracle import faults
from tests.oracle.field.day import TAPS
from tests.oracle.field.looking import RESULTS, Looking
from tests.oracle.field.outside import VERBS, Outside
from tests.oracle.field.referring import Referring
from tests.oracle.field.world import FieldWorld
from tests.oracle.held import Held


class Course(Referring, Looking, Outside):
    """What every day in the field begins with, and what its rules scribble."""

    def _open_the_world(self, day: int, folder: Path) -> FieldWorld:
        return FieldWorld(self.urls, folder, seed=day, happened=self.happened)

    def _begin(self, day: int) -> None:
        """Each unit has a call. From one it leaves the tablets while somebody is away who has typed
        on, with the other it is worked to its end once its responders have heard of it."""
        world = self.world
        first, _, second, third, fourth = world.held
        for unit in world.units:
            world.call_in(world.message(unit, self._word()), first.url)
        for held in world.held:
            world.exchange(held)
        [call] = [one["id"] for one in first.store.documents("assignments")]
        self._work(first, second, call)
        if day % 2:
            world.push_all(first)  # it is signed when it leaves
        world.let_go()
        for part in ("narrative", "refusal"):
            self._write(second, call, part)
        self._sign(second, call)
        self._give(second, call)
        self._meet(second, day)
        self.happened[faults.REVOKED] += 1
        self._meet(first, day)
        [call] = [one["id"] for one in third.store.documents("assignments")]
        self._write_together(third, fourth, call)
        self._work(third, fourth, call)
        self._write(fourth, call, "narrative")
        self._meet_them_again(third, call, day)
        if consent := self._nth(third, "consents", 0):
            self._fact(third, "consent_revocation", consent_id=consent["id"], note=self._word())
        self._meet(third, day)
        self._meet(fourth, day)
        self._go_round(first, day)
        self._give_away(first, day)
        self._hear_partners(day)

    def _work(self, one: Held, other: Held, call: str) -> None:
        """A call from contact to its end, by two. The note is signed on one tablet, unsent, with
        what the other has written in it."""
        world = self.world
        self._tap(one, call, "contact_made")
        self._meet_somebody(one, call, match="confirmed")
        self._give(one, call)
        self._see_to(one, call)
        for held in (one, other):
            self._write(held, call, "narrative")
        for held in (one, other, one):
            if not world.is_shut(held):
                world.exchange(held)
        self._tap(one, call, "cleared")
        self._write(one, call, "supplies")
        if not world.is_shut(one):
            world.push_all(one)
        self._sign(one, call)

    def _see_to(self, held: Held, call: str) -> None:
        """They may come again, and say where; two are asked to help, and one may be told why."""
        self._agree(held, call, "agreed")
        self._follow_up(held, call, 0, planned=True)
        self._consent(held, call, 0)
        referral = self._refer(held, call, 0)
        self._refer_on(held, referral, 1, "asked")

    def _hear_partners(self, day: int) -> None:
        """What they were asked they read: before somebody answers, and after."""
        for n in (0, 1):
            self._be_read(n)
        self._be_answered(0, day % 2, VERBS[day % len(VERBS)])
        self._be_read(0)

    def _meet_them_again(self, held: Held, call: str, day: int) -> None:
        """Whom the first unit has met was there, too: for certain, or perhaps. They say something
        of being looked for."""
        met = self.world.met[0]
        match = ("possible", "confirmed", "confirmed")[day % 3]
        self._meet_somebody(held, call, met, ordinal=2, match=match)
        self._agree(held, call, ("agreed", "refused")[day % 2], ordinal=2)
        self._follow_up(held, call, day % 12, ordinal=2)

    def _give_away(self, held: Held, day: int) -> None:
        """A call on which somebody was asked goes to the other unit, with all that was said."""
        world = self.world
        world.call_in(world.message(world.units[0], self._word()), held.url)
        world.exchange(held)
        [call] = [one["id"] for one in held.store.documents("assignments")]
        self._see_to(held, call)
        world.exchange(held)
        row, by = Assignment.objects.get(pk=call), world.supervisor
        assignments.reassign(assignment=row, to=world.units[1], by=by, now=timezone.now())
        self._meet(held, day)

    def _go_round(self, held: Held, day: int) -> None:
        """Everybody whom the tablet names is looked for once."""
        for place, known in enumerate(held.store.documents("follow_ups")):
            if place < 3:
                self._try(held, known["id"], RESULTS[(day + place) % len(RESULTS)])

    def _look_for(self, held: Held, n: int) -> None:
        """Something is typed of whoever is looked for, or asked for."""
        call = self._call(held, n)
        known, referral = self._nth(held, "follow_ups", n), self._nth(held, "referrals", n)
        if known and n % 3 == 0:
            self._try(held, known["id"], "not_reached")
        elif referral and n % 3 == 1:
            self._refer_on(held, referral, n, "note")
        elif known:
            self._say_where(held, known, "find")
        elif call:
            self._follow_up(held, call, n)

    def _write_together(self, one: Held, other: Held, call: str) -> None:
        """What two add to one text that both have stands in it, whoever was first."""
        world, note = self.world, self._note_id(call)
        self._write(one, call, "narrative")
        for held in (one, other):
            world.exchange(held)
        for held in (one, other):
            self._write(held, call, "narrative")
        for held in (one, other, one):
            world.exchange(held)
        texts = [
            (held.store.get("case_notes", note) or {}).get("narrative") for held in (one, other)
        ]
        assert len(world.typed.words.found_in(texts[0])) == 3, texts
        assert texts[0] == texts[1], texts

    def _scribble(self, held: Held, n: int, field: int = 0) -> None:
        call = self._call(held, n)
        if call is None:
            self._open(held)
        elif field == 6:
            self._give(held, call)
        elif field == 5:
            self._tap(held, call, TAPS[n % len(TAPS)])
        elif field == 4:
            self._meet_somebody(held, call)
        elif field == 2:
            self._look_for(held, n)
        else:
            self._write(held, call, ("narrative", "supplies", "", "refusal")[field])

    def _poison(self, held: Held, how: int) -> None:
        call, word = self._call(held, how) or str(uuid7()), self._word()
        note = self._note_id(call)
        match how:
            case 1:
                self._fact(held, "no_such_kind", text=word)
            case 2:
                self._tap(held, call, "no_such_event")
            case 3:  # an encounter that is no encounter of this call
                strange = {"id": str(uuid7()), "assignment_id": call, "place": word}
                self.world.save(held, "encounters", strange)
            case 4:  # and a note on it
                strange = {"id": str(uuid7()), "assignment_id": call, "narrative": word}
                self.world.save(held, "case_notes", strange)
            case 5:
                self._fact(held, "note_signature", note_id=note, content_hash="0" * 64, note=word)
            case _:
                self._fact(held, "stock_movement", movement="vanish", note=word)
