"""What is typed of consents and referrals, and told of them, in the field."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.people.ids import encounter_id
from apps.simulator.tablet.store import Document
from tests.oracle.day import busy_rule, which
from tests.oracle.field.day import Field
from tests.oracle.field.partners import PartnerSystem
from tests.oracle.held import Held

HOLDS = timedelta(days=30)
# What a person may let us tell; the last one opens nothing of what is needed.
CATEGORIES = (["identity", "needs", "helps"], ["needs"], ["identity", "safety"], ["contact"])
NEEDS = (["homelessness"], ["food-insecurity"], ["homelessness", "food-insecurity"])
# Each piece of what a partner may need to know, and who told it: the last one is protected.
DETAILS = (("helps", "person"), ("safety", "seen"), ("health", "person"), ("needs", "partner"))
SPOKEN = ("accept", "decline", "ask", "hold", "begin", "appointment", "attended", "served")
OURS = ("send", "reply", "warm_handoff", "cancel", "error", "close", "withdraw")
PARTS = ("note", "details", "asked", "asked")
REASON = {"reason_code": "full"}


class Referring(Field):
    """Rules for one local database each, in contact or not."""

    @busy_rule(who=which, n=which, m=which, lacks=st.sampled_from(("", "", "", "witness")))
    def consent(self, who: int, n: int, m: int, lacks: str) -> None:
        """Twice: the second is for somebody else, and less."""
        held = self._held(who)
        if call := self._call(held, n):
            self._consent(held, call, m, lacks=lacks)
            self._consent(held, call, m + 1)

    @busy_rule(who=which, n=which)
    def take_a_consent_back(self, who: int, n: int) -> None:
        held = self._held(who)
        if consent := self._nth(held, "consents", n):
            self._fact(held, "consent_revocation", consent_id=consent["id"], note=self._word())

    @busy_rule(who=which, n=which, m=which, ordinal=st.sampled_from((1, 1, 2)))
    def refer(self, who: int, n: int, m: int, ordinal: int) -> None:
        held = self._held(who)
        if call := self._call(held, n):
            self._refer(held, call, m, ordinal=ordinal)

    @busy_rule(who=which, n=which, parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=3))
    def refer_on(self, who: int, n: int, parts: list[str]) -> None:
        """More is said of a need, or somebody else is asked."""
        held = self._held(who)
        for place, part in enumerate(parts, n):
            if referral := self._nth(held, "referrals", n):
                self._refer_on(held, referral, place, part)

    @busy_rule(
        who=which,
        n=which,
        verbs=st.lists(st.sampled_from((*SPOKEN, *SPOKEN, *OURS)), min_size=1, max_size=4),
    )
    def tell_of_referrals(self, who: int, n: int, verbs: list[str]) -> None:
        """What partners said on the telephone, or what CARE did."""
        held = self._held(who)
        for place, verb in enumerate(verbs, n):
            if referral := self._nth(held, "referrals", place // 2):
                self._tell_of_referral(held, referral, place, verb)

    @busy_rule(who=which, n=which)
    def tell_somebody_outside(self, who: int, n: int) -> None:
        """Medics are told what they need to know, and that is written down."""
        held = self._held(who)
        if call := self._call(held, n):
            told: Document = {"basis": "medical_emergency", "recipient": "Medic 10"}
            self._fact(held, "disclosure", assignment_id=call, nature=self._word(), **told)

    @busy_rule(who=which, n=which, how=st.integers(1, 4))
    def poison_what_is_asked(self, who: int, n: int, how: int) -> None:
        """A row of these rooms that cannot be taken, or that overtakes what it is of."""
        held, word = self._held(who), self._word()
        call = self._call(held, n) or str(uuid7())
        match how:
            case 1:  # of an encounter that is no encounter of this call
                strange = {"id": str(uuid7()), "assignment_id": call, "encounter_id": str(uuid7())}
                self.world.save(held, "referrals", {**strange, "note": word})
            case 2:
                strange = {"id": str(uuid7()), "assignment_id": call, "encounter_id": str(uuid7())}
                self.world.save(held, "consents", {**strange, "note": word})
            case 3:  # it is told of it before it is there
                self._refer(held, call, n, early=True)
            case _:
                self._consent(held, call, n, early=True)

    # --- what is typed ---

    def _partner(self, n: int) -> PartnerSystem:
        return self.world.partners[n % len(self.world.partners)]

    def _here(self, call: str, ordinal: int = 1) -> Document:
        return {
            "assignment_id": call,
            "encounter_id": str(encounter_id(UUID(call), ordinal)),
        }

    def _consent(
        self, held: Held, call: str, n: int, *, lacks: str = "", early: bool = False
    ) -> None:
        """What a person lets us tell one or two partners. `early`: it is taken back at once."""
        now, id = held.client.device.now(), str(uuid7())
        partners = {str(self._partner(place).partner.pk) for place in (n, n + n % 2)}
        consent = {
            "id": id,
            **self._here(call),
            "form": "verbal",
            "purpose": "referral",
            "categories": CATEGORIES[n % len(CATEGORIES)],
            "partner_ids": sorted(partners),
            "given_at": iso(now),
            "expires_at": iso(now + HOLDS),
            "witness": "the other responder",
            "note": self._word(),
        }
        consent.pop(lacks, None)
        if early:
            self._fact(held, "consent_revocation", consent_id=id, note=self._word())
        self.world.save(held, "consents", consent)

    def _refer(
        self, held: Held, call: str, n: int, *, ordinal: int = 1, early: bool = False
    ) -> Document:
        """A need, and who is asked for it. `early`: it is told of before it is typed."""
        id, asked = str(uuid7()), self._asks(held, n)
        referral = {
            "id": id,
            **self._here(call, ordinal),
            "urgency": "tonight",
            "needs": NEEDS[n % len(NEEDS)],
            "note": self._word(),
            "details": [self._detail(n)],
            "asked": [asked],
        }
        if early:
            self._tell_of_referral(held, {**referral, "tasks": [asked]}, 0, "accept")
        self.world.save(held, "referrals", referral)
        return referral

    def _asks(self, held: Held, n: int) -> Document:
        """One partner: by a service of the directory that the tablet has, or by its name."""
        asked, item = self._partner(n), {"id": str(uuid7()), "at": iso(held.client.device.now())}
        listed = held.store.get("reference", str(asked.service)) if asked.service else None
        if listed is not None:
            return {**item, "service_id": listed["id"]}
        return {**item, "partner_id": str(asked.partner.pk)}

    def _detail(self, n: int) -> Document:
        category, source = DETAILS[n % len(DETAILS)]
        item = {"id": str(uuid7()), "text": self._word()}
        return {**item, "category": category, "source": source}

    def _refer_on(self, held: Held, referral: Document, n: int, part: str) -> None:
        match part:
            case "note":
                fresh: Any = f"{referral.get('note') or ''} {self._word()}".strip()
            case "details":
                fresh = [*(referral.get("details") or []), self._detail(n)]
            case _:
                fresh = [*(referral.get("asked") or []), self._asks(held, n)]
        self.world.save(held, "referrals", {**referral, part: fresh})

    def _tell_of_referral(self, held: Held, referral: Document, n: int, verb: str) -> None:
        """A verb of a task that the tablet knows of; without one it is about the referral."""
        told: Document = {"referral_id": referral["id"], "verb": verb, "text": self._word()}
        tasks = referral.get("tasks") or referral.get("asked") or []
        if verb in {"close", "withdraw"} or not tasks:
            told |= {"outcome": "served"} if verb == "close" else REASON
        else:
            told |= {"task_id": tasks[n % len(tasks)]["id"], **self._goes_with(held, verb)}
        self._fact(held, "referral_answer", **told)

    def _goes_with(self, held: Held, verb: str) -> Document:
        told: Document = {"said_by": "Kim, front desk"} if verb in SPOKEN else {}
        if verb in {"decline", "hold", "cancel"}:
            told |= {**REASON, "reason": self._word()}
        if verb == "appointment":
            told |= {"appointment_at": iso(held.client.device.now() + timedelta(hours=2))}
        return told
