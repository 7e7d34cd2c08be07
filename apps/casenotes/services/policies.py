"""The verbs that change what notes are judged by. A version that has taken effect is not changed:
a new one is made. To confirm one changes nothing of what it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Actor, record
from apps.casenotes import documents, policies
from apps.casenotes.models import NotePolicy
from apps.changes.services import Document
from apps.core.clock import city
from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError
from apps.core.versions import (
    add_missing,
    check_version,
    draft_from,
    draft_name,
    draft_stem,
    mistakes_beside_the_text,
)
from apps.dispatch.services import publish_reference

_TEXT: Final = ("version", "citation", "definition")
# What was confirmed is confirmed as it was read.
_CONFIRMED: Final = (*_TEXT, "effective_from")


@transaction.atomic
def save_policy(*, policy: NotePolicy, by: User, now: datetime) -> NotePolicy:
    """Stores a version that is not in force yet, or sets the end of one that is. One that says
    something else than what was confirmed is to be confirmed again.

    ProblemError as of `check_policy`.
    """
    _lock()
    stored = check_policy(policy=policy, now=now)
    policy.definition = policies.read(policy.definition).definition()
    if stored is None:
        policy.made_by, policy.made_at = by, now
    if stored is None or any(getattr(stored, one) != getattr(policy, one) for one in _CONFIRMED):
        policy.confirmed_by, policy.confirmed_at, policy.confirmation = None, None, ""
    else:
        policy.confirmed_by, policy.confirmed_at = stored.confirmed_by, stored.confirmed_at
        policy.confirmation = stored.confirmation
    policy.save()
    publish_reference([documents.policy(policy)], now=now)
    _record(policy, "update" if stored else "create", user_actor(by), now)
    return policy


def check_policy(*, policy: NotePolicy, now: datetime) -> NotePolicy | None:
    """The row as it is stored, None for a new one. ProblemError where it may not become `policy`,
    with every mistake in it: INVALID, and CONFLICT where it has taken effect and would be more than
    ended."""
    stored = NotePolicy.objects.filter(pk=policy.pk).first()
    check_version(stored, policy, kept=_TEXT, now=now)
    errors = mistakes_beside_the_text(policy, reason="citation")
    ends_amiss = any(one.pointer == "/effective_to" for one in errors)
    if not ends_amiss and (day := _gap(policy, now)) is not None:
        detail = f"Nothing would hold from {day:%Y-%m-%d %H:%M} on: another version first."
        errors.append(FieldError("/effective_to", detail))
    try:
        policies.read(policy.definition)
    except policies.Unusable as unusable:
        errors += [FieldError(f"/definition{one.pointer}", one.detail) for one in unusable.errors]
    if errors:
        raise ProblemError(INVALID, errors=errors)
    return stored


@transaction.atomic
def new_version(*, of: NotePolicy, by: User, now: datetime) -> NotePolicy:
    """A copy of a version to be worked on, which nobody has confirmed yet. It takes effect in 30
    days unless another day is set."""
    taken = NotePolicy.objects.filter(version__startswith=draft_stem(of.version))
    copy = NotePolicy.objects.create(
        version=draft_name(of.version, taken.values_list("version", flat=True)),
        effective_from=draft_from(now),
        citation=of.citation,
        definition=of.definition,
        made_by=by,
        made_at=now,
    )
    publish_reference([documents.policy(copy)], now=now)
    _record(copy, "create", user_actor(by), now)
    return copy


@transaction.atomic
def confirm_policy(*, policy: NotePolicy, confirmation: str, by: User, now: datetime) -> NotePolicy:
    """Writes down that those whose it is to confirm a version have done so. `confirmation`: who,
    when, and where it is written.

    ProblemError: INVALID without that, CONFLICT where it was confirmed before.
    """
    if not confirmation.strip():
        error = FieldError("/confirmation", "Say who confirmed it, and where that is written.")
        raise ProblemError(INVALID, errors=[error])
    row = NotePolicy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    if row.confirmed_at is not None:
        raise ProblemError(CONFLICT, "It was confirmed before.")
    row.confirmed_by, row.confirmed_at, row.confirmation = by, now, confirmation.strip()
    row.save(update_fields=["confirmed_by", "confirmed_at", "confirmation"])
    publish_reference([documents.policy(row)], now=now)
    _record(row, "confirm", user_actor(by), now)
    return row


def policy_documents() -> Iterator[Document]:
    """All versions as tablets know them."""
    for row in NotePolicy.objects.order_by("effective_from", "pk"):
        yield documents.policy(row)


@transaction.atomic
def load_policies(*, by: Actor, now: datetime) -> int:
    """Adds the policies that come with the product; returns how many were new. Idempotent: what is
    here stays as the agency has it."""
    shipped = (
        NotePolicy(
            version=one.version,
            effective_from=one.effective_from,
            effective_to=one.effective_to,
            citation=one.citation,
            definition=one.definition,
            made_at=now,
        )
        for one in policies.shipped()
    )
    added = add_missing(NotePolicy.objects.all(), shipped)
    for row in added:
        _record(row, "create", by, now)
    return len(added)


def _lock() -> None:
    """Two versions of which each holds as long as the other does not end are not both ended."""
    list(NotePolicy.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def _gap(policy: NotePolicy, now: datetime) -> datetime | None:
    """From when on nothing would hold, by the city's clock."""
    others = NotePolicy.objects.exclude(pk=policy.pk)
    versions = [row.as_version() for row in (*others, policy)]
    found = policies.Policies(versions).gap(now)
    return found.astimezone(city()) if found else None


def _record(policy: NotePolicy, action: str, by: Actor, now: datetime) -> None:
    record(
        actor=by,
        action=action,
        subject_type="note_policy",
        subject_ids=[policy.pk],
        now=now,
        detail={"version": policy.version},
    )
