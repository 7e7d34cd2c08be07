"""The verbs that change plans. One that has taken effect is not changed: a new version is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Actor, record
from apps.changes.services import Document
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.core.versions import (
    add_missing,
    check_version,
    draft_from,
    draft_name,
    draft_stem,
    mistakes_beside_the_text,
)
from apps.dispatch.services import publish_reference
from apps.followups import documents, plans
from apps.followups.models import FollowUpPlan

_TEXT: Final = ("version", "why", "definition")


@transaction.atomic
def save_plan(*, plan: FollowUpPlan, by: User, now: datetime) -> FollowUpPlan:
    """Stores a version that is not in force yet, or sets the end of one that is."""
    stored = check_plan(plan=plan, now=now)
    if stored is None:
        plan.made_by, plan.made_at = by, now
    plan.save()
    publish_reference([documents.plan(plan)], now=now)
    _record(plan, "update" if stored else "create", user_actor(by), now)
    return plan


def check_plan(*, plan: FollowUpPlan, now: datetime) -> FollowUpPlan | None:
    """The row as it is stored, None for a new one. ProblemError where it may not become `plan`,
    with every mistake in it."""
    stored = FollowUpPlan.objects.filter(pk=plan.pk).first()
    check_version(stored, plan, kept=_TEXT, now=now)
    errors = mistakes_beside_the_text(plan, reason="why")
    try:
        plans.read(plan.definition)
    except plans.Unusable as unusable:
        errors += [FieldError(f"/definition{one.pointer}", one.detail) for one in unusable.errors]
    if errors:
        raise ProblemError(INVALID, errors=errors)
    return stored


@transaction.atomic
def new_version(*, of: FollowUpPlan, by: User, now: datetime) -> FollowUpPlan:
    """A copy of a version to be worked on. It takes effect in 30 days unless another day is set."""
    taken = FollowUpPlan.objects.filter(version__startswith=draft_stem(of.version))
    copy = FollowUpPlan.objects.create(
        version=draft_name(of.version, taken.values_list("version", flat=True)),
        effective_from=draft_from(now),
        why=of.why,
        definition=of.definition,
        made_by=by,
        made_at=now,
    )
    publish_reference([documents.plan(copy)], now=now)
    _record(copy, "create", user_actor(by), now)
    return copy


def plan_documents() -> Iterator[Document]:
    """All versions as tablets know them."""
    for row in FollowUpPlan.objects.order_by("effective_from", "pk"):
        yield documents.plan(row)


@transaction.atomic
def load_plans(*, by: Actor, now: datetime) -> int:
    """Adds the plans that come with the product; returns how many were new. Idempotent: what is
    here stays as the agency has it."""
    shipped = (
        FollowUpPlan(
            version=one.version,
            effective_from=one.effective_from,
            why=one.why,
            definition=one.plan.definition(),
            made_at=now,
        )
        for one in plans.shipped()
    )
    added = add_missing(FollowUpPlan.objects.all(), shipped)
    for row in added:
        _record(row, "create", by, now)
    return len(added)


def _record(plan: FollowUpPlan, action: str, by: Actor, now: datetime) -> None:
    record(
        actor=by,
        action=action,
        subject_type="follow_up_plan",
        subject_ids=[plan.pk],
        now=now,
        detail={"version": plan.version},
    )
