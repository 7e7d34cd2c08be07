"""Model fields for protected health information (PHI), sealed and bound to their row.

A PHI field is encrypted when the row is saved and decrypted when the attribute is read, because
only the instance knows the row that the value is bound to. What bypasses the instance
(`update()`, `values()`, `bulk_update()`, a filter) therefore raises instead of reading or writing
something wrong. Rows need their primary key before they are saved: `UUIDModel` gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from django.core import checks
from django.core.exceptions import FieldError
from django.db import models

from apps.core import crypto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper


class Sealed:
    """A value as the database holds it. It refuses to be mistaken for its content."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return "<sealed>"


class _Unsealing:
    """Attribute of a PHI field: opens the value at the first read and keeps it opened."""

    def __init__(self, field: EncryptedField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:
            instance.refresh_from_db(fields=[name])
        value = instance.__dict__[name]
        if isinstance(value, Sealed):
            value = self.field.open(value.data, instance)
            instance.__dict__[name] = value
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.BinaryField[Any, Any]):
    """Common part: where sealing and opening happen. Use one of the subclasses."""

    descriptor_class = _Unsealing
    empty: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def encode(self, value: Any) -> bytes:
        raise NotImplementedError

    def decode(self, plain: bytes) -> Any:
        raise NotImplementedError

    def place(self, pk: object) -> str:
        """Table, column and row: a sealed value moved elsewhere does not open."""
        return f"{self.model._meta.db_table}.{self.column}:{pk}"

    def open_as(self, data: bytes, pk: object) -> Any:
        """What is sealed in the row of this key. For SQL of one's own, as `seal_as` is."""
        return self.decode(crypto.unseal(data, bound_to=self.place(pk)))

    def seal_as(self, value: Any, pk: object) -> bytes:
        """The value as the row of this key holds it."""
        return crypto.seal(self.encode(value), bound_to=self.place(pk))

    def open(self, data: bytes, instance: models.Model) -> Any:
        return self.open_as(data, instance.pk)

    def seal(self, value: Any, instance: models.Model) -> Sealed:
        return Sealed(self.seal_as(value, instance.pk))

    def from_db_value(self, value: Any, *_: Any) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))

    def to_python(self, value: Any) -> Any:
        return value

    def get_default(self) -> Any:
        if not self.has_default():
            return None if self.null else self.empty
        return self.default() if callable(self.default) else self.default

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        if value is None or (isinstance(value, Sealed) and not add):
            return value  # not opened since it was read: the row's bytes stay as they are
        return self.seal(getattr(model_instance, self.attname), model_instance)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise FieldError(
                f"{self.model._meta.label}.{self.name} is encrypted per row: "
                "save the instance instead of writing or comparing it in a query."
            )
        return super().get_db_prep_value(value.data, connection, prepared)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: only isnull can be asked of it.")
        return super().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        raise FieldError(f"{self.name} is encrypted and is not serialised.")

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if self.primary_key or self.unique or getattr(self, "db_index", False):
            errors.append(checks.Error("An encrypted field has no index.", obj=self, id="core.E1"))
        return errors


class EncryptedTextField(EncryptedField):
    """Text of a person's or incident's record. Python: `str`; database: sealed UTF-8."""

    empty = ""

    def encode(self, value: Any) -> bytes:
        return str(value).encode()

    def decode(self, plain: bytes) -> str:
        return plain.decode()


class EncryptedJSONField(EncryptedField):
    """Structured part of a record. Python: what JSON holds; database: sealed JSON."""

    def encode(self, value: Any) -> bytes:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)

    def decode(self, plain: bytes) -> Any:
        return orjson.loads(plain)


def encrypted_field(model: type[models.Model], name: str) -> EncryptedField:
    """One of them, for SQL of one's own."""
    field = model._meta.get_field(name)
    assert isinstance(field, EncryptedField)
    return field


def encrypted_names(model: type[models.Model]) -> frozenset[str]:
    """The PHI fields of a model."""
    return frozenset(f.name for f in model._meta.concrete_fields if isinstance(f, EncryptedField))


def refuse_encrypted(model: type[models.Model], names: Sequence[str], verb: str) -> None:
    """Raises where a query would move sealed values around without their row."""
    hit = sorted(set(names) & encrypted_names(model))
    if hit:
        raise FieldError(f"{verb} cannot touch encrypted fields: {', '.join(hit)}.")
