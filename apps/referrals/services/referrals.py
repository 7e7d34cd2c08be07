"""Referrals as they are typed on tablets, with one task for each partner that is asked.

Two who ask the same partner for the same need at once, each in a referral of their own:

1. Whoever asks takes the partner's row (FOR NO KEY UPDATE) before they look whether it is asked.
2. The second waits, sees the first one's task, and keeps theirs back as a draft that names it.
3. Who pushes several referrals takes the locks of all of them, then the rows of all their partners,
   in one order: `lock_for_writing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.accounts.models import Partner, User
from apps.assignments.records import lock_arrivals
from apps.audit.services import Act, record_all
from apps.changes.services import Document, Event, publish
from apps.core.problems import FieldError
from apps.people.access import may_write
from apps.people.ids import ordinal_of
from apps.referrals import codes, documents, precheck, records
from apps.referrals.consenting import in_force
from apps.referrals.models import (
    Referral,
    ReferralTask,
    RequestStatus,
    Service,
    TaskStatus,
    Urgency,
)
from apps.referrals.schemas import REFERRAL
from apps.referrals.services.clocks import arm
from apps.sync.fitting import fit
from apps.sync.registry import Edit, Refused
from apps.sync.services.linking import take_soon
from apps.sync.values import uuid_of

_NO_ASSIGNMENT: Final = FieldError("/assignment_id", "Of which assignment?")
_NO_ENCOUNTER: Final = FieldError("/encounter_id", "Of which encounter of the assignment?")
_STAYS: Final = FieldError("/encounter_id", "A referral stays with its encounter.")


def write_referral(edit: Edit) -> dict[str, Any]:
    """Stores a whole referral as somebody typed it, asks the partners that it names and that were
    not asked yet, and publishes it; the body that it published. For the handler of a push, which
    holds its document's lock.

    Nothing is refused for a detail. Refused for one that names no encounter of its assignment, or
    another than before, and for whoever was not on the crew.
    """
    typed, apart = fit(edit.document, REFERRAL)
    row = Referral.objects.select_for_update(no_key=True).filter(pk=edit.doc_id).first()
    fresh = row is None
    if row is None:
        row = _begin(edit, typed)
    if (typed.get("encounter_id"), typed.get("assignment_id")) != _named(row):
        raise Refused([_STAYS])
    may_write(row.assignment_id, edit.author)
    row.content = typed
    row.editor, row.edit_no = edit.editor, edit.edit_no
    row.urgency = _urgency(typed)
    if row.status == RequestStatus.ACTIVE:
        row.kept_for = sorted({*row.kept_for, edit.author.pk})
    row.save()
    asked = _ask(row, edit)
    row.flags = sorted({*_flags(typed, apart), *asked.flags})
    row.save(update_fields=["flags"])
    record = records.record_of(row, now=edit.now)
    body = documents.referral_body(record, now=edit.now)
    happened = [Event("referral.made" if fresh else "referral.changed", row.pk)]
    if fresh:
        happened.append(Event("encounter.referred", row.encounter_id))
    happened += [Event("referral.requested", task.pk) for task in asked.sent]
    document = Document(edit.collection, row.pk, record.scopes(), body)
    publish(documents=[document], events=happened, now=edit.now)
    detail = {"encounter": str(row.encounter_id), "asked": len(asked.sent)}
    act = Act(edit.actor, "create" if fresh else "update", "referral", [row.pk], detail)
    record_all([act], now=edit.now)
    take_soon(edit.editor)
    return body


def may_tell(referral: Referral, *, by: User | None) -> None:
    """Refused for whoever has nothing to do with the referral: its call's crew, who oversees it,
    and who made or keeps it may tell what is said of it."""
    if by is None or by.pk in referral.kept_for:
        return
    may_write(referral.assignment_id, by)


def lock_for_writing(contents: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Once a transaction, before any of these referrals is written: see the module."""
    lock_arrivals({id for one in contents.values() if (id := uuid_of(one.get("assignment_id")))})
    records.lock(contents)
    lock_partners(
        {id for one in contents.values() for item in asked_of(one) if (id := partner_of(item))}
    )


def lock_partners(ids: Iterable[UUID]) -> None:
    """Orders those who ask these partners."""
    rows = Partner.objects.select_for_update(no_key=True).filter(pk__in=set(ids))
    list(rows.order_by("pk").values_list("pk"))


def asked_of(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The items of `asked`."""
    found = content.get("asked")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def partner_of(item: Mapping[str, Any]) -> UUID | None:
    """Whom an item of `asked` means: the partner that it names, or that of its service."""
    named = uuid_of(item.get("partner_id"))
    if named is not None:
        return named
    service = uuid_of(item.get("service_id"))
    return Service.objects.partner_of(service) if service else None


def duplicate_of(row: Referral, partner: Partner) -> UUID | None:
    """The open task by which this partner is asked for one of the same needs of the same person, or
    in the same referral for anything; None: there is none. Under the partner's lock."""
    needs = set(needs_of(row))
    encounters = records.encounters_of(row.encounter_id)
    open_ones = ReferralTask.objects.open().filter(
        partner=partner, referral__encounter_id__in=encounters, referral__status="active"
    )
    for task in open_ones.select_related("referral").order_by("asked_at", "pk"):
        if task.referral_id == row.pk or needs & set(needs_of(task.referral)):
            return task.pk
    return None


def needs_of(row: Referral) -> list[str]:
    """The needs that were typed."""
    found = row.content.get("needs")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def send(task: ReferralTask, *, urgency: str, now: datetime) -> None:
    """Makes a draft one that its partner is asked. Saving is the caller's."""
    task.status, task.status_at = TaskStatus.REQUESTED, now
    task.sent_at = now
    arm(task, urgency=urgency, now=now)


@dataclass
class _Asked:
    sent: list[ReferralTask] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)


def _ask(row: Referral, edit: Edit) -> _Asked:
    """A task for each item that has none yet. What cannot be sent is kept as a draft that says
    why; a partner that is not known is flagged, and asked once it is known and the referral is
    saved again."""
    found = _Asked()
    items = {id: item for item in asked_of(row.content) if (id := uuid_of(item.get("id")))}
    there = set(ReferralTask.objects.filter(pk__in=items).values_list("pk", flat=True))
    fresh = {id: item for id, item in items.items() if id not in there}
    wanted = {id: partner_of(item) for id, item in fresh.items()}
    lock_partners({id for id in wanted.values() if id})
    partners: dict[UUID, Partner] = Partner.objects.in_bulk({id for id in wanted.values() if id})
    for id, item in fresh.items():
        named = wanted[id]
        partner = partners.get(named) if named else None
        if partner is None:
            found.flags.add("unknown_partner")
        elif row.status != RequestStatus.ACTIVE:
            found.flags.add("too_late")
        else:
            task = _task(row, item, partner, edit)
            if task.status == TaskStatus.REQUESTED:
                found.sent.append(task)
    return found


def _task(row: Referral, item: Mapping[str, Any], partner: Partner, edit: Edit) -> ReferralTask:
    now = edit.now
    checked = precheck.check(row, uuid_of(item.get("service_id")), now=now)
    task = ReferralTask(
        id=uuid_of(item["id"]),
        referral=row,
        partner=partner,
        service_id=uuid_of(item.get("service_id")),
        status=TaskStatus.DRAFT,
        status_at=now,
        asked_at=now,
        asked_by=edit.author,
        duplicate_of=duplicate_of(row, partner),
        capacity_said=checked.has_capacity,
        open_said=checked.is_open,
    )
    flags = {*checked.flags, *_consented(row, partner, now)}
    if task.duplicate_of is not None:
        flags.add("duplicate")
    elif not partner.is_active:
        flags.add("inactive_partner")
    else:
        send(task, urgency=row.urgency, now=now)
    task.flags = sorted(flags)
    task.save(force_insert=True)
    return task


def _consented(row: Referral, partner: Partner, now: datetime) -> set[str]:
    grants, _ = records.grants_of(row.encounter_id)
    named = any(partner.pk in one.recipients for one in grants if in_force(one, now))
    return set() if named else {"no_consent"}


def _begin(edit: Edit, typed: Mapping[str, Any]) -> Referral:
    assignment, encounter = uuid_of(typed.get("assignment_id")), uuid_of(typed.get("encounter_id"))
    if assignment is None:
        raise Refused([_NO_ASSIGNMENT])
    if encounter is None or ordinal_of(encounter, assignment) is None:
        raise Refused([_NO_ENCOUNTER])
    return Referral(
        id=edit.doc_id,
        assignment_id=assignment,
        encounter_id=encounter,
        created_at=edit.now,
        created_by=edit.author,
    )


def _named(row: Referral) -> tuple[str, str]:
    return str(row.encounter_id), str(row.assignment_id)


def _urgency(typed: Mapping[str, Any]) -> Urgency:
    """The one that was typed; one that nobody knows is not the least urgent one."""
    told = typed.get("urgency")
    return Urgency(told) if told in Urgency.values else Urgency.HOURS_72


def _flags(typed: Mapping[str, Any], apart: Mapping[str, Any]) -> set[str]:
    found = {"bad_field"} if apart else set()
    told = [typed.get("urgency"), *(typed.get("needs") or ())]
    if any(one and one not in codes.URGENCIES and one not in codes.NEEDS for one in told):
        found.add("unknown_code")
    return found
