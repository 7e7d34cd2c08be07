"""A record was of an assignment; it is of each of its encounters now.

What was settled stays settled, for all its encounters: nobody owes again what they were told was
done. A debt becomes one of each encounter that has no signed note. The next event of an assignment
brings its records to how things stand.
"""

from collections.abc import Iterator
from typing import Any

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

import apps.core.ids
from apps.people.ids import encounter_id

_AT_ONCE = 1000


def by_encounter(apps: Any, schema_editor: Any) -> None:
    db = schema_editor.connection.alias  # the owner's: the application's role has no rights yet
    known = apps.get_model("casenotes", "DispatchRecord").objects.using(db).order_by("pk")
    after = None
    while some := list((known.filter(pk__gt=after) if after else known)[:_AT_ONCE]):
        after = some[-1].pk
        EncounterRecord = apps.get_model("casenotes", "EncounterRecord")
        EncounterRecord.objects.using(db).bulk_create(_records(apps, db, EncounterRecord, some))


def _records(apps: Any, db: str, new: Any, some: list[Any]) -> Iterator[Any]:
    ids = [row.pk for row in some]
    note, encounter = apps.get_model("casenotes", "CaseNote"), apps.get_model("people", "Encounter")
    notes: dict[Any, list[Any]] = {}
    for one in note.objects.using(db).filter(assignment_id__in=ids).defer("content", "unread"):
        notes.setdefault(one.encounter_id, []).append(one)
    further: dict[Any, set[Any]] = {}
    named = encounter.objects.using(db).filter(assignment_id__in=ids).exclude(person_id=None)
    for pk, assignment in named.values_list("pk", "assignment_id"):
        further.setdefault(assignment, set()).add(pk)
    for pk, theirs in notes.items():
        further.setdefault(theirs[0].assignment_id, set()).add(pk)
    for row in some:
        for pk in sorted({encounter_id(row.pk), *further.get(row.pk, ())}):
            yield _record(new(id=pk, assignment_id=row.pk), row, notes.get(pk, []))


def _record(record: Any, row: Any, notes: list[Any]) -> Any:
    record.closing, record.cleared_at = row.closing, row.cleared_at
    record.kind, record.settled_at, record.owed_by = row.kind, row.settled_at, row.owed_by
    signed = [one for one in notes if one.state != "draft"]
    if row.cleared_at and not row.kind and notes and len(signed) == len(notes):
        # A path that asks for no more than its outcome is a short one.
        record.kind = "full" if any(one.asked > 1 for one in signed) else "minimal"
        record.settled_at, record.owed_by = max(one.signed_at for one in signed), []
    return record


class Migration(migrations.Migration):
    dependencies = [("casenotes", "0002_by_time"), ("people", "0002_encounters_by_time")]

    operations = [
        migrations.CreateModel(
            name="EncounterRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("assignment_id", models.UUIDField(db_index=True)),
                ("closing", models.CharField(blank=True, max_length=20)),
                ("cleared_at", models.DateTimeField(null=True)),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("automatic", "automatic"),
                            ("minimal", "minimal"),
                            ("full", "full"),
                        ],
                        max_length=10,
                    ),
                ),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "owed_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
            ],
            options={
                "verbose_name": "record of an encounter",
                "verbose_name_plural": "records of encounters",
                "indexes": [
                    models.Index(
                        condition=models.Q(("cleared_at__isnull", False), ("kind", "")),
                        fields=["cleared_at", "id"],
                        name="casenotes_record_owed",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("cleared_at__isnull", False), ("kind", "")),
                        fields=["owed_by"],
                        name="casenotes_record_owed_by",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["", "automatic", "minimal", "full"])),
                        name="casenotes_record_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", ""), ("settled_at", None)),
                            models.Q(
                                models.Q(("kind", ""), _negated=True),
                                ("cleared_at__isnull", False),
                                ("settled_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="casenotes_settled_once_cleared",
                    ),
                ],
            },
        ),
        migrations.RunPython(by_encounter, migrations.RunPython.noop),
        # The table stays: processes of the version before still write to it. A later release drops
        # it.
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.DeleteModel(name="DispatchRecord")]
        ),
    ]
