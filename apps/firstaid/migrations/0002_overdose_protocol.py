from django.db import migrations, models

import apps.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("firstaid", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="OverdoseProtocol",
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
                ("version", models.CharField(max_length=40, unique=True)),
                ("citation", models.CharField(max_length=400)),
                ("effective_from", models.DateField()),
                ("effective_to", models.DateField(blank=True, null=True)),
                (
                    "recheck_seconds",
                    models.PositiveSmallIntegerField(
                        help_text="2 to 3 minutes: 120 to 180",
                        verbose_name="ask again after (seconds)",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("recheck_seconds__range", (120, 180))),
                        name="firstaid_protocol_interval",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("effective_to", None),
                            ("effective_to__gte", models.F("effective_from")),
                            _connector="OR",
                        ),
                        name="firstaid_protocol_ends_later",
                    ),
                ],
            },
        ),
    ]
