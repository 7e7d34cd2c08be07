"""Note policies for tests: what comes with the product, told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apps.casenotes.models import NotePolicy
from apps.casenotes.policies import shipped

# Later than what comes with the product, and long before any test.
LONG_AGO = datetime(2021, 1, 1, tzinfo=UTC)
Definition = dict[str, Any]


def sampling(percent: float) -> Callable[[Definition], Definition]:
    """So many percent of all notes are drawn at random."""

    def changed(told: Definition) -> Definition:
        rules = [
            {**rule, "percent": percent} if rule["sign"] == "sample" else rule
            for rule in told["rules"]
        ]
        return {**told, "rules": rules}

    return changed


def child_report(hours: float) -> Callable[[Definition], Definition]:
    """A child's abuse is reported within so many hours."""

    def changed(told: Definition) -> Definition:
        intervals = [
            {**one, "hours": hours} if one["code"] == "child_report" else one
            for one in told["intervals"]
        ]
        return {**told, "intervals": intervals}

    return changed


def in_force(
    change: Callable[[Definition], Definition], *, since: datetime = LONG_AGO
) -> NotePolicy:
    """What comes with the product, changed, as a version that has been in force since."""
    policy, _ = NotePolicy.objects.get_or_create(
        version=f"since-{since:%Y-%m-%d}",
        defaults={
            "effective_from": since,
            "citation": "A test's.",
            "definition": change(shipped()[-1].policy.definition()),
            "made_at": since,
        },
    )
    return policy


def drawn(percent: float) -> NotePolicy:
    """So many percent of all notes are drawn at random, in every test's time."""
    return in_force(sampling(percent))
