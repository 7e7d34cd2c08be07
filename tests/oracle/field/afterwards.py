"""Who may hold what is asked for people and who looks for them again: referrals, consents, what was
told to others, follow-ups, what was said to them.

As everything of this day: worked out from the rows of the rooms and from who crews which unit;
nothing that the feed keeps is asked, and no function of a room that says who sees something.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from django.db.models import Q

from apps.followups.models import FollowUp, FollowUpAgreement, FollowUpEvent
from apps.referrals.models import (
    Consent,
    ConsentRevocation,
    Disclosure,
    Referral,
    ReferralAnswer,
)
from apps.sync.models import Version
from tests.oracle.rights import Shown

if TYPE_CHECKING:
    from tests.oracle.field.rights import Street

People = frozenset[UUID]
NOBODY: People = frozenset()
_TEAMS_LEVEL = 2  # of a reminder: from there on a follow-up is the whole team's


class _Recorded(Protocol):
    """Something that was recorded once, of an encounter."""

    pk: UUID
    assignment_id: UUID
    encounter_id: UUID


class Afterwards:
    """How that stands at one moment on a street."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.encounters = {row.pk: row for row in street.encounters}
        rows = FollowUp.objects.filter(self._ours() | Q(encounter_id__in=self.encounters))
        self.follow_ups = {row.pk: row for row in rows}

    def documents(self) -> Iterable[Shown]:
        yield from self._consents()
        yield from self._referrals()
        yield from self._follow_ups()
        for told in Disclosure.objects.filter(self._ours(), device__isnull=False):
            yield from self._of_encounter("facts", told, told.discloser_id)
        for word in FollowUpAgreement.objects.filter(self._ours()):
            yield from self._of_encounter("facts", word, word.author_id)

    def who_look(self, encounter: UUID) -> People:
        """Who have a follow-up of this encounter."""
        rows = [row for row in self.follow_ups.values() if row.encounter_id == encounter]
        return NOBODY.union(*(self._who_has(row) for row in rows))

    def _ours(self) -> Q:
        return Q(assignment_id__in=self.street.calls) | Q(pk__in=self.street.begun)

    def _of_encounter(
        self, collection: str, row: _Recorded, author: UUID | None
    ) -> Iterable[Shown]:
        """Whoever has the call, and whoever owes a record of the encounter; before its call is here
        whoever recorded it."""
        call = row.assignment_id
        if call not in self.street.calls:
            early = frozenset({author} if author else ())
            yield Shown(collection, str(row.pk), early)
            return
        owes, may = self._owe(row)
        yield Shown(collection, str(row.pk), self.street.led(call) | owes)
        yield self.street.maybe(collection, row.pk, may)

    def _owe(self, row: _Recorded) -> tuple[People, People]:
        """Who keeps what they need for a record that is owed: for certain, and perhaps."""
        encounter = self.encounters.get(row.encounter_id)
        if encounter is None:
            return NOBODY, NOBODY
        call = row.assignment_id
        return self.street.must_owe(call, encounter), self.street.may_owe(call, encounter.pk)

    def _consents(self) -> Iterable[Shown]:
        for row in Consent.objects.filter(self._ours()).defer("content", "unread"):
            seen = list(self._of_encounter("consents", row, row.recorded_by_id))
            yield from seen
            for told in ConsentRevocation.objects.filter(consent=row).values_list("pk", flat=True):
                yield from (one._replace(collection="facts", id=str(told)) for one in seen)

    def _referrals(self) -> Iterable[Shown]:
        """Whoever has the call, whoever owes a record of the encounter, and whoever made or changed
        it as long as it is open."""
        for row in Referral.objects.filter(self._ours()).defer("content"):
            seen = list(self._who_has_referral(row))
            yield from seen
            answers = ReferralAnswer.objects.filter(referral=row, device__isnull=False)
            for told in answers.values_list("pk", flat=True):
                yield from (one._replace(collection="facts", id=str(told)) for one in seen)

    def _who_has_referral(self, row: Referral) -> Iterable[Shown]:
        here = row.assignment_id in self.street.calls
        owes, may = self._owe(row) if here else (NOBODY, NOBODY)
        led = self.street.led(row.assignment_id) if here else NOBODY
        saves = Version.objects.filter(collection="referrals", doc_id=row.pk)
        wrote = frozenset(saves.exclude(author=None).values_list("author", flat=True))
        wrote |= {row.created_by_id}
        if row.status == "active":
            owes |= {row.created_by_id}
            may |= wrote
        elif row.leaves_at is not None:
            may |= wrote
        yield Shown("referrals", str(row.pk), led | owes)
        yield self.street.maybe("referrals", row.pk, may)

    def _follow_ups(self) -> Iterable[Shown]:
        told = FollowUpEvent.objects.filter(
            Q(follow_up_id__in=self.follow_ups) | Q(pk__in=self.street.begun)
        )
        for row in self.follow_ups.values():
            yield Shown("follow_ups", str(row.pk), self._who_has(row))
        for event in told.filter(device__isnull=False).defer("content", "unread"):
            row = self.follow_ups.get(event.follow_up_id)
            early = frozenset({event.author_id} if event.author_id else ())
            yield Shown("facts", str(event.pk), early if row is None else self._who_has(row))

    def _who_has(self, row: FollowUp) -> People:
        """Whose it is, who made it, and where it is nobody's or its time is over all who are on
        duty; of one that has ended and has left the tablets nobody but the team's supervisors."""
        if row.state == "ended" and row.leaves_at is None:
            return NOBODY
        people = frozenset(row.kept_for)
        if row.owner_id is not None:
            people |= {row.owner_id}
        if row.owner_id is None or row.level >= _TEAMS_LEVEL:
            people |= self.street.rights.on(*self.street.rights.units)
        return people
