"""Referrals and what partners said, consents, and what was told of a person to whom.

What a programme under 42 CFR Part 2 has told stays on the referral's own page: a story is printed
and carried about. That something is protected, and where it stands, is said here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.cockpit.stories import said
from apps.cockpit.stories.moments import Kind, Line, Moment, Record
from apps.cockpit.stories.rows import Rows
from apps.referrals import codes
from apps.referrals.known import is_protected
from apps.referrals.models import Consent, Disclosure, Referral, ReferralAnswer, ReferralTask

PROTECTED: Final[Line] = ("protected", "42 CFR Part 2: on the referral's own page alone")
_REASON: Final = {"reason_code": codes.REASONS}
# Of a consent, what is words; pictures and who recorded it stand on its page.
_CONSENTED: Final = ("purpose", "categories", "witness", "given_by", "note", "language")


def moments(rows: Rows) -> Iterator[Moment]:
    """As `of_notes.moments`."""
    referrals = {row.pk: row for row in rows.referrals}
    tasks = {row.pk: row for row in rows.tasks}
    for referral in rows.referrals:
        yield _made(referral, rows)
    for task in rows.tasks:
        yield from _asked(task, referrals[task.referral_id])
    for reply in rows.replies:
        asked = tasks[reply.task_id] if reply.task_id else None
        yield _said(reply, referrals[reply.referral_id], asked, rows)
    for consent in rows.consents:
        yield from _consent(consent, rows)
    for disclosure in rows.disclosures:
        yield _disclosed(disclosure)


def _made(row: Referral, rows: Rows) -> Moment:
    content = row.content if isinstance(row.content, Mapping) else {}
    details = [one for one in content.get("details") or () if isinstance(one, Mapping)]
    open_ones = [one for one in details if not is_protected(one, programmes=rows.programmes)]
    told = {
        "needs": content.get("needs"),
        "urgency": row.get_urgency_display(),
        "note": content.get("note"),
        "details": [one.get("text") for one in open_ones],
        "must not be contacted": content.get("contact_prohibited") or None,
    }
    return Moment(
        at=row.created_at,
        kind=Kind.REFERRAL,
        what=f"Referral {row.number}",
        record=Record.of(row),
        of=row.assignment_id,
        who=row.created_by.display_name,
        lines=(
            *said.lines(told, {"needs": codes.NEEDS}),
            *((PROTECTED,) if len(open_ones) < len(details) else ()),
        ),
        flags=tuple(codes.FLAGS.get(code, said.words(code)) for code in row.flags),
    )


def _asked(task: ReferralTask, referral: Referral) -> Iterator[Moment]:
    if task.sent_at is None:
        return
    yield Moment(
        at=task.sent_at,
        kind=Kind.REFERRAL,
        what=f"{referral.number}: {task.partner.name} is asked",
        record=Record.of(task),
        part="sent",
        of=referral.assignment_id,
        who=task.asked_by.display_name,
    )


def _said(row: ReferralAnswer, referral: Referral, task: ReferralTask | None, rows: Rows) -> Moment:
    protected = row.by_partner and task is not None and task.partner_id in rows.programmes
    partner = task.partner.name if task else ""
    by = partner if row.by_partner else "CARE"
    entered = f", entered by {row.recorded_by.display_name}" if row.recorded_by else ""
    content: Any = {} if protected else row.content
    told = {"state": row.get_status_display()} if task else {"outcome": referral.outcome}
    return Moment(
        at=row.said_at,
        told_at=row.received_at,
        kind=Kind.REFERRAL,
        what=f"{referral.number}: {codes.VERBS.get(row.verb, said.words(row.verb))}"
        + (f" ({partner})" if partner else ""),
        record=Record.of(task) if task else Record.of(referral),
        part=f"said-{row.pk}",
        of=referral.assignment_id,
        who=", ".join(filter(None, ("" if protected else row.said_by, by))) + entered,
        source=row.get_way_display(),
        lines=(
            *said.lines(told, {"outcome": codes.OUTCOMES}),
            *said.lines(content, _REASON),
            *((PROTECTED,) if protected and row.content else ()),
        ),
        flags=tuple(codes.FLAGS.get(code, said.words(code)) for code in row.flags),
    )


def _consent(row: Consent, rows: Rows) -> Iterator[Moment]:
    content = row.content if isinstance(row.content, Mapping) else {}
    named = [one for one in rows.recipients if one.consent_id == row.pk]
    record, of = Record.of(row), row.assignment_id
    labels = {"purpose": codes.PURPOSES, "categories": codes.DATA_CATEGORIES}
    told = {name: content.get(name) for name in _CONSENTED}
    told |= {"to": [one.partner.name for one in named], "until": row.expires_at}
    yield Moment(
        at=row.given_at,
        told_at=row.received_at,
        kind=Kind.CONSENT,
        what=f"Consent, {row.get_form_display()}",
        record=record,
        of=of,
        who=row.recorded_by.display_name,
        lines=said.lines(told, labels),
        flags=tuple(codes.FLAGS.get(code, said.words(code)) for code in row.flags),
    )
    if row.revoked_at:
        yield Moment(
            at=row.revoked_at,
            kind=Kind.CONSENT,
            what="Consent revoked",
            record=record,
            part="revoked",
            of=of,
            who=row.revoked_by.display_name if row.revoked_by else "",
        )
    for one in named:
        if one.acknowledged_at:
            yield Moment(
                at=one.acknowledged_at,
                kind=Kind.CONSENT,
                what=f"{one.partner.name} knows of the revocation",
                record=record,
                part=f"known-{one.pk}",
                of=of,
                who=one.acknowledged_by or "",
            )


def _disclosed(row: Disclosure) -> Moment:
    whom = row.partner.name if row.partner else row.recipient
    return Moment(
        at=row.at,
        kind=Kind.CONSENT,
        what=f"Told to {whom}",
        record=Record.of(row),
        of=row.assignment_id,
        who=row.discloser.display_name if row.discloser else "",
        source=row.get_way_display(),
        lines=said.lines(
            {"basis": row.get_basis_display(), "what": row.categories},
            {"what": codes.DATA_CATEGORIES},
        ),
    )
