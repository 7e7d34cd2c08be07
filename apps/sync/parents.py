"""What documents are of: the records that they name, and that may come later than they do.

A room registers its own records here as parents, and in its collections and kinds of facts the
fields that name parents of any room (`Collection.parents`). This module alone knows whether one is
here; what waits for one is kept and listed by `services.early`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db import models

from apps.sync.values import uuid_of

# A parent's name, and the id of one.
Named = tuple[str, UUID]
_models: dict[str, type[models.Model]] = {}


def register_parent(name: str, model: type[models.Model]) -> None:
    """Makes known of what documents may be: rows of a model, by their primary key, a UUID that
    their documents have as their id. ValueError for a name that is taken."""
    if name in _models:
        raise ValueError(f"Parent {name} is registered twice.")
    _models[name] = model


def unregister_parent(name: str) -> None:
    """Takes a parent away again. For tests that bring their own."""
    del _models[name]


def parents() -> Mapping[str, type[models.Model]]:
    """All that are registered, by name."""
    return dict(_models)


def named_in(document: Mapping[str, Any], fields: Mapping[str, str]) -> set[Named]:
    """What a document names by these fields (`Collection.parents_of`). One that names nothing, or
    nothing that can be read, is of nothing."""
    return {
        (parent, id)
        for field, parent in fields.items()
        if (id := uuid_of(_value(document, field))) is not None
    }


def lacking(named: Iterable[Named]) -> set[Named]:
    """Those that are not here. One statement, however many."""
    wanted = set(named)
    rows = list(_here(wanted))
    if not rows:
        return wanted
    return wanted - set(rows[0].union(*rows[1:], all=True))


def _here(wanted: set[Named]) -> Iterator[models.QuerySet[Any, Any]]:
    for name in sorted({name for name, _ in wanted}):
        ids = [id for of, id in wanted if of == name]
        if (model := _models.get(name)) is None:  # of a room that this server has no more
            continue
        rows: models.QuerySet[Any] = models.QuerySet(model).filter(pk__in=ids)
        word = models.Value(name, output_field=models.CharField())
        yield rows.annotate(parent_name=word).values_list("parent_name", "pk")


def _value(document: Mapping[str, Any], field: str) -> object:
    found: object = document
    for name in field.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
