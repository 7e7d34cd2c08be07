"""What must be true in the evening of referrals, consents, and what was told to partners.

1. How a task stands follows from what was said of it, and a referral from its tasks and its end;
   that is what tablets are shown. Whom it asks has one task of it.
2. A consent that was taken back is over, and each partner that it names was told. One that holds,
   nobody took back.
3. What a partner was told on a consent, it was told while that held, and named it.
4. What came before that of which it was told has been taken since.
5. Nothing is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from django.db.models import Q
from django.utils import timezone

from apps.changes.models import StoredDocument
from apps.changes.reading import body_of
from apps.referrals.models import (
    Consent,
    ConsentRecipient,
    ConsentRevocation,
    Disclosure,
    Referral,
    ReferralAnswer,
    ReferralTask,
)
from apps.simulator.tablet.store import Document
from apps.sync.models import QuarantinedWrite, Version
from apps.sync.services.quarantine import status_of
from tests.oracle.words import is_uuid

if TYPE_CHECKING:
    from tests.oracle.field.world import FieldWorld

_OVER = {"rejected", "cancelled", "failed", "completed", "entered-in-error"}
_ACCEPTS = {"requested": "accepted", "on-hold": "accepted"}
# What follows from a verb: a state, or one by the state before; else it stays.
_FOLLOWS: dict[str, str | dict[str, str]] = {
    "accept": _ACCEPTS,
    "appointment": _ACCEPTS,
    "decline": "rejected",
    "hold": "on-hold",
    "begin": "in-progress",
    "attended": "in-progress",
    "not_attended": {"requested": "accepted"},
    "served": "completed",
    "not_served": "failed",
    "send": "requested",
    "warm_handoff": {"requested": "in-progress"},
    "cancel": "cancelled",
    "error": "entered-in-error",
}
_NAMES = {"/referral_id": Referral, "/task_id": ReferralTask, "/consent_id": Consent}


def wrong(world: FieldWorld) -> list[str]:
    """What is not so, one line each."""
    ours = Q(assignment_id__in=world.calls()) | Q(pk__in=world.typed.uuids)
    return [
        *(line for row in Referral.objects.filter(ours) for line in _referral(row)),
        *(line for row in Consent.objects.filter(ours) for line in _consent(row)),
        *_told(world),
        *_early(world),
        *_due(),
    ]


def _referral(row: Referral) -> Iterator[str]:
    tasks = list(ReferralTask.objects.filter(referral=row))
    answers = list(ReferralAnswer.objects.filter(referral=row).order_by("received_at", "pk"))
    ends = [one for one in answers if one.task_id is None]
    for task in tasks:
        said = [one for one in answers if one.task_id == task.pk]
        expected = _stands(task, said, ended=bool(ends))
        if task.status != expected:
            yield f"the task {task.pk} is {task.status}, and {expected} follows from what was said"
    status = _status([one.status for one in tasks], ends)
    if row.status != status:
        yield f"the referral {row.pk} is {row.status}, and {status} follows from its tasks"
    if row.status != "active" and any(one.is_open for one in tasks):
        yield f"the referral {row.pk} is over, and somebody is still asked"
    shown = _shown("referrals", row.pk)
    if shown.get("status") != row.status or _shown_tasks(shown) != {
        str(one.pk): one.status for one in tasks
    }:
        yield f"the referral {row.pk} is shown otherwise than it stands: {shown}"
    asked = {one.get("id") for one in row.content.get("asked") or ()}
    known = {str(one.pk) for one in tasks}
    # A supervisor may have put back a version in which fewer were asked.
    put_back = Version.objects.filter(doc_id=row.pk, fate="restored").exists()
    if not known <= asked and not put_back:
        yield f"the referral {row.pk} has tasks that nobody asked for"
    if not asked <= known and not row.flags:
        yield f"the referral {row.pk} lacks a task of whom it asks"


def _stands(task: ReferralTask, said: list[ReferralAnswer], *, ended: bool) -> str:
    """The state of a task, by what was said of it; a referral that ends cancels what is open."""
    state = "draft" if task.duplicate_of else "requested"
    for one in said:
        follows = _FOLLOWS.get(one.verb, {})
        state = follows if isinstance(follows, str) else follows.get(state, state)
    return "cancelled" if ended and state not in _OVER else state


def _status(tasks: list[str], ends: list[ReferralAnswer]) -> str:
    if ends:
        return "completed" if ends[0].verb == "close" else "revoked"
    sent = [one for one in tasks if one != "draft"]
    return "completed" if "completed" in sent and _OVER.issuperset(sent) else "active"


def _consent(row: Consent) -> Iterator[str]:
    taken_back = ConsentRevocation.objects.filter(consent=row).exists()
    if taken_back and row.revoked_at is None:
        yield f"the consent {row.pk} was taken back, and holds"
    recipients = list(ConsentRecipient.objects.filter(consent=row))
    named = set(row.content.get("partner_ids") or ())
    if {str(one.partner_id) for one in recipients} != named:
        yield f"the consent {row.pk} names others than are its recipients"
    for one in recipients:
        if (one.told_at is None) != (row.revoked_at is None):
            yield f"of the end of the consent {row.pk} its recipient {one.pk} was told amiss"
    shown = _shown("consents", row.pk)
    if (shown.get("revoked_at") is None) != (row.revoked_at is None):
        yield f"the consent {row.pk} is shown otherwise than it stands"
    if row.revoked_at and shown.get("in_force"):
        yield f"the consent {row.pk} is shown to hold, and was taken back"


def _told(world: FieldWorld) -> Iterator[str]:
    partners = {one.partner.pk for one in world.partners}
    rows = Disclosure.objects.filter(partner__in=partners, basis="consent")
    for row in rows:
        for consent in Consent.objects.filter(pk__in=row.consents):
            over = [at for at in (consent.revoked_at, consent.expires_at) if at is not None]
            if any(at <= row.at for at in over):
                yield f"{row.partner_id} was told something on {consent.pk}, which was over"
            if str(row.partner_id) not in consent.content["partner_ids"]:
                yield f"{row.partner_id} was told something on {consent.pk}, which names others"


def _early(world: FieldWorld) -> Iterator[str]:
    rows = QuarantinedWrite.objects.filter(collection="facts", tablet__in=world.rights.hands)
    for row in rows.exclude(author=None):
        for error in row.errors if status_of(row) == "open" else ():
            model = _NAMES.get(error["pointer"])
            named = str(row.content.get(error["pointer"].strip("/")))
            lacked = error["detail"].startswith(("It is not here", "It is no task"))
            here = model and is_uuid(named) and model._default_manager.filter(pk=named).exists()
            if lacked and here and not _of_a_draft(row.content.get("task_id")):
                yield f"{row.doc_id} was early, and is not taken though {named} is here"


def _of_a_draft(task_id: object) -> bool:
    """Nobody was asked by it, so there is nothing that a partner could have answered: who says so
    all the same is left to a supervisor."""
    tasks = ReferralTask.objects.filter(status="draft")
    return is_uuid(str(task_id)) and tasks.filter(pk=str(task_id)).exists()


def _due() -> Iterator[str]:
    """What a tick leaves behind has failed."""
    now = timezone.now()
    yield from (f"the referral {row.pk} does not leave" for row in Referral.objects.leaving(now))


def _shown(collection: str, id: UUID) -> Document:
    row = StoredDocument.objects.filter(collection=collection, doc_id=id).first()
    body: Document = orjson.loads((row and body_of(collection, id, row.body)) or b"{}")
    return body


def _shown_tasks(shown: Document) -> dict[str, str]:
    return {one["id"]: one["status"] for one in shown.get("tasks") or ()}
