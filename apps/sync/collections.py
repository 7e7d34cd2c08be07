"""The collections that belong to no domain app: `facts` and `quarantine`.

`facts` is everything that is recorded once and never changed, of any kind. One collection for all
kinds, because a client can open only about a dozen. Each document names its `kind`; the app that
knows the kind registered its schema and its handler.

`quarantine` is what a responder typed and the server could not take (`refused`), or could not put
into a document beside what somebody else wrote there (`conflict`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.core.problems import FieldError
from apps.sync import registry
from apps.sync.registry import (
    NOT_CONTENT,
    Collection,
    Contact,
    Lock,
    MediaNames,
    Pushed,
    Refused,
)


class Facts(Collection):
    """Its schema and its server-managed fields are those of the kinds registered so far."""

    def server_managed(self, document: dict[str, Any]) -> frozenset[str]:
        kind = registry.fact_kinds().get(str(document.get("kind")))
        return NOT_CONTENT | (registry.read_only(kind.schema) if kind else frozenset())

    def media_of(self, document: Mapping[str, Any]) -> MediaNames | None:
        kind = registry.fact_kinds().get(str(document.get("kind")))
        return kind.media if kind else None

    def parents_of(self, document: Mapping[str, Any]) -> Mapping[str, str]:
        kind = registry.fact_kinds().get(str(document.get("kind")))
        return kind.parents if kind else {}

    def needs_of(self, document: Mapping[str, Any]) -> Mapping[str, str]:
        kind = registry.fact_kinds().get(str(document.get("kind")))
        return {name: kind.parents[name] for name in kind.needs} if kind else {}

    def lock(self, rows: Sequence[Pushed]) -> None:
        together: dict[Lock, list[Pushed]] = {}  # kinds that lock the same lock it at once
        for name, kind in sorted(registry.fact_kinds().items()):
            of_it = [row for row in rows if row.document.get("kind") == name]
            if kind.lock and of_it:
                together.setdefault(kind.lock, []).extend(of_it)
        for lock, of_them in together.items():
            lock(of_them)

    def versions(self) -> tuple[int, ...]:
        kinds = registry.fact_kinds().values()
        return tuple(sorted({*super().versions(), *(v for kind in kinds for v in kind.versions())}))

    def published_schema(self, version: int | None = None) -> dict[str, Any]:
        """All kinds in one. A document without a kind (a tombstone, a stub) is valid."""
        found = {name: kind.schema_at(version) for name, kind in registry.fact_kinds().items()}
        kinds = {name: schema for name, schema in sorted(found.items()) if schema is not None}
        base = super().published_schema(version)
        return {
            **base,
            "properties": {**base["properties"], "kind": {"enum": list(kinds)}},
            "allOf": [
                {
                    "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                    "then": schema,
                }
                for name, schema in kinds.items()
            ],
        }

    def shape(self, document: Mapping[str, Any], version: int) -> dict[str, Any] | None:
        base = super().published_schema(version)
        if "kind" not in document:
            return base
        kind = registry.fact_kinds().get(str(document["kind"]))
        schema = kind.schema_at(version) if kind else None
        if schema is None:
            return None
        return {**schema, "properties": {**base["properties"], **schema.get("properties", {})}}


def record(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Hands a fact to the app that knows its kind."""
    kind = registry.fact_kinds().get(str(row.document.get("kind")))
    if kind is None:
        known = ", ".join(sorted(registry.fact_kinds())) or "none"
        raise Refused([FieldError("/kind", f"Not a kind that this server knows ({known}).")])
    return kind.push(row, contact, now)


FACTS = Facts(
    name="facts",
    kind="append_only",
    audience="tablet",
    schema={
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "format": "uuid", "maxLength": 36},
            "kind": {"type": "string"},
            "editor": {"type": "string", "format": "uuid"},
            "edit_no": {"type": "integer", "minimum": 1},
        },
    },
    push=record,
    audit_as="fact",
)

QUARANTINE = Collection(
    name="quarantine",
    kind="pull_only",
    audience="both",
    schema={
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "format": "uuid", "maxLength": 36},
            "kind": {"enum": ["refused", "conflict"]},
            "doc_collection": {"type": "string"},
            "doc_id": {"type": "string"},
            "at": {"type": "string", "format": "date-time"},
            "author": {"type": ["string", "null"]},
            "status": {
                "enum": ["open", "corrected", "applied", "acknowledged", "stays", "kept"],
            },
            "settled_by": {"type": ["string", "null"]},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                },
            },
            "content": {"type": ["object", "null"]},
            "base": {"type": ["object", "null"]},
            "too_large": {"type": "boolean"},
            "fields": {"type": "array", "items": {"type": "string"}},
            "won": {"type": "object"},
            "kept": {"type": "object"},
        },
    },
    audit_as="quarantined_write",
)
