"""What the medical director has approved for the time after a dose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction

from apps.audit.services import Actor, record
from apps.changes.services import Document
from apps.core import clock
from apps.core.problems import CONFLICT, FieldError, ProblemError
from apps.dispatch.services import publish_reference
from apps.firstaid import documents
from apps.firstaid.models import OverdoseProtocol
from apps.firstaid.prompts import SHIPPED, Protocol, in_force

_SHIPPED_ID = UUID("6f0f4a1e-58a1-5b7e-9a3e-2f6f1c9d7b11")
_FREE = frozenset({"effective_to"})


@transaction.atomic
def save_protocol(*, protocol: OverdoseProtocol, by: Actor, now: datetime) -> OverdoseProtocol:
    """Adds or changes a protocol, and tells the tablets. CONFLICT where one that has begun would be
    more than ended: what was asked then must stay to be seen."""
    check_protocol(protocol=protocol, now=now)
    action = "create" if protocol._state.adding else "update"
    protocol.save()
    publish_reference([documents.protocol(protocol.pk, _rule(protocol))], now=now)
    record(
        actor=by,
        action=action,
        subject_type="overdose_protocol",
        subject_ids=[protocol.pk],
        now=now,
    )
    return protocol


def check_protocol(*, protocol: OverdoseProtocol, now: datetime) -> None:
    """ProblemError (CONFLICT) where one that has begun would be more than ended."""
    today = now.astimezone(clock.city()).date()
    stored = OverdoseProtocol.objects.begun(today).filter(pk=protocol.pk).first()
    if stored is not None:
        fields = {field.name for field in OverdoseProtocol._meta.concrete_fields} - _FREE
        if changed := sorted(n for n in fields if getattr(stored, n) != getattr(protocol, n)):
            error = FieldError(f"/{changed[0]}", "It has begun: end it, and add another one.")
            raise ProblemError(CONFLICT, errors=[error])


def protocol_of(day: date) -> Protocol:
    """The protocol that holds on a day: an approved one, else the one that is shipped."""
    approved = [_rule(row) for row in OverdoseProtocol.objects.begun(day)]
    return in_force(approved, day) or SHIPPED


def protocol_documents() -> Iterator[Document]:
    """All of them as tablets know them. The shipped one stays among them: it began first, so that
    it counts only where no other does."""
    yield documents.protocol(_SHIPPED_ID, SHIPPED)
    for row in OverdoseProtocol.objects.order_by("effective_from", "pk"):
        yield documents.protocol(row.pk, _rule(row))


def _rule(row: OverdoseProtocol) -> Protocol:
    return Protocol(
        version=row.version,
        citation=row.citation,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        recheck=timedelta(seconds=row.recheck_seconds),
    )
