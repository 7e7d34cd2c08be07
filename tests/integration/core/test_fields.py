"""Protected fields: sealed in the row, opened on the instance, refused everywhere else."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import FieldError
from django.db import connection

from apps.core.crypto import Undecryptable
from apps.core.fields import EncryptedField
from apps.dispatch.models import EntryKind, Incident, details
from tests.factories import NOON

pytestmark = pytest.mark.django_db

ADDRESS = "3rd Ave and Pike St, by the grey bench"


def incident(**given: object) -> Incident:
    return Incident.objects.create(
        entry_kind=EntryKind.DUAL_911,
        occurred_at=NOON,
        received_at=NOON,
        updated_at=NOON,
        details=details(address=ADDRESS, **given),
    )


def stored(row: Incident) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("select details from dispatch_incident where id = %s", [row.pk])
        return bytes(cursor.fetchone()[0])


def test_the_database_holds_no_plain_text_and_the_instance_opens_it() -> None:
    row = incident()
    assert ADDRESS.encode() not in stored(row)
    assert Incident.objects.get(pk=row.pk).details["address"] == ADDRESS


def test_saving_what_was_not_opened_leaves_the_bytes_as_they_are() -> None:
    row = incident()
    before = stored(row)
    again = Incident.objects.get(pk=row.pk)
    again.beat = "K3"
    again.save()
    assert stored(row) == before


def test_a_value_copied_to_another_row_does_not_open() -> None:
    one, other = incident(), incident()
    with connection.cursor() as cursor:
        cursor.execute(
            "update dispatch_incident set details = %s where id = %s", [stored(one), other.pk]
        )
    with pytest.raises(Undecryptable):
        _ = Incident.objects.get(pk=other.pk).details


@pytest.mark.parametrize(
    "bypass",
    [
        lambda rows: rows.update(details={}),
        lambda rows: list(rows.values()),
        lambda rows: list(rows.values("details")),
        lambda rows: list(rows.values_list("id", "details")),
        lambda rows: rows.filter(details={}).count(),
        lambda rows: rows.filter(details__contains="x").count(),
        lambda rows: Incident.objects.bulk_update(list(rows), ["details"]),
    ],
    ids=["update", "values", "values-one", "values_list", "filter", "lookup", "bulk_update"],
)
def test_a_path_around_the_instance_raises(bypass: object) -> None:
    incident()
    with pytest.raises(FieldError):
        bypass(Incident.objects.all())  # type: ignore[operator]


def test_null_can_be_asked_for() -> None:
    incident()
    assert Incident.objects.filter(details__isnull=False).count() == 1


def test_a_deferred_field_is_fetched_when_read() -> None:
    row = incident()
    assert Incident.objects.defer("details").get(pk=row.pk).details["address"] == ADDRESS


def test_bulk_create_seals_each_row_for_itself() -> None:
    rows = Incident.objects.bulk_create(
        Incident(
            entry_kind=EntryKind.PATROL, occurred_at=NOON, received_at=NOON, updated_at=NOON,
            details=details(address=f"{n} Pine St"),
        )
        for n in range(3)
    )  # fmt: skip
    found = {row.details["address"] for row in Incident.objects.filter(pk__in=rows_ids(rows))}
    assert found == {"0 Pine St", "1 Pine St", "2 Pine St"}


def rows_ids(rows: list[Incident]) -> list[object]:
    return [row.pk for row in rows]


def test_the_name_of_a_record_says_nothing_about_it() -> None:
    row = incident()
    assert ADDRESS not in f"{row} {row!r}"
    assert str(row) == f"incident {row.pk.hex[-8:]}"


@pytest.mark.parametrize(
    "model",
    [
        model
        for model in apps.get_models()
        if any(isinstance(field, EncryptedField) for field in model._meta.concrete_fields)
    ],
    ids=lambda model: model._meta.label,
)
def test_a_record_with_phi_is_named_by_its_type_and_short_id_alone(model: type[Any]) -> None:
    row = model()
    assert str(row) == f"{model._meta.verbose_name} {row.pk.hex[-8:]}"
