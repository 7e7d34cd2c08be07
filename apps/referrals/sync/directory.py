"""What tablets see of the directory, and what they may tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from apps.assignments import sync as assignments
from apps.dispatch.codelists import CodeList, register_code_list
from apps.dispatch.referencekinds import ReferenceKind, register_reference_kind
from apps.people.sync import OF_CALL
from apps.referrals.directory import codes, documents, schemas
from apps.referrals.directory.facilityfacts import REPORT, told_of
from apps.referrals.models import FacilityFact
from apps.referrals.services import directory
from apps.sync.parents import register_parent
from apps.sync.registry import Contact, Pushed, register_fact_kind


def push_facility_fact(
    kind: str, row: Pushed, contact: Contact, now: datetime
) -> dict[str, Any] | None:
    """Takes one fact about a service of the directory."""
    told = told_of(row, contact, kind)
    directory.record_fact(told=told, session=contact.session, now=now)
    return None


def lock_for_reports(rows: Sequence[Pushed]) -> None:
    """See `services.directory.entries`. Before any other lock of this app, for all rows at once."""
    directory.lock_directory()


def _register_list(name: str, source: str, items: list[dict[str, str]]) -> None:
    register_code_list(CodeList(name, source, lambda: items))


for _name, (_source, _items) in codes.LISTS.items():
    _register_list(_name, _source, _items)
register_parent("facility_fact", FacilityFact)
_PARENTS: Final = OF_CALL | {"corrects": "facility_fact"}
# Reports are of the directory; the others lock what the assignments' own facts do, with them.
for _kind, _schema in schemas.FACTS.items():
    register_fact_kind(
        _kind,
        schema=_schema,
        push=partial(push_facility_fact, _kind),
        lock=lock_for_reports if _kind == REPORT else assignments.lock,
        parents={name: of for name, of in _PARENTS.items() if name in _schema["properties"]},
    )
register_reference_kind(ReferenceKind(documents.KIND, schemas.SERVICE, directory.service_documents))
