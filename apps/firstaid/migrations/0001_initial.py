import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.fields
import apps.core.ids
import apps.firstaid.models
from apps.core.append_only import append_only


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0002_lost_and_compromised"),
        ("dispatch", "0002_incidents_by_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # CACHE 1: a session that kept numbers back would give a late act an early place.
        migrations.RunSQL(
            "create sequence firstaid_act_order as bigint cache 1",
            "drop sequence firstaid_act_order",
        ),
        migrations.CreateModel(
            name="Kit",
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
                ("label", models.CharField(max_length=60, unique=True)),
                ("in_use", models.BooleanField(default=True)),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dispatch.unit",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Product",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("naloxone", "naloxone"),
                            ("naloxone_kit", "naloxone kit to leave behind"),
                            ("supply", "first aid supply"),
                        ],
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("strength", models.CharField(blank=True, max_length=60)),
                (
                    "drug",
                    models.CharField(blank=True, max_length=20, verbose_name="RxNorm ingredient"),
                ),
                (
                    "dose",
                    models.DecimalField(blank=True, decimal_places=3, max_digits=8, null=True),
                ),
                ("dose_unit", models.CharField(blank=True, max_length=10)),
                ("route", models.CharField(blank=True, max_length=10)),
                (
                    "low_at",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="warn below"
                    ),
                ),
                ("in_use", models.BooleanField(default=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "strength"), name="firstaid_product_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["naloxone", "naloxone_kit", "supply"])),
                        name="firstaid_product_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("dose", None), ("dose__gt", 0), _connector="OR"),
                        name="firstaid_product_dose",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Certification",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("naloxone", "naloxone"),
                            ("first_aid", "first aid"),
                            ("peer", "peer counsellor"),
                        ],
                        max_length=12,
                    ),
                ),
                ("number", models.CharField(blank=True, max_length=60)),
                ("issued_on", models.DateField()),
                ("expires_on", models.DateField(blank=True, null=True)),
                ("recorded_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["naloxone", "first_aid", "peer"])),
                        name="firstaid_certification_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_on", None),
                            ("expires_on__gte", models.F("issued_on")),
                            _connector="OR",
                        ),
                        name="firstaid_certification_expires_later",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("withdrawn_at", None), ("withdrawn_by", None)),
                            models.Q(
                                ("withdrawn_at__isnull", False), ("withdrawn_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="firstaid_certification_withdrawn_who_and_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FirstAidLog",
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
                ("assignment_id", models.UUIDField(db_index=True, null=True)),
                ("encounter_id", models.UUIDField(db_index=True, null=True)),
                ("corrects", models.UUIDField(db_index=True, null=True)),
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
                (
                    "order",
                    models.BigIntegerField(
                        db_default=apps.firstaid.models.NextInOrder(), unique=True
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("tablet", "tablet"),
                            ("desk", "supervisor"),
                            ("system", "Carefield"),
                        ],
                        max_length=10,
                    ),
                ),
                ("flags", models.JSONField(default=list)),
                ("unread", apps.core.fields.EncryptedJSONField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("data", apps.core.fields.EncryptedJSONField()),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dispatch.unit",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["tablet", "desk", "system"])),
                        name="firstaid_aid_source",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NaloxoneDose",
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
                ("assignment_id", models.UUIDField(db_index=True, null=True)),
                ("encounter_id", models.UUIDField(db_index=True, null=True)),
                ("corrects", models.UUIDField(db_index=True, null=True)),
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
                (
                    "order",
                    models.BigIntegerField(
                        db_default=apps.firstaid.models.NextInOrder(), unique=True
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("tablet", "tablet"),
                            ("desk", "supervisor"),
                            ("system", "Carefield"),
                        ],
                        max_length=10,
                    ),
                ),
                ("flags", models.JSONField(default=list)),
                ("unread", apps.core.fields.EncryptedJSONField(null=True)),
                ("given_at", models.DateTimeField(null=True)),
                ("product_id", models.UUIDField(null=True)),
                ("lot_id", models.UUIDField(db_index=True, null=True)),
                ("kit_id", models.UUIDField(null=True)),
                ("data", apps.core.fields.EncryptedJSONField()),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dispatch.unit",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["received_at"], name="firstaid_dose_received")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["tablet", "desk", "system"])),
                        name="firstaid_dose_source",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OverdoseAnswer",
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
                ("assignment_id", models.UUIDField(db_index=True, null=True)),
                ("encounter_id", models.UUIDField(db_index=True, null=True)),
                ("corrects", models.UUIDField(db_index=True, null=True)),
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
                (
                    "order",
                    models.BigIntegerField(
                        db_default=apps.firstaid.models.NextInOrder(), unique=True
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("tablet", "tablet"),
                            ("desk", "supervisor"),
                            ("system", "Carefield"),
                        ],
                        max_length=10,
                    ),
                ),
                ("flags", models.JSONField(default=list)),
                ("unread", apps.core.fields.EncryptedJSONField(null=True)),
                ("question", models.CharField(max_length=24)),
                ("dose_id", models.UUIDField(db_index=True, null=True)),
                ("data", apps.core.fields.EncryptedJSONField()),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dispatch.unit",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["tablet", "desk", "system"])),
                        name="firstaid_answer_source",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Lot",
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
                ("number", models.CharField(max_length=60)),
                ("expires_on", models.DateField()),
                ("recalled_at", models.DateTimeField(null=True)),
                (
                    "recall_number",
                    models.CharField(
                        blank=True,
                        help_text="the maker's or the FDA's number of the recall",
                        max_length=60,
                    ),
                ),
                (
                    "recalled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="firstaid.product",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("product", "number"), name="firstaid_lot_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("recalled_at", None), ("recalled_by", None)),
                            models.Q(
                                ("recalled_at__isnull", False), ("recalled_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="firstaid_lot_recalled_who_and_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StockMovement",
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
                ("assignment_id", models.UUIDField(db_index=True, null=True)),
                ("encounter_id", models.UUIDField(db_index=True, null=True)),
                ("corrects", models.UUIDField(db_index=True, null=True)),
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
                (
                    "order",
                    models.BigIntegerField(
                        db_default=apps.firstaid.models.NextInOrder(), unique=True
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("tablet", "tablet"),
                            ("desk", "supervisor"),
                            ("system", "Carefield"),
                        ],
                        max_length=10,
                    ),
                ),
                ("flags", models.JSONField(default=list)),
                ("unread", apps.core.fields.EncryptedJSONField(null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("receive", "received"),
                            ("issue", "issued to a unit"),
                            ("dose", "dose given"),
                            ("left_behind", "kit left behind"),
                            ("return", "brought back"),
                            ("discard", "thrown away"),
                            ("count", "counted anew"),
                            ("reversal", "taken back"),
                        ],
                        max_length=12,
                    ),
                ),
                ("product_id", models.UUIDField(db_index=True)),
                ("lot_id", models.UUIDField(db_index=True, null=True)),
                ("quantity", models.PositiveIntegerField()),
                ("from_kit_id", models.UUIDField(db_index=True, null=True)),
                ("to_kit_id", models.UUIDField(db_index=True, null=True)),
                ("dose_id", models.UUIDField(db_index=True, null=True)),
                ("reverses", models.UUIDField(null=True, unique=True)),
                (
                    "cause",
                    models.CharField(
                        blank=True, help_text="a code of STOCK_REASONS", max_length=12
                    ),
                ),
                ("note", apps.core.fields.EncryptedTextField(null=True)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dispatch.unit",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "receive",
                                    "issue",
                                    "dose",
                                    "left_behind",
                                    "return",
                                    "discard",
                                    "count",
                                    "reversal",
                                ],
                            ),
                            ("source__in", ["tablet", "desk", "system"]),
                        ),
                        name="firstaid_movement_choices",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0)), name="firstaid_movement_quantity"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("from_kit_id__isnull", False),
                            ("to_kit_id__isnull", False),
                            _connector="OR",
                        ),
                        name="firstaid_movement_from_or_to",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dose_id__isnull", False), ("kind", "dose")),
                            models.Q(("kind", "dose"), _negated=True),
                            _connector="OR",
                        ),
                        name="firstaid_movement_of_a_dose",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "reversal"), ("reverses__isnull", False)),
                            models.Q(
                                models.Q(("kind", "reversal"), _negated=True), ("reverses", None)
                            ),
                            _connector="OR",
                        ),
                        name="firstaid_movement_reverses",
                    ),
                ],
            },
        ),
        append_only("firstaid_naloxonedose"),
        append_only("firstaid_firstaidlog"),
        append_only("firstaid_overdoseanswer"),
        append_only("firstaid_stockmovement"),
    ]
