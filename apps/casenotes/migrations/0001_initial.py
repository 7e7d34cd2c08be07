from pathlib import Path

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.fields
import apps.core.ids
from apps.core.append_only import append_only

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Addendum",
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
                ("device", models.UUIDField(null=True)),
                ("counter", models.BigIntegerField(null=True)),
                ("edit_no", models.BigIntegerField(null=True)),
                ("device_time", models.DateTimeField(null=True)),
                (
                    "clock_offset_ms",
                    models.IntegerField(
                        help_text="device clock minus server clock, milliseconds, measured at the push",
                        null=True,
                    ),
                ),
                ("clock_uncertainty_ms", models.IntegerField(null=True)),
                ("received_at", models.DateTimeField()),
                ("flags", models.JSONField(default=list)),
                ("unread", apps.core.fields.EncryptedJSONField(null=True)),
                ("note_id", models.UUIDField(db_index=True)),
                ("text", apps.core.fields.EncryptedTextField()),
                ("changes", apps.core.fields.EncryptedJSONField(null=True)),
                ("quarantined", models.UUIDField(null=True)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "addendum",
                "verbose_name_plural": "addenda",
            },
        ),
        migrations.CreateModel(
            name="CaseNote",
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
                ("encounter_id", models.UUIDField(db_index=True)),
                ("assignment_id", models.UUIDField(db_index=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "draft"), ("signed", "signed"), ("locked", "locked")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("restricted", models.BooleanField(default=False)),
                ("begun_at", models.DateTimeField()),
                ("saved_at", models.DateTimeField()),
                ("editor", models.UUIDField(null=True)),
                ("edit_no", models.BigIntegerField(null=True)),
                ("asked", models.PositiveSmallIntegerField(default=0)),
                ("missing", models.PositiveSmallIntegerField(default=0)),
                ("flags", models.JSONField(default=list)),
                ("content", apps.core.fields.EncryptedJSONField(null=True)),
                ("unread", apps.core.fields.EncryptedJSONField(null=True)),
                ("signed_hash", models.CharField(blank=True, max_length=64)),
                ("signed_at", models.DateTimeField(null=True)),
                ("lock_due_at", models.DateTimeField(null=True)),
                ("locked_at", models.DateTimeField(null=True)),
                (
                    "signed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "case note",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["draft", "signed", "locked"])),
                        name="casenotes_note_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("content__isnull", False),
                                ("lock_due_at", None),
                                ("signed_at", None),
                                ("signed_by", None),
                                ("signed_hash", ""),
                                ("state", "draft"),
                            ),
                            models.Q(
                                ("content__isnull", True),
                                ("lock_due_at__isnull", False),
                                ("signed_at__isnull", False),
                                ("signed_by__isnull", False),
                                ("signed_hash__regex", "^[0-9a-f]{64}$"),
                                ("state__in", ["signed", "locked"]),
                            ),
                            _connector="OR",
                        ),
                        name="casenotes_signed_by_whom_when_and_what",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("locked_at__isnull", False), ("state", "locked")),
                            models.Q(
                                models.Q(("state", "locked"), _negated=True), ("locked_at", None)
                            ),
                            _connector="OR",
                        ),
                        name="casenotes_locked_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("missing__lte", models.F("asked"))),
                        name="casenotes_missing_of_asked",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "signed")),
                        fields=["lock_due_at"],
                        name="casenotes_lock_due",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DispatchRecord",
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
                "verbose_name": "record of a dispatch",
                "verbose_name_plural": "records of dispatches",
                "indexes": [
                    models.Index(
                        condition=models.Q(("cleared_at__isnull", False), ("kind", "")),
                        fields=["cleared_at", "id"],
                        name="casenotes_owed",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("cleared_at__isnull", False), ("kind", "")),
                        fields=["owed_by"],
                        name="casenotes_owed_by",
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
        migrations.CreateModel(
            name="NoteAuthor",
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
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("parts", apps.core.fields.EncryptedJSONField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authors",
                        to="casenotes.casenote",
                    ),
                ),
            ],
            options={
                "verbose_name": "author of a note",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("note", "author"), name="casenotes_author_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Review",
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
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("accepted", "accepted"),
                            ("returned", "returned"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("reasons", apps.core.fields.EncryptedJSONField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("comment", apps.core.fields.EncryptedTextField(null=True)),
                (
                    "note",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="casenotes.casenote",
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "review",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "accepted", "returned"])),
                        name="casenotes_review_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("comment__isnull", True),
                                ("decided_at", None),
                                ("reviewer", None),
                                ("state", "waiting"),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("reviewer__isnull", False),
                                ("state__in", ["accepted", "returned"]),
                            ),
                            _connector="OR",
                        ),
                        name="casenotes_reviewed_by_whom_and_when",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("note",),
                        name="casenotes_one_review_waits",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["asked_at", "id"],
                        name="casenotes_review_queue",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Signature",
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
                ("device", models.UUIDField(null=True)),
                ("counter", models.BigIntegerField(null=True)),
                ("edit_no", models.BigIntegerField(null=True)),
                ("device_time", models.DateTimeField(null=True)),
                (
                    "clock_offset_ms",
                    models.IntegerField(
                        help_text="device clock minus server clock, milliseconds, measured at the push",
                        null=True,
                    ),
                ),
                ("clock_uncertainty_ms", models.IntegerField(null=True)),
                ("received_at", models.DateTimeField()),
                ("flags", models.JSONField(default=list)),
                ("unread", apps.core.fields.EncryptedJSONField(null=True)),
                ("content_hash", models.CharField(max_length=64)),
                ("content", apps.core.fields.EncryptedJSONField()),
                ("authors", apps.core.fields.EncryptedJSONField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="casenotes.casenote",
                    ),
                ),
            ],
            options={
                "verbose_name": "signature",
            },
        ),
        append_only("casenotes_signature"),
        append_only("casenotes_addendum"),
        migrations.RunSQL(
            (SQL / "signed.sql").read_text(encoding="utf-8"),
            (SQL / "signed_drop.sql").read_text(encoding="utf-8"),
        ),
    ]
