import django.contrib.postgres.fields
import django.db.models.constraints
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.assignments.models
import apps.core.fields
import apps.core.ids
from apps.core.append_only import append_only


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
        ("dispatch", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # CACHE 1: a session that kept numbers back would give a late fact an early place.
        migrations.RunSQL(
            "create sequence assignments_fact_order as bigint cache 1",
            "drop sequence assignments_fact_order",
        ),
        migrations.CreateModel(
            name="Alert",
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
                            ("emergency", "emergency"),
                            ("assist", "assistance requested"),
                            ("scene_unsafe", "scene no longer safe"),
                            ("unacknowledged", "call not acknowledged"),
                        ],
                        max_length=20,
                    ),
                ),
                ("assignment_id", models.UUIDField(db_index=True, null=True)),
                ("fact_id", models.UUIDField(null=True, unique=True)),
                ("raised_at", models.DateTimeField()),
                (
                    "level",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="2: supervisors; 3: the dispatch desk too"
                    ),
                ),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("stopped_at", models.DateTimeField(help_text="its cause is over", null=True)),
                (
                    "acknowledged_by",
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
                            ("kind__in", ["emergency", "assist", "scene_unsafe", "unacknowledged"])
                        ),
                        name="assignments_alert_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("acknowledged_at", None), ("acknowledged_by", None)),
                            models.Q(
                                ("acknowledged_at__isnull", False),
                                ("acknowledged_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="assignments_alert_who_and_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("level__in", [2, 3])), name="assignments_alert_level"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Assignment",
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
                    "revision_base",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="added to the incident's call revision, which a merge may set back",
                    ),
                ),
                (
                    "former_units",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                (
                    "entry_kind",
                    models.CharField(
                        choices=[
                            ("dual_911", "dispatched by 911 with SPD or SFD"),
                            ("solo_911", "dispatched by 911, CARE alone"),
                            ("request_spd", "requested by SPD"),
                            ("request_sfd", "requested by SFD"),
                            ("on_view", "met on the street"),
                            ("patrol", "patrol"),
                            ("community_engagement", "community engagement"),
                            ("follow_up", "follow-up"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("cad", "CAD"),
                            ("desk", "supervisor or dispatcher"),
                            ("responder", "responder"),
                        ],
                        max_length=10,
                    ),
                ),
                ("given_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("assigned", "assigned"),
                            ("received", "received on a tablet"),
                            ("acknowledged", "acknowledged"),
                            ("en_route", "en route"),
                            ("staged", "staged"),
                            ("on_scene", "on scene"),
                            ("contact", "in contact"),
                            ("transporting", "transporting"),
                            ("at_destination", "at the destination"),
                            ("closed", "closed"),
                        ],
                        default="assigned",
                        max_length=20,
                    ),
                ),
                ("closing", models.CharField(blank=True, max_length=20)),
                (
                    "acknowledged_revision",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="the highest call revision that a responder has acknowledged",
                    ),
                ),
                ("alarm_from", models.DateTimeField(null=True)),
                ("alarm_level", models.PositiveSmallIntegerField(default=0)),
                ("alarm_raised_at", models.DateTimeField(null=True)),
                ("alarm_due_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("leaves_at", models.DateTimeField(null=True)),
                ("left_at", models.DateTimeField(null=True)),
                ("flags", models.JSONField(default=list)),
                ("override_reason", apps.core.fields.EncryptedTextField(null=True)),
                (
                    "given_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="dispatch.incident",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="dispatch.unit",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("alarm_due_at__isnull", False)),
                        fields=["alarm_due_at"],
                        name="assignments_alarm_due",
                    ),
                    models.Index(
                        condition=models.Q(("leaves_at__isnull", False)),
                        fields=["leaves_at"],
                        name="assignments_leaving",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["IMMEDIATE"],
                        fields=("incident", "unit"),
                        name="assignments_one_an_incident_and_unit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "assigned",
                                    "received",
                                    "acknowledged",
                                    "en_route",
                                    "staged",
                                    "on_scene",
                                    "contact",
                                    "transporting",
                                    "at_destination",
                                    "closed",
                                ],
                            ),
                            (
                                "entry_kind__in",
                                [
                                    "dual_911",
                                    "solo_911",
                                    "request_spd",
                                    "request_sfd",
                                    "on_view",
                                    "patrol",
                                    "community_engagement",
                                    "follow_up",
                                ],
                            ),
                            ("source__in", ["cad", "desk", "responder"]),
                        ),
                        name="assignments_choices",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", False), ("state", "closed")),
                            models.Q(
                                models.Q(("state", "closed"), _negated=True), ("closed_at", None)
                            ),
                            _connector="OR",
                        ),
                        name="assignments_closed_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("alarm_from__isnull", False), ("closed_at", None)),
                            models.Q(
                                ("alarm_due_at", None),
                                ("alarm_from", None),
                                ("alarm_level", 0),
                                ("alarm_raised_at", None),
                            ),
                            _connector="OR",
                        ),
                        name="assignments_alarm_while_awaited",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("alarm_level", 0), ("alarm_raised_at", None)),
                            models.Q(
                                ("alarm_level__range", (1, 3)), ("alarm_raised_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="assignments_alarm_level_and_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", False),
                            models.Q(("leaves_at", None), ("left_at", None)),
                            _connector="OR",
                        ),
                        name="assignments_leaves_once_closed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Fact",
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
                ("event", models.CharField(max_length=24)),
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
                        db_default=apps.assignments.models.NextInOrder(), unique=True
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("tablet", "tablet"),
                            ("cad", "CAD"),
                            ("desk", "supervisor or dispatcher"),
                            ("system", "Carefield"),
                        ],
                        max_length=10,
                    ),
                ),
                ("flags", models.JSONField(default=list)),
                ("data", apps.core.fields.EncryptedJSONField()),
                ("unread", apps.core.fields.EncryptedJSONField(null=True)),
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
                        condition=models.Q(("source__in", ["tablet", "cad", "desk", "system"])),
                        name="assignments_fact_source",
                    )
                ],
            },
        ),
        append_only("assignments_fact"),
    ]
