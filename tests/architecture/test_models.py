"""Every model field is classed, and the database refuses impossible states."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from apps.core.fields import EncryptedField
from apps.core.ids import short
from apps.core.models import Model

OURS = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
# Free text that a person may be described in has no place in a plain column.
SUSPECT = ("text", "note", "narrative", "address", "reason", "comment", "caution", "details")


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_every_field_is_classed_once(model: type[Any]) -> None:
    assert issubclass(model, Model), "models derive from apps.core.models.Model"
    fields = {field.name: field for field in model._meta.concrete_fields}
    phi = {name for name, field in fields.items() if isinstance(field, EncryptedField)}
    classed = [*phi, *model.SAFE, *model.SEALED]
    assert sorted(classed) == sorted(set(classed)), "a field is classed twice"
    assert set(classed) == set(fields)


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_free_text_about_an_incident_or_person_is_encrypted(model: type[Any]) -> None:
    plain = [
        field.name
        for field in model._meta.concrete_fields
        if field.name.endswith(SUSPECT)
        and not isinstance(field, EncryptedField)
        and not field.is_relation
        and field.name != "priority_text"  # the CAD's word for a number
    ]
    assert plain == []


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_every_choice_is_checked_by_the_database(model: type[Any]) -> None:
    chosen = {f.name for f in model._meta.concrete_fields if f.choices}
    checked = " ".join(
        str(c.condition) for c in model._meta.constraints if isinstance(c, models.CheckConstraint)
    )
    assert {name for name in chosen if f"'{name}__in'" not in checked} == set()


@pytest.mark.django_db
def test_append_only_tables_have_their_trigger() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid "
            "where t.tgname = 'append_only'"
        )
        triggered = {row[0] for row in cursor.fetchall()}
    expected = {m._meta.db_table for m in OURS if m.APPEND_ONLY and m._meta.managed}
    assert expected
    assert expected <= triggered


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_a_record_is_named_by_type_and_short_id(model: type[Any]) -> None:
    if any(isinstance(field, EncryptedField) for field in model._meta.concrete_fields):
        row = model()
        assert str(row) == f"{model._meta.verbose_name} {short(row.pk)}"
