"""Reference data: call types, dispatch rules, and what tablets know of codes and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.db import transaction

from apps.audit.services import Actor, record
from apps.changes.models import Member, StoredDocument
from apps.changes.reading import body_of
from apps.changes.services import LARGEST_PUBLICATION, Document, is_collected, publish
from apps.core.versions import add_missing
from apps.dispatch import reference, rules
from apps.dispatch.codelists import retired_code_lists
from apps.dispatch.desk import unit_documents
from apps.dispatch.models import CallType, DispatchRule
from apps.dispatch.referencekinds import REFERENCE, reference_kinds
from apps.dispatch.services import rulebook
from apps.dispatch.shipped import shipped


@dataclass(frozen=True)
class Loaded:
    """How much was new. `others`: what other rooms ship, by its name."""

    call_types: int
    rules: int
    documents: int
    others: Mapping[str, int]


@transaction.atomic
def load_reference(*, by: Actor, now: datetime) -> Loaded:
    """Adds the shipped call types and rules, and what other rooms ship, and publishes what is in
    `reference` to tablets, and our units to desks.

    Idempotent: what is here stays as the agency has it, what tablets have is not sent again.
    """
    known = set(CallType.objects.values_list("code", flat=True))
    types = [
        CallType(code=one.code, common_type=one.common_type, nemsis_code=one.nemsis_code)
        for one in reference.call_types().values()
        if one.code not in known
    ]
    CallType.objects.bulk_create(types, ignore_conflicts=True)
    ours = (
        DispatchRule(
            version=rule.version,
            effective_from=rule.effective_from,
            effective_to=rule.effective_to,
            citation=rule.citation,
            definition=rule.definition(),
        )
        for rule in rules.shipped()
    )
    missing = add_missing(DispatchRule.objects.all(), ours)
    record(
        actor=by,
        action="create",
        subject_type="dispatch_rule",
        subject_ids=[rule.pk for rule in missing],
        now=now,
    )
    rulebook.has_changed()
    others = {name: load(by=by, now=now) for name, load in shipped().items()}
    fresh = publish_reference(
        [document for kind in reference_kinds() for document in kind.documents()], now=now
    )
    publish_reference(unit_documents(), now=now)
    _withdraw(retired_code_lists(), now)
    return Loaded(call_types=len(types), rules=len(missing), documents=fresh, others=others)


def publish_reference(documents: Sequence[Document], *, now: datetime) -> int:
    """Publishes those documents, all of one collection, that differ from what was published.
    Returns how many did. Part of the caller's transaction."""
    fresh = _not_published(documents)
    for start in range(0, len(fresh), LARGEST_PUBLICATION):
        publish(documents=fresh[start : start + LARGEST_PUBLICATION], now=now)
    return len(fresh)


def _withdraw(ids: Sequence[UUID], now: datetime) -> None:
    """Has tablets drop documents of `reference`, as far as they were ever given them."""
    shown = Member.objects.filter(collection=REFERENCE, doc_id__in=ids)
    gone = [Document(REFERENCE, one, frozenset()) for one in shown.values_list("doc_id", flat=True)]
    publish(documents=gone, now=now)


def _not_published(documents: Sequence[Document]) -> list[Document]:
    stored = StoredDocument.objects.filter(
        collection__in={document.collection for document in documents},
        doc_id__in=[document.id for document in documents],
    )
    bodies = {row.doc_id: body_of(row.collection, row.doc_id, row.body) for row in stored}
    return [
        document
        for document in documents
        if is_collected(document.collection, document.id)
        or bodies.get(document.id) is None
        or orjson.loads(bodies[document.id] or b"null") != orjson.loads(orjson.dumps(document.body))
    ]
