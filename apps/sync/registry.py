"""What tablets and desks synchronise: the collections, and the kinds of facts.

Domain apps register theirs in a module `sync.py`, which is found at start-up like `admin.py`. This
app knows no domain: it pages, signs, judges envelopes and calls the handler.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from apps.accounts.auth import TabletSession
from apps.accounts.models import User
from apps.audit.services import Actor
from apps.core.problems import FieldError
from apps.sync.canonical import fingerprint
from apps.sync.policies import Policy

# pull_only: tablets only read it. append_only: each document is written once. merged: people change
# a document together, and their versions are merged field by field.
Kind = Literal["pull_only", "append_only", "merged"]
# "both": tablets pull it, and desks get it over their socket.
Audience = Literal["tablet", "desk", "both"]

# What names a save, and is no content.
STAMP = frozenset({"id", "editor", "edit_no"})
# What the server alone writes into any document, whatever its schema says.
SERVER_MANAGED = frozenset({"rev", "_deleted", "sync_status", "sync_errors"})
# A client that names `author_id` tells who typed it (see `authors`): no part of the content either.
NOT_CONTENT = SERVER_MANAGED | {"author_id"}


_NAME = re.compile(r"[a-z_]{1,40}")


def content_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without what names the save."""
    return {name: value for name, value in document.items() if name not in STAMP}


class Refused(Exception):
    """A handler's verdict: this row cannot be taken. It is kept in quarantine, with these errors.

    Pointers lead into the document. Details must not repeat its values.
    """

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("refused")
        self.errors = errors


@dataclass(frozen=True)
class Contact:
    """One request of a tablet: who, from which local database, and how far off its clock is.

    `offset_ms`: device clock minus server clock in milliseconds, within 32 bits; the true offset
    lies within plus or minus `uncertainty_ms`. None: not measured. `schema`: the version of the
    schemas that its app was built for. `followed`: the history whose following it has completed,
    None where it does not say; `seen_seq`: the highest commit that it has seen. See `recovery`.
    """

    session: TabletSession
    instance: UUID
    offset_ms: int | None = None
    uncertainty_ms: int | None = None
    schema: int = 1
    followed: UUID | None = None
    seen_seq: int | None = None


@dataclass(frozen=True)
class Pushed:
    """One row of a push. `document` and `assumed` carry no server-managed fields.

    `(editor, edit_no)` names the edit: which local database, which save. None: an old client.
    `rev` and `assumed_rev` are the server's revisions that the two were served with, 0 where they
    name none. `deleted`: its author deletes it. `corrects`: it follows a version that was refused.
    `withheld`: something was taken out of the document that is never recorded.
    """

    collection: str
    document: dict[str, Any]
    assumed: dict[str, Any] | None
    doc_id: UUID
    editor: UUID | None
    edit_no: int | None
    rev: int = 0
    assumed_rev: int = 0
    deleted: bool = False
    corrects: bool = False
    withheld: bool = False

    @cached_property
    def content(self) -> dict[str, Any]:
        """What it says, without what names the save."""
        return content_of(self.document)

    @cached_property
    def fingerprint(self) -> bytes:
        """Equal for equal content."""
        return fingerprint(self.document)


# The addresses of the media that a document names: see `media.naming.media_fields`.
MediaNames = Callable[[Mapping[str, Any]], Iterable[str]]

# Called in a savepoint. None: applied as sent. A document: what holds now, to be returned. Raises
# Refused (or ProblemError with a 4xx) to put the row into quarantine.
PushHandler = Callable[[Pushed, Contact, datetime], dict[str, Any] | None]
# What several rows of one transaction will lock, in a fixed order; see `Collection.lock`.
Lock = Callable[[Sequence[Pushed]], None]


@dataclass(frozen=True)
class Edit:
    """A document that is to hold from now on. `document` is whole, without what the server manages.

    `before` is the content that it replaces; None: there was none. `author` wrote it, `actor` is
    how the audit log names who acts. `editor` and `edit_no` name the save that it is exactly; a
    document that the server has put together names the server. `withheld`: its author wrote
    something besides that is never recorded; see `Collection.never`.
    """

    collection: str
    doc_id: UUID
    document: dict[str, Any]
    before: dict[str, Any] | None
    editor: UUID | None
    edit_no: int | None
    author: User
    actor: Actor
    now: datetime
    withheld: bool = False

    def body(self, **own: Any) -> dict[str, Any]:
        """What the domain app publishes: the document, the fields of its `own`, and which save it
        is."""
        named = {"editor": self.editor and str(self.editor), "edit_no": self.edit_no}
        return {**self.document, **named, **own, "id": str(self.doc_id)}


@dataclass(frozen=True)
class Merging:
    """How a domain app takes part in merging.

    `write` stores a whole document and publishes it with its scopes, in the caller's savepoint; it
    returns the body that it published, which may differ from what it was given. It raises Refused,
    or ProblemError with a 4xx, for what cannot be taken. `policies` name the fields whose two
    versions can be put together; the others are single values. `delete` withdraws a document;
    None: what was recorded is not deleted.

    Whoever writes such a document elsewhere takes `documents.lock` first, in the same transaction,
    and calls `media.naming.note` where its documents name media.
    """

    write: Callable[[Edit], dict[str, Any]]
    policies: Mapping[str, Policy] = field(default_factory=dict)
    delete: Callable[[Edit], None] | None = None


@dataclass(frozen=True)
class Collection:
    """A set of documents with one JSON Schema (2020-12), of which only `id` may be required: a
    tombstone must be valid under it. Properties that the server writes carry `readOnly: true`.

    `shared`: the same for everyone, read from one shared holder. `audit_as`: the type of record
    that a pull or frame is written down as having read; None for data that is no record.

    Versions are one count for the whole server, which grows with each change of any schema.
    `schema` holds from `version` on; `earlier` are those that held from lower numbers on. A client
    gets documents as the version that it was built for knows them.

    `media`: which photos and signatures a document names. Who may see the document may see them.

    `parents`: the fields by which a document names what it is of (`assignment_id`; `data.corrects`
    is one within another), each with the name of that parent (see `parents`). A document may come
    before its parent: it waits then, and is listed.

    `never`: whether a field of this name, at whatever depth, must not be recorded. It is taken out
    of what is pushed before anything of that is kept: no document, no history, no quarantine.
    """

    name: str
    kind: Kind
    audience: Audience
    schema: dict[str, Any]
    shared: bool = False
    push: PushHandler | None = None
    merging: Merging | None = None
    audit_as: str | None = None
    version: int = 1
    earlier: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    media: MediaNames | None = None
    never: Callable[[str], bool] | None = None
    parents: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("The name of a collection is up to 40 of a-z and _.")
        if any(one.get("required") != ["id"] for one in (self.schema, *self.earlier.values())):
            raise ValueError(f"The schema of {self.name} must require exactly id.")
        _check_versions(self.name, self.version, self.earlier)
        if (self.kind == "append_only") != (self.push is not None):
            raise ValueError(f"{self.name}: a push handler is for append_only collections.")
        if (self.kind == "merged") != (self.merging is not None):
            raise ValueError(f"{self.name}: merging is for merged collections.")

    @property
    def ahead(self) -> bool:
        """Whether its documents go before those of others: calls and alarms, which nothing may
        delay."""
        return self.kind == "pull_only" and not self.shared

    def server_managed(self, document: dict[str, Any]) -> frozenset[str]:
        """The names of this document's fields that clients do not write."""
        return self._managed

    @cached_property
    def _managed(self) -> frozenset[str]:
        return NOT_CONTENT | read_only(self.schema)

    def media_of(self, document: Mapping[str, Any]) -> MediaNames | None:
        """How this document names media; None where such documents do not."""
        return self.media

    def parents_of(self, document: Mapping[str, Any]) -> Mapping[str, str]:
        """By which fields this document names what it is of."""
        return self.parents

    def needs_of(self, document: Mapping[str, Any]) -> Mapping[str, str]:
        """Those of them without whose parent it is refused."""
        return {}

    def lock(self, rows: Sequence[Pushed]) -> None:
        """Once a transaction, before the first of its rows is judged: takes what their handlers
        will lock one by one, in an order that is the same for everybody."""

    def versions(self) -> tuple[int, ...]:
        """The numbers from which its schema was there, and was another; the newest last."""
        return self._versions

    @cached_property
    def _versions(self) -> tuple[int, ...]:
        return (*sorted(self.earlier), self.version)

    def version_for(self, client: int) -> int | None:
        """The one of them that holds for a client of this version. None: it knows no such
        collection."""
        return max((one for one in self.versions() if one <= client), default=None)

    def published_schema(self, version: int | None = None) -> dict[str, Any]:
        """What clients of a version validate documents of this collection with; None: of the
        newest. The version is one of `versions()`, or above."""
        return _schema_at(version, self.version, self.schema, self.earlier)

    def shape(self, document: Mapping[str, Any], version: int) -> dict[str, Any] | None:
        """The schema that this one document follows for a client of a version that knows the
        collection. None: it is of a sort that such a client does not know."""
        return self.published_schema(version)


@dataclass(frozen=True)
class FactKind:
    """One kind of document in `facts`. Its versions and parents are as those of a `Collection`.

    `needs`: the fields of `parents` without whose parent its handler refuses it. In quarantine it
    waits for that too, and is judged again by itself once that is here.
    """

    schema: dict[str, Any]
    push: PushHandler
    version: int = 1
    earlier: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    media: MediaNames | None = None
    lock: Lock | None = None
    parents: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()

    def versions(self) -> tuple[int, ...]:
        """As of a `Collection`."""
        return (*sorted(self.earlier), self.version)

    def schema_at(self, version: int | None) -> dict[str, Any] | None:
        """The schema for clients of a version (None: the newest); None where they do not know
        the kind."""
        if version is not None and version < self.versions()[0]:
            return None
        return _schema_at(version, self.version, self.schema, self.earlier)


def _schema_at(
    version: int | None, newest: int, schema: dict[str, Any], earlier: Mapping[int, dict[str, Any]]
) -> dict[str, Any]:
    if version is None or version >= newest:
        return schema
    return earlier[max(one for one in earlier if one <= version)]


def _check_versions(name: str, newest: int, earlier: Mapping[int, object]) -> None:
    if not (0 < newest <= 0xFFFF and all(0 < one < newest for one in earlier)):
        raise ValueError(f"{name}: versions count from 1, and earlier ones are below the newest.")


@dataclass(frozen=True)
class _Registry:
    collections: dict[str, Collection] = field(default_factory=dict)
    kinds: dict[str, FactKind] = field(default_factory=dict)


_registry = _Registry()


def register(collection: Collection) -> None:
    """Makes a collection known. ValueError for a name that is taken."""
    if collection.name in _registry.collections:
        raise ValueError(f"Collection {collection.name} is registered twice.")
    _registry.collections[collection.name] = collection


def unregister(name: str) -> None:
    """Takes a collection away again. For tests that bring their own."""
    del _registry.collections[name]


def get(name: str) -> Collection | None:
    """The collection of this name, if there is one."""
    return _registry.collections.get(name)


def all_for(audience: Literal["tablet", "desk"]) -> tuple[Collection, ...]:
    """In the order in which they are caught up: what nothing may delay first, the large and
    unhurried shared data last."""
    mine = [c for c in _registry.collections.values() if c.audience in {audience, "both"}]
    return tuple(sorted(mine, key=lambda c: (c.shared, not c.ahead, c.name)))


def current_version() -> int:
    """The version of the schemas today: the highest that any collection has."""
    collections = _registry.collections.values()
    return max((collection.versions()[-1] for collection in collections), default=1)


def register_fact_kind(
    kind: str,
    *,
    schema: dict[str, Any],
    push: PushHandler,
    version: int = 1,
    earlier: Mapping[int, dict[str, Any]] | None = None,
    media: MediaNames | None = None,
    lock: Lock | None = None,
    parents: Mapping[str, str] | None = None,
    needs: Iterable[str] = (),
) -> None:
    """Makes a kind of fact known. `schema` describes the whole document; see `Collection` and
    `FactKind`. ValueError for a name that is taken, and for a need that is no parent."""
    if kind in _registry.kinds:
        raise ValueError(f"Kind of fact {kind} is registered twice.")
    _check_versions(kind, version, earlier or {})
    if not set(needs) <= (parents or {}).keys():
        raise ValueError(f"{kind}: it needs what is none of its parents.")
    _registry.kinds[kind] = FactKind(
        schema, push, version, earlier or {}, media, lock, parents or {}, frozenset(needs)
    )


def unregister_fact_kind(kind: str) -> None:
    """Takes a kind of fact away again. For tests that bring their own."""
    del _registry.kinds[kind]


def fact_kinds() -> dict[str, FactKind]:
    """The kinds of facts that domain apps have registered."""
    return dict(_registry.kinds)


def read_only(schema: dict[str, Any]) -> frozenset[str]:
    """The top-level properties that a schema marks as the server's."""
    shapes: dict[str, dict[str, Any]] = schema.get("properties", {})
    return frozenset(name for name, shape in shapes.items() if shape.get("readOnly"))


def served(properties: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Marks every one of these properties as the server's own: the inverse of `read_only`."""
    return {name: {**shape, "readOnly": True} for name, shape in properties.items()}
