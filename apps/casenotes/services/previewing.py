"""Which looks a version of the policy would have asked for at past notes. Nothing is written by it
but that somebody looked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import record
from apps.casenotes.content import required
from apps.casenotes.models import CaseNote, NotePolicy, NoteState
from apps.casenotes.records import read

MONTH: Final = timedelta(days=30)
# So many are looked at: a page is answered while somebody waits.
MOST: Final = 300


@dataclass
class Preview:
    """`tried`: how many notes each rule of this version would have had looked at; `instead_of`: how
    many were, by each. `notes`: how many were signed; `cut`: there were more than are looked at."""

    since: datetime
    until: datetime
    notes: int = 0
    cut: bool = False
    looked_at: int = 0
    were_looked_at: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    instead_of: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[tuple[str, int, int]]:
        """For each rule of either: its code, by this version, and as it was."""
        codes = dict.fromkeys([*self.tried, *self.instead_of])
        return [(code, self.tried[code], self.instead_of[code]) for code in codes]


def preview(*, policy: NotePolicy, by: User, now: datetime) -> Preview:
    """Reckons a version, whatever its days, on the notes of the last month that somebody may see,
    the last signed first."""
    found, judged_by = Preview(since=now - MONTH, until=now), policy.as_version().policy
    visible = CaseNote.objects.visible_to(by).exclude(state=NoteState.DRAFT)
    signed = visible.filter(signed_at__gte=found.since, signed_at__lt=now)
    rows = list(signed.order_by("-signed_at", "-pk")[: MOST + 1])
    found.cut, rows = len(rows) > MOST, rows[:MOST]
    found.notes = len(rows)
    record(
        actor=user_actor(by),
        action="dry-run",
        subject_type="case_note",
        subject_ids=[row.pk for row in rows],
        now=now,
        detail={"policy": policy.version},
    )
    for row in rows:
        note = read(row, now=now)
        rules = required(
            note.content,
            note.facts,
            policy=judged_by,
            note_id=row.pk,
            author_since=note.signatures[0].author.created_at,
        )
        then = note.reviews[0].reasons if note.reviews else []
        found.tried.update(rule.code for rule in rules)
        found.instead_of.update(then)
        found.looked_at += bool(rules)
        found.were_looked_at += bool(then)
    return found
