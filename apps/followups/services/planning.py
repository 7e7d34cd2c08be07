"""Follow-ups by the plan: made once an encounter is over, where the person wants them.

Whatever tells of an encounter, in whatever order it comes, brings it here: the end of the call, its
note, a dose, a referral, a word of the person. Each time it is reckoned anew from everything that
is known, and what is missing is made. What was made stays: a plan takes nothing back.

It is reckoned under the person's locks, so that nothing is made on a word once another has
committed that takes it back; and under one of the call:

1. A tablet opens a second encounter while the call is closed by its partner's tap. The tablet's
   transaction sees a call that goes on, the closing's only the first encounter: each would leave
   the second to the other.
2. So both take the lock of the call's plan before they look. Whoever is second sees what the first
   has committed. Locks of other rooms order most of this too; nothing here relies on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.followups import plans, records
from apps.followups.agreeing import AGREED, REFUSED, UNASKED, Basis, Said, basis_of
from apps.followups.encounters import facts_of
from apps.followups.models import (
    FollowUp,
    FollowUpAgreement,
    FollowUpEvent,
    FollowUpPlan,
    MissingAgreement,
)
from apps.followups.plans import EncounterFacts, Planned
from apps.followups.records import Circle, as_said
from apps.followups.services.writing import make_follow_up
from apps.followups.tellings import withdrawn
from apps.people.models import Encounter
from apps.sync import documents as shared

HOUR_SECONDS: Final = 3600
# Under this name a call is locked by whoever plans what follows it.
_PLANNED: Final = "follow_up_plans"
# In these somebody could have been asked.
_MET: Final = frozenset({"met", "refused"})


@transaction.atomic
def follow_encounter(*, encounter_id: UUID, now: datetime) -> list[FollowUp]:
    """Makes what the plan in force at the end of an encounter asks for and is not here yet, where
    the person agrees or a clinician has written why; returns what it made. Notes where nobody
    asked. Idempotent."""
    circle = records.lock(encounters=[encounter_id])
    row = Encounter.objects.filter(pk=encounter_id).defer("content").first()
    if row is None:
        return []
    shared.lock(_PLANNED, [row.assignment_id])
    return _plan(row, circle, now)


@transaction.atomic
def follow_assignment(*, assignment_id: UUID, now: datetime) -> None:
    """`follow_encounter` for each encounter of an assignment."""
    rows = Encounter.objects.of(assignment_id).defer("content")
    circle = records.lock(encounters=rows.values_list("pk", flat=True))
    shared.lock(_PLANNED, [assignment_id])
    for row in rows.all():  # read again: one may have been opened
        if row.pk in circle.encounters:
            _plan(row, circle, now)
        else:
            follow_encounter(encounter_id=row.pk, now=now)


def _plan(row: Encounter, circle: Circle, now: datetime) -> list[FollowUp]:
    """Under the locks of its circle and of its call."""
    facts = facts_of([row]).get(row.pk)
    plan = FollowUpPlan.objects.in_force(facts.ended_at) if facts else None
    if facts is None or plan is None:
        _settle([row.pk], now)
        return []
    asked = asked_by(plan, facts)
    basis = basis_of(said_of(circle, row.pk), now)
    if not basis.opens(row.pk, facts.ended_at):
        _notice(row, facts, asked if _nobody_asked(basis) else [], now)
        return []
    _settle([row.pk], now)
    made = set(FollowUp.objects.of_encounters([row.pk]).values_list("item", flat=True))
    found = [
        make_follow_up(
            encounter=row,
            plan=plan,
            item=one.item,
            due_from=one.due_from,
            due_until=one.due_until,
            by=SYSTEM,
            now=now,
        )
        for one in plans.to_make(asked, made, now)
    ]
    return [one for one in found if one is not None]


def asked_by(plan: FollowUpPlan, facts: EncounterFacts) -> list[Planned]:
    """What a version of the plan asks for after an encounter."""
    hour = clock.days(HOUR_SECONDS)
    return plans.wanted(plans.read(plan.definition), facts, hour=hour)


def said_of(circle: Circle, encounter_id: UUID) -> list[Said]:
    """All that the person of an encounter, and clinicians, have said: also the refusal of somebody
    who was looked for."""
    theirs = {one for one in circle.encounters if circle.key(one) == circle.key(encounter_id)}
    rows = FollowUpAgreement.objects.filter(encounter_id__in=theirs | {encounter_id})
    return [*map(as_said, rows.defer("content", "unread")), *_declined(theirs)]


def _declined(encounters: Iterable[UUID]) -> list[Said]:
    """Who wants no more follow-ups has said so to whoever looked for them; nobody makes any for
    who has died either."""
    of = dict(FollowUp.objects.of_encounters(encounters).values_list("pk", "encounter_id"))
    rows = FollowUpEvent.objects.of(of).select_related("author")
    told = {row.pk: records.told_of(row) for row in rows}
    gone = withdrawn(told.values())
    return [
        Said(of[row.follow_up_id], REFUSED, told[row.pk].at, row.received_at)
        for row in rows
        if row.pk not in gone and _says_no(row)
    ]


def _says_no(row: FollowUpEvent) -> bool:
    content = row.content if isinstance(row.content, dict) else {}
    field = {"attempted": "result", "ended": "outcome"}.get(row.event, "")
    return content.get(field) in {"declined", "deceased"}


def _nobody_asked(basis: Basis) -> bool:
    """Whether a word is missing: nobody has ever asked, or only too long ago."""
    return basis.kind in {UNASKED, AGREED}


def _notice(row: Encounter, facts: EncounterFacts, asked: Sequence[Planned], now: datetime) -> None:
    """Puts an encounter among those in which nobody asked, or takes it out."""
    if not asked or facts.outcome not in _MET:
        _settle([row.pk], now)
        return
    items = [one.item.code for one in asked]
    known = MissingAgreement.objects.filter(encounter_id=row.pk).first()
    if known is None:
        MissingAgreement.objects.create(
            encounter_id=row.pk,
            assignment_id=row.assignment_id,
            items=items,
            ended_at=facts.ended_at,
            noticed_at=now,
        )
    elif known.settled_at is not None or known.items != items:
        known.items, known.ended_at, known.settled_at = items, facts.ended_at, None
        known.save(update_fields=["items", "ended_at", "settled_at"])


def _settle(encounters: Iterable[UUID], now: datetime) -> None:
    rows = MissingAgreement.objects.filter(encounter_id__in=list(encounters), settled_at=None)
    rows.update(settled_at=now)
