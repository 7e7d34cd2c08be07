import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.fields
import apps.core.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0003_partners"),
        ("changes", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Cursor",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("n", models.BigIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Endpoint",
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
                ("name", models.CharField(max_length=80)),
                ("url", apps.core.fields.EncryptedTextField()),
                (
                    "contact",
                    apps.core.fields.EncryptedTextField(
                        help_text="the partner's e-mail address for warnings", null=True
                    ),
                ),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), default=list, size=None
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            (
                                "unverified",
                                "waits for the receiver to show that it is the partner's",
                            ),
                            ("active", "active"),
                            ("paused", "paused, events are kept"),
                            ("disabled", "disabled"),
                        ],
                        default="unverified",
                        max_length=12,
                    ),
                ),
                ("challenge", apps.core.fields.EncryptedTextField()),
                ("made_at", models.DateTimeField()),
                ("verified_at", models.DateTimeField(null=True)),
                ("paused_at", models.DateTimeField(null=True)),
                (
                    "paused_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("partner", "the partner"),
                            ("staff", "a supervisor"),
                            ("system", "Carefield, after days of failures alone"),
                        ],
                        max_length=10,
                    ),
                ),
                ("pause_reason", apps.core.fields.EncryptedTextField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_why",
                    models.CharField(
                        blank=True,
                        choices=[("gone", "the receiver answered 410"), ("partner", "the partner")],
                        max_length=10,
                    ),
                ),
                ("sequence", models.BigIntegerField(default=0)),
                (
                    "rate",
                    models.PositiveSmallIntegerField(default=50, help_text="attempts a second"),
                ),
                ("tokens", models.FloatField(default=0)),
                ("tokens_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(null=True)),
                ("warned_at", models.DateTimeField(null=True)),
                ("succeeded_at", models.DateTimeField(null=True)),
                ("open_until", models.DateTimeField(null=True)),
                ("slow_until", models.DateTimeField(null=True)),
                ("claimed_at", models.DateTimeField(null=True)),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="accounts.partner",
                    ),
                ),
                (
                    "watcher",
                    models.ForeignKey(
                        help_text="who is warned by name",
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
                        condition=models.Q(
                            ("state__in", ["unverified", "active", "paused", "disabled"]),
                            ("paused_by__in", ["", "partner", "staff", "system"]),
                            ("disabled_why__in", ["", "gone", "partner"]),
                        ),
                        name="webhooks_endpoint_choices",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "active"), _negated=True),
                            ("verified_at__isnull", False),
                            _connector="OR",
                        ),
                        name="webhooks_endpoint_active_once_verified",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("paused_at__isnull", False),
                                ("state", "paused"),
                                models.Q(("paused_by", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "paused"), _negated=True),
                                ("pause_reason__isnull", True),
                                ("paused_at", None),
                                ("paused_by", ""),
                            ),
                            _connector="OR",
                        ),
                        name="webhooks_endpoint_paused_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("disabled_at__isnull", False),
                                ("state", "disabled"),
                                models.Q(("disabled_why", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "disabled"), _negated=True),
                                ("disabled_at", None),
                                ("disabled_why", ""),
                            ),
                            _connector="OR",
                        ),
                        name="webhooks_endpoint_disabled_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("failing_since", None), ("failures", 0)),
                            models.Q(("failing_since__isnull", False), ("failures__gt", 0)),
                            _connector="OR",
                        ),
                        name="webhooks_endpoint_failing_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rate__range", (1, 1000))),
                        name="webhooks_endpoint_rate",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
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
                ("sequence", models.BigIntegerField()),
                ("epoch", models.UUIDField()),
                ("change", models.BigIntegerField()),
                ("type", models.CharField(max_length=60)),
                ("version", models.PositiveSmallIntegerField()),
                (
                    "lane",
                    models.SmallIntegerField(
                        choices=[
                            (0, "urgent: waits for no event before it"),
                            (1, "ordinary: one after the other, for each subject"),
                        ]
                    ),
                ),
                ("subject", models.UUIDField()),
                ("occurred_at", models.DateTimeField()),
                ("made_at", models.DateTimeField()),
                ("data", apps.core.fields.EncryptedJSONField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("accepted", "accepted"),
                            ("parked", "parked"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("tries", models.PositiveIntegerField(default=0)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("claim", models.UUIDField(null=True)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("replay", models.BooleanField(default=False)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "parked_why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("refused", "the receiver refused it for good"),
                            ("gone", "the receiver says that it is gone"),
                            ("unproven", "the receiver did not repeat the challenge"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("endpoint", "change", "type"),
                        name="webhooks_event_once_an_endpoint",
                    ),
                    models.UniqueConstraint(
                        fields=("endpoint", "sequence"), name="webhooks_sequence_once_an_endpoint"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["pending", "accepted", "parked"]),
                            ("lane__in", [0, 1]),
                            ("parked_why__in", ["", "refused", "gone", "unproven"]),
                        ),
                        name="webhooks_delivery_choices",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("data__isnull", False),
                                ("parked_why", ""),
                                ("settled_at", None),
                                ("state", "pending"),
                            ),
                            models.Q(
                                ("claim", None),
                                ("parked_why", ""),
                                ("settled_at__isnull", False),
                                ("state", "accepted"),
                            ),
                            models.Q(
                                ("claim", None),
                                ("settled_at__isnull", False),
                                ("state", "parked"),
                                models.Q(("parked_why", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="webhooks_delivery_settled_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("claim", None), ("claimed_until", None)),
                            models.Q(("claim__isnull", False), ("claimed_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="webhooks_delivery_claimed_until",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["endpoint", "lane", "sequence"],
                        name="webhooks_delivery_pending",
                    ),
                    models.Index(
                        fields=["endpoint", "subject", "sequence"],
                        name="webhooks_delivery_in_order",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("data__isnull", False), models.Q(("state", "pending"), _negated=True)
                        ),
                        fields=["made_at"],
                        name="webhooks_delivery_bodies",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
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
                            ("failing", "nothing but failures for a day"),
                            ("paused", "paused after days of failures alone"),
                            ("disabled", "disabled: the receiver answered 410"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("mailed_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
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
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="webhooks.endpoint",
                    ),
                ),
                (
                    "named",
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
                        condition=models.Q(("kind__in", ["failing", "paused", "disabled"])),
                        name="webhooks_notice_kind",
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
                        name="webhooks_notice_acknowledged_by",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SigningKey",
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
                ("secret", apps.core.fields.EncryptedTextField()),
                ("private", apps.core.fields.EncryptedTextField()),
                ("public", models.CharField(max_length=80)),
                ("made_at", models.DateTimeField()),
                ("retires_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="keys",
                        to="webhooks.endpoint",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("retires_at", None)),
                        fields=("endpoint",),
                        name="webhooks_one_current_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UntoldEvent",
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
                ("seq", models.BigIntegerField()),
                ("change", models.BigIntegerField()),
                ("event", models.TextField()),
                ("subject", models.UUIDField()),
                ("type", models.CharField(max_length=60)),
                ("occurred_at", models.DateTimeField()),
                ("error", models.TextField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("failed_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("change", "type"), name="webhooks_untold_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Allowance",
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
                ("type", models.CharField(max_length=60)),
                ("given_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.partner",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at", None)),
                        fields=("partner", "type"),
                        name="webhooks_allowed_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
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
                ("number", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("open", "under way"),
                            ("accepted", "accepted"),
                            ("refused", "refused for good"),
                            ("gone", "gone for good"),
                            ("unproven", "challenge not repeated"),
                            ("failed", "answered with a failure"),
                            ("redirected", "answered with a redirection, which is never followed"),
                            ("timed_out", "no answer in time"),
                            ("unreachable", "not reached"),
                            ("forbidden", "the address is not one that we call"),
                            ("lost", "our worker ended before the answer"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("latency_ms", models.PositiveIntegerField(null=True)),
                ("excerpt", apps.core.fields.EncryptedTextField(null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tried",
                        to="webhooks.delivery",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("excerpt__isnull", False)),
                        fields=["started_at"],
                        name="webhooks_attempt_excerpts",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("delivery", "number"), name="webhooks_attempt_number_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "outcome__in",
                                [
                                    "open",
                                    "accepted",
                                    "refused",
                                    "gone",
                                    "unproven",
                                    "failed",
                                    "redirected",
                                    "timed_out",
                                    "unreachable",
                                    "forbidden",
                                    "lost",
                                ],
                            )
                        ),
                        name="webhooks_attempt_outcome",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("outcome", "open")),
                            models.Q(
                                models.Q(("outcome", "open"), _negated=True),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="webhooks_attempt_ended_when",
                    ),
                ],
            },
        ),
        # What is in the log already happened before there was anybody to tell.
        migrations.RunSQL(
            """
            insert into webhooks_cursor (name, seq, n)
            select 'events', coalesce(max(seq), 0), 9223372036854775807 from feed_commit;
            alter table webhooks_delivery set (autovacuum_vacuum_scale_factor = 0.05);
            """,
            migrations.RunSQL.noop,
        ),
    ]
