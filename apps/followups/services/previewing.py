"""What a version of the plan would have made of past encounters. Nothing is written by it but that
somebody looked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import record
from apps.followups import records
from apps.followups.agreeing import Said, basis_of
from apps.followups.encounters import facts_of
from apps.followups.models import FollowUpAgreement, FollowUpPlan
from apps.followups.plans import EncounterFacts
from apps.followups.records import as_said
from apps.followups.services.planning import asked_by
from apps.people.models import Encounter

MONTH: Final = timedelta(days=30)
# So many are held at once, and looked at in all: a page is answered while somebody waits.
BATCH: Final = 200
MOST: Final = 5_000


@dataclass
class Count:
    """What one version asks for, by item: of all encounters, and of those where the person agreed
    or a clinician had written why, for whom it would have been made."""

    asked: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many follow-ups that is."""
        return self.made.total()


@dataclass
class Preview:
    """`tried`: by this version. `instead_of`: by the plans that were in force when the encounters
    ended. `encounters`: how many were over; `cut`: there were more than are looked at."""

    since: datetime
    until: datetime
    encounters: int = 0
    cut: bool = False
    tried: Count = field(default_factory=Count)
    instead_of: Count = field(default_factory=Count)

    def lines(self) -> list[tuple[str, int, int, int, int]]:
        """For each item of either: its code, asked and made by this version, and by those in
        force."""
        counts = (self.tried.asked, self.tried.made, self.instead_of.asked, self.instead_of.made)
        items = list(dict.fromkeys([*counts[0], *counts[2]]))
        return [(item, *(count[item] for count in counts)) for item in items]  # type: ignore[misc]


def preview(*, plan: FollowUpPlan, by: User, now: datetime) -> Preview:
    """Reckons a version, whatever the days of its validity, on the encounters of the last month
    that somebody may see, the last ones first. Memory does not grow with their number."""
    found = Preview(since=now - MONTH, until=now)
    held = list(FollowUpPlan.objects.order_by("effective_from", "version"))
    for rows in _batches(by, found):
        record(
            actor=user_actor(by),
            action="dry-run",
            subject_type="encounter",
            subject_ids=[row.pk for row in rows],
            now=now,
            detail={"plan": plan.version},
        )
        said = _said_of(rows)
        for pk, facts in facts_of(rows).items():
            found.encounters += 1
            opens = _opens(pk, facts, said[pk])
            _count(found.tried, plan, facts, opens)
            if (then := _in_force(held, facts.ended_at)) is not None:
                _count(found.instead_of, then, facts, opens)
    return found


def _batches(by: User, found: Preview) -> Iterator[list[Encounter]]:
    visible = Encounter.objects.visible_to(by).defer("content")
    rows = visible.filter(opened_at__gte=found.since, opened_at__lt=found.until)
    at, looked_at = found.until, 0
    last: UUID | None = None
    while looked_at < MOST:
        older = rows.filter(opened_at__lte=at).order_by("-opened_at", "-pk")
        if last is not None:
            older = older.exclude(opened_at=at, pk__gte=last)
        batch = list(older[:BATCH])
        if not batch:
            return
        yield batch
        at, last = batch[-1].opened_at, batch[-1].pk
        looked_at += len(batch)
    found.cut = rows.filter(opened_at__lt=at).exists()


def _said_of(rows: Sequence[Encounter]) -> dict[UUID, list[Said]]:
    """All that was said of the persons of these encounters."""
    circle = records.circle_of((), [row.pk for row in rows], ())
    words: dict[UUID, list[Said]] = {}
    told = FollowUpAgreement.objects.filter(encounter_id__in=list(circle.encounters))
    for word in told.defer("content", "unread"):
        words.setdefault(circle.key(word.encounter_id), []).append(as_said(word))
    return {row.pk: words.get(circle.key(row.pk), []) for row in rows}


def _opens(pk: UUID, facts: EncounterFacts, said: Sequence[Said]) -> bool:
    """Whether it would have been made at the end, or at a word that was said later in the same
    encounter. A later refusal ends what was made."""
    own = {one.at for one in said if one.encounter_id == pk and one.at > facts.ended_at}
    return any(
        basis_of([one for one in said if one.at <= at], at).opens(pk, facts.ended_at)
        for at in (facts.ended_at, *sorted(own))
    )


def _count(count: Count, plan: FollowUpPlan, facts: EncounterFacts, opens: bool) -> None:
    for one in asked_by(plan, facts):
        count.asked[one.item.code] += 1
        count.made[one.item.code] += opens


def _in_force(held: Sequence[FollowUpPlan], at: datetime) -> FollowUpPlan | None:
    """As `FollowUpPlan.objects.in_force`, of plans that were read before."""
    effective = [
        one
        for one in held
        if one.effective_from <= at and (one.effective_to is None or at < one.effective_to)
    ]
    return effective[-1] if effective else None
