"""The documents that tablets are sent: notes, signatures, addenda, policies.

Built from rows that were read before. What the server adds to a note is worked out anew each time,
so that nobody can type it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from apps.casenotes import codes
from apps.casenotes.content import (
    blocking,
    completeness,
    content_hash,
    cssrs,
)
from apps.casenotes.models import Addendum, NotePolicy, Review, Signature, ToldFact
from apps.casenotes.policies import TO_CONFIRM, Rule, shipped
from apps.casenotes.records import NoteRecord
from apps.changes import scopes
from apps.changes.services import EVERYONE_SCOPE, Document
from apps.core.clock import iso
from apps.dispatch.referencekinds import REFERENCE
from apps.sync.stamps import as_sent

NOTE_SIGNATURE: Final = "note_signature"
NOTE_ADDENDUM: Final = "note_addendum"
NOTE_POLICY: Final = "note_policy"
# A document is at most 64 KB; the rest is room for `rev` and for sealing.
_LARGEST: Final = 60_000


def note_body(record: NoteRecord) -> dict[str, Any]:
    """What was typed, and what the server knows of it."""
    row = record.note
    progress = completeness(record.content, record.facts, record.judged_by.policy)
    body = {
        **record.content,
        "id": str(row.pk),
        "editor": str(row.editor) if row.editor else None,
        "edit_no": row.edit_no,
        "state": row.state,
        "restricted": row.restricted,
        "risk": cssrs.risk(_mapping(record.content.get("screen"))),
        "completeness": {
            "asked": list(progress.asked),
            "missing": list(progress.missing),
            "text": progress.text,
        },
        "to_mend": _to_mend(record),
        "deadlines": [
            {"code": one.code, "due_at": iso(one.due_at), "done_at": iso(one.done_at)}
            for one in record.deadlines
        ],
        "report_due_at": iso(record.report_due_at),
        "flags": row.flags,
        "content_hash": content_hash(record.content),
        "authors": record.wrote,
        "begun_at": iso(row.begun_at),
        "signed_at": iso(row.signed_at),
        "lock_due_at": iso(row.lock_due_at),
        "locked_at": iso(row.locked_at),
        "signatures": [
            {"id": str(one.pk), "at": iso(one.told_at), **_author(one)} for one in record.signatures
        ],
        "reviews": [_review(one) for one in record.reviews],
        "addenda": [
            {"id": str(one.pk), "at": iso(one.told_at), **_author(one), **_added(one)}
            for one in record.addenda
        ],
    }
    return _cut(body)


def signature(row: Signature, to: frozenset[str]) -> Document:
    """A signature as a fact. What was signed is the note's, and is not sent twice."""
    own = {"note_id": str(row.note_id), "content_hash": row.content_hash}
    return Document("facts", row.pk, to, _fact(row, NOTE_SIGNATURE, own))


def addendum(row: Addendum, to: frozenset[str]) -> Document:
    """An addendum as a fact."""
    own = {
        "note_id": str(row.note_id),
        **_added(row),
        "quarantined": str(row.quarantined) if row.quarantined else None,
        "recorded_by": row.recorded_by.display_name if row.recorded_by else None,
    }
    return Document("facts", row.pk, to, _fact(row, NOTE_ADDENDUM, own))


def orphan(row: Addendum) -> Document:
    """An addendum whose note is not here yet: for its author and their team."""
    to = {scopes.responder(row.author_id)}
    if row.author.team_id:
        to.add(scopes.team(row.author.team_id))
    return addendum(row, frozenset(to))


def policy(row: NotePolicy) -> Document:
    """A version of what notes are judged by (collection `reference`, kind `note_policy`). Each item
    says what is still to be confirmed of it, and by whom; null once the version is."""
    told = row.as_version().policy.definition()
    body = {
        "id": str(row.pk),
        "kind": NOTE_POLICY,
        "version": row.version,
        "holds_from": iso(row.effective_from),
        "holds_until": iso(row.effective_to),
        "citation": row.citation,
        "confirmed_at": iso(row.confirmed_at),
        "confirmation": row.confirmation or None,
        "rules": told["rules"],
        "intervals": [_interval(one) for one in told["intervals"]],
        "acts": [_act(one) for one in told["acts"]],
    }
    for part, words in TO_CONFIRM.items():
        to_confirm = None if row.confirmed_at else words
        body[part] = [{**one, "to_confirm": to_confirm} for one in body[part]]
    return Document(REFERENCE, row.pk, frozenset({EVERYONE_SCOPE}), body)


def why_reviewed(row: Review) -> str:
    """The reasons of a review in words, by the policy that the note was judged by; one that it does
    not know as its code."""
    return "; ".join(rule.label if rule else code for code, rule in _rules_of(row).items())


def settled_by_signature(row: Review) -> bool:
    """Whether a further responder's signature is all that a review asks for."""
    return all(rule and rule.kind == "co_signature" for rule in _rules_of(row).values())


def _rules_of(row: Review) -> dict[str, Rule | None]:
    judged_by = row.policy.as_version() if row.policy else shipped()[0]
    return {code: judged_by.policy.rule(code) for code in row.reasons}


def _interval(one: Mapping[str, Any]) -> dict[str, Any]:
    """What of the law was read for it is for whoever confirms it."""
    given = {name: told for name, told in one.items() if name not in {"read", "hours", "age"}}
    return {**given, "within_hours": one.get("hours"), "age": one.get("age")}


def _act(one: Mapping[str, Any]) -> dict[str, Any]:
    risk = one["risk"]
    shown = {"code": risk, "label": codes.RISKS[risk], "color": cssrs.COLORS.get(risk)}
    given = {name: told for name, told in one.items() if name != "risk"}
    return {**shown, "done_by": [], **given}


def _to_mend(record: NoteRecord) -> list[dict[str, str]]:
    """What stands in the way of the signature of a draft."""
    if not record.is_draft:
        return []
    errors = blocking(record.content, record.facts, record.judged_by.policy)
    return [{"pointer": error.pointer, "detail": error.detail} for error in errors]


def _fact(row: ToldFact, kind: str, own: dict[str, Any]) -> dict[str, Any]:
    """What the client sent, and what the server knows about it; what has no column is kept and not
    sent, as in a fact of the timeline."""
    editor = {"editor": str(row.device)} if row.device else {}
    return {
        "id": str(row.pk),
        "kind": kind,
        **own,
        "device_time": as_sent(row.device_time, "device_time", row.unread),
        "counter": row.counter,
        **editor,
        **({"edit_no": row.edit_no} if row.edit_no else {}),
        **_author(row),
        "received_at": iso(row.received_at),
        "clock_offset_ms": row.clock_offset_ms,
        "clock_uncertainty_ms": row.clock_uncertainty_ms,
        "flags": row.flags,
    }


def _author(row: ToldFact) -> dict[str, str]:
    return {"author_id": str(row.author_id), "author_name": row.author.display_name}


def _added(row: Addendum) -> dict[str, Any]:
    return {"text": row.text, "changes": row.changes}


def _review(row: Review) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "state": row.state,
        "reasons": row.reasons,
        "policy": row.policy.version if row.policy else None,
        "asked_at": iso(row.asked_at),
        "reviewer": row.reviewer.display_name if row.reviewer else None,
        "decided_at": iso(row.decided_at),
        "comment": row.comment,
    }


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _cut(body: dict[str, Any]) -> dict[str, Any]:
    """Leaves out what the oldest addenda say where the document would be too large: each of them is
    a fact of its own, whole."""
    excess = len(orjson.dumps(body)) - _LARGEST
    for one in body["addenda"]:
        if excess <= 0:
            break
        excess -= len(orjson.dumps([one["text"], one["changes"]]))
        one |= {"text": None, "changes": None, "cut": True}
    return body
