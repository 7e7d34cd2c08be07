"""What is tapped and typed in the field."""

from __future__ import annotations

from hypothesis import strategies as st

from apps.firstaid import codes
from tests.oracle.day import busy_rule, which
from tests.oracle.field.course import Course
from tests.oracle.field.day import TAPS

PARTS = ("narrative", "narrative", "anew", "supplies", "refusal", "report")
OF_PERSONS = ("description", "aliases", "safety_notes", "helps")


class FieldFingers(Course):
    """Rules for one local database each, in contact or not."""

    @busy_rule(who=which)
    def open_a_call(self, who: int) -> None:
        self._open(self._held(who))

    @busy_rule(who=which, n=which, event=st.sampled_from((*TAPS, "declined", "emergency")))
    def tap(self, who: int, n: int, event: str) -> None:
        held = self._held(who)
        if call := self._call(held, n):
            self._tap(held, call, event)

    @busy_rule(who=which, n=which, ordinal=st.sampled_from((1, 1, 2)))
    def meet_somebody(self, who: int, n: int, ordinal: int) -> None:
        held, match = self._held(who), ("possible", "confirmed")[n % 2]
        if call := self._call(held, n):
            self._meet_somebody(held, call, ordinal=ordinal, match=match)

    @busy_rule(who=which, n=which, m=which)
    def meet_again(self, who: int, n: int, m: int) -> None:
        """Somebody who is known from another call."""
        held = self._held(who)
        call, person = self._call(held, n), self._nth(held, "persons", m)
        if call and person:
            self._meet_somebody(held, call, person["id"], match="confirmed")

    @busy_rule(who=which, n=which, part=st.sampled_from(OF_PERSONS))
    def describe(self, who: int, n: int, part: str) -> None:
        held = self._held(who)
        if person := self._nth(held, "persons", n):
            self._describe(held, person, part)

    @busy_rule(who=which, n=which, part=st.sampled_from(PARTS), ordinal=st.sampled_from((1, 1, 2)))
    def write(self, who: int, n: int, part: str, ordinal: int) -> None:
        held = self._held(who)
        if call := self._call(held, n):
            self._write(held, call, part, ordinal)

    @busy_rule(who=which, n=which)
    def work_a_call(self, who: int, n: int) -> None:
        """From contact to the signature, by two who may be of one unit; one of them types on."""
        one, other = self._held(who), self._held(who + 1)
        if call := self._call(one, n):
            self._work(one, other, call)
            self._write(other, call, "narrative")

    @busy_rule(who=which, n=which, ordinal=st.sampled_from((1, 1, 2)))
    def sign(self, who: int, n: int, ordinal: int) -> None:
        held = self._held(who)
        if call := self._call(held, n):
            self._sign(held, call, ordinal)

    @busy_rule(who=which, n=which)
    def add(self, who: int, n: int) -> None:
        """An addendum, to a note that is signed, or not, or not here."""
        held = self._held(who)
        if call := self._call(held, n):
            self._fact(held, "note_addendum", note_id=self._note_id(call), text=self._word())

    @busy_rule(who=which, n=which)
    def add_what_was_refused(self, who: int, n: int) -> None:
        """What was typed after the signature is offered as an addendum, and its author takes it."""
        held = self._held(who)
        refused = [
            one
            for one in held.store.kept()
            if one.get("doc_collection") == "case_notes" and one.get("status") == "open"
        ]
        if refused:
            one = refused[n % len(refused)]
            told = {"note_id": one["doc_id"], "quarantined": one["id"], "text": self._word()}
            self._fact(held, "note_addendum", **told)

    @busy_rule(who=which, n=which)
    def give_naloxone(self, who: int, n: int) -> None:
        held = self._held(who)
        if call := self._call(held, n):
            self._give(held, call)

    @busy_rule(who=which, n=which)
    def take_a_dose_back(self, who: int, n: int) -> None:
        """It did not happen."""
        held = self._held(who)
        if dose := self._nth(held, "naloxone_doses", n):
            self._give(held, dose["assignment_id"], corrects=dose["id"], withdrawn=True)

    @busy_rule(who=which, n=which, question=st.sampled_from(list(codes.ANSWERS)))
    def answer(self, who: int, n: int, question: str) -> None:
        """What the log asks after a dose, or without one."""
        held = self._held(who)
        if call := self._call(held, n):
            dose = self._nth(held, "naloxone_doses", n)
            answer = min(codes.ANSWERS[question])
            about = {"assignment_id": call, "dose_id": dose["id"] if dose else None}
            told = {**about, "question": question, "answer": answer, "note": self._word()}
            self._fact(held, "overdose_answer", **told)

    @busy_rule(who=which, n=which)
    def give_first_aid(self, who: int, n: int) -> None:
        held = self._held(who)
        if call := self._call(held, n):
            self._act(held, "first_aid_logs", call, injuries=["bleeding"])

    @busy_rule(who=which, n=which, how=st.sampled_from(("left_behind", "discard", "issue")))
    def move_stock(self, who: int, n: int, how: str) -> None:
        """From whatever kit is theirs, or from the store into one."""
        store, *bags = self.world.kits
        told = {"movement": how, "lot_id": str(self.world.lot.pk), "note": self._word()}
        if how == "issue":
            bag = bags[n % len(bags)]
            told |= {"from_kit_id": str(store.pk), "to_kit_id": str(bag.pk)}
        self._fact(self._held(who), "stock_movement", quantity=1 + n % 2, **told)

    @busy_rule(who=which, how=st.integers(1, 6))
    def poison(self, who: int, how: int) -> None:
        """A row that cannot be taken, among others."""
        self._poison(self._held(who), how)
