"""Base of every QuerySet: reads are methods on it, and PHI never leaves it without its row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models.lookups import IsNull

from apps.core.fields import encrypted_names, refuse_encrypted

M = TypeVar("M", bound=models.Model)


def there_is(rows: models.QuerySet[Any]) -> models.Q:
    """Whether there is one of these rows, looked up for each row that is asked about. Where
    `Exists` is one side of an "or", PostgreSQL may first gather everything of which it is true."""
    one = rows.annotate(there=models.Value(True)).values("there")[:1]
    return models.Q(IsNull(models.Subquery(one), False))


class QuerySet(models.QuerySet[M]):
    """`update()`, `values()` and `bulk_update()` raise on encrypted fields."""

    def update(self, **kwargs: Any) -> int:
        refuse_encrypted(self.model, list(kwargs), "update()")
        return super().update(**kwargs)

    def bulk_update(
        self, objs: Iterable[M], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        names: Sequence[str] = list(fields)
        refuse_encrypted(self.model, names, "bulk_update()")
        return super().bulk_update(objs, names, batch_size)

    def _values(self, *fields: Any, **expressions: Any) -> Self:
        names = [field for field in fields if isinstance(field, str)]
        refuse_encrypted(self.model, names or sorted(encrypted_names(self.model)), "values()")
        return super()._values(*fields, **expressions)  # type: ignore[misc,no-any-return]
