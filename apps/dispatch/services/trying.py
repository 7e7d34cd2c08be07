"""What a change of the dispatch rules would have meant for past calls. It changes nothing.

Each call is judged twice, as it is known today: by the rules that are in force now, and by the same
rules with the tried version in them. The days from which a version holds are left aside, so that a
draft is tried on the calls of last month; its hours and weekdays are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from apps.audit.services import Act, Actor, record_all
from apps.core.problems import THROTTLED, ProblemError
from apps.dispatch import rules
from apps.dispatch.merging import placed
from apps.dispatch.models import DispatchRule, Incident
from apps.dispatch.rules import Evaluation, Rule
from apps.dispatch.services.rulebook import as_rule
from apps.dispatch.stored import known_of

# So many calls are judged at most, the newest first: some ten seconds of one process.
MOST_TRIED: Final = 10_000
# So many of them are named at most, of those that gain and of those that lose; all are counted.
MOST_LISTED: Final = 200
# Rows that are held at once.
_BATCH: Final = 500
# The advisory lock of whoever tries one, and seconds until it may be free.
_TRIAL_LOCK: Final = 7332
_A_WHILE: Final = 10
_EVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Trial:
    """A call that would be judged otherwise: what the rules say today, and with the change."""

    incident_id: UUID
    cad_number: str
    was: Evaluation
    would: Evaluation


@dataclass
class DryRun:
    """What came of it. `more` and `fewer`: how many calls CARE could take with the change alone,
    and without it alone; `gained` and `lost` are the newest of them. `moves` counts all verdicts.
    `back_to` is the oldest call that was judged, where the span holds more than MOST_TRIED."""

    tried: int = 0
    more: int = 0
    fewer: int = 0
    gained: list[Trial] = field(default_factory=list)
    lost: list[Trial] = field(default_factory=list)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    back_to: datetime | None = None

    @property
    def in_words(self) -> str:
        """The sentence that says it.

        >>> DryRun(more=41, fewer=3).in_words
        'This change would have sent CARE to 41 more calls, 3 fewer.'
        """
        calls = "call" if self.more == 1 else "calls"
        return f"This change would have sent CARE to {self.more} more {calls}, {self.fewer} fewer."


def in_place_of(rule: DispatchRule, *, now: datetime) -> DispatchRule | None:
    """The version in force that a version is likely to take the place of: the newest one that lets
    CARE go in the same way. None where it is in force itself, or none does."""
    if rule.in_force(now):
        return None
    same = DispatchRule.objects.in_force(now).filter(definition__mode=rule.definition.get("mode"))
    return same.order_by("-effective_from").first()


@transaction.atomic
def dry_run(
    *,
    rule: DispatchRule,
    instead: DispatchRule | None,
    calls: QuerySet[Incident],
    since: datetime,
    until: datetime,
    listed: bool,
    by: Actor,
    now: datetime,
) -> DryRun:
    """Tries a version, saved or not, in place of another (None: beside those in force) on the calls
    from `since` to before `until`. `listed`: the calls are named, to somebody who may see them.

    Raises `Malformed` where its definition is none, ProblemError (THROTTLED) while another one is
    being counted: one at a time takes no more than one process from whoever works.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, 0)", [_TRIAL_LOCK])
        if not cursor.fetchone()[0]:
            raise ProblemError(THROTTLED, headers={"Retry-After": str(_A_WHILE)})
    standing = DispatchRule.objects.in_force(now).exclude(pk=rule.pk)
    before = [_always(as_rule(row)) for row in standing]
    after = [_always(as_rule(rule))] + [
        _always(as_rule(row)) for row in standing if instead is None or row.pk != instead.pk
    ]
    found = DryRun()
    for incident in _newest(calls.filter(occurred_at__gte=since, occurred_at__lt=until)):
        if found.tried == MOST_TRIED:
            break
        found.back_to = incident.occurred_at
        _judge(incident, before, after, found)
    else:
        found.back_to = None
    _write_down(rule, found, listed=listed, by=by, now=now)
    return found


def _always(rule: Rule) -> Rule:
    return replace(rule, effective_from=_EVER, effective_to=None)


def _newest(calls: QuerySet[Incident]) -> Iterator[Incident]:
    """The newest first, a batch at a time: each begins where the one before ended."""
    rows = calls.order_by("-occurred_at", "-pk")
    page = list(rows[:_BATCH])
    while page:
        yield from page
        last = page[-1]
        older = Q(occurred_at__lt=last.occurred_at) | Q(
            occurred_at=last.occurred_at, pk__lt=last.pk
        )
        page = list(rows.filter(older, occurred_at__lte=last.occurred_at)[:_BATCH])


def _judge(
    incident: Incident, before: Sequence[Rule], after: Sequence[Rule], found: DryRun
) -> None:
    call, at = placed(known_of(incident)), incident.occurred_at
    was, would = rules.evaluate(call, before, at), rules.evaluate(call, after, at)
    found.tried += 1
    found.moves[was.verdict, would.verdict] += 1
    if (was.verdict == "eligible") == (would.verdict == "eligible"):
        return
    gains = would.verdict == "eligible"
    found.more, found.fewer = found.more + gains, found.fewer + (not gains)
    named = found.gained if gains else found.lost
    if len(named) < MOST_LISTED:
        named.append(Trial(incident.pk, incident.cad_number or "", was, would))


def _write_down(
    rule: DispatchRule, found: DryRun, *, listed: bool, by: Actor, now: datetime
) -> None:
    """That it was tried, and which calls were shown for it."""
    counts = {"tried": found.tried, "more": found.more, "fewer": found.fewer}
    detail = {"version": rule.version, **counts}
    acts = [Act(by, "dry-run", "dispatch_rule", [rule.pk], detail)]
    if listed:
        shown = [trial.incident_id for trial in (*found.gained, *found.lost)]
        acts.append(Act(by, "read", "incident", shown))
    else:
        found.gained, found.lost = [], []
    record_all(acts, now=now)
