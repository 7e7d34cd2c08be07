import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_partners"),
        ("sync", "0011_what_tablets_say"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EarlyDocument",
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
                ("collection", models.CharField(max_length=40)),
                ("what", models.CharField(max_length=40)),
                ("doc_id", models.UUIDField(verbose_name="document")),
                ("parent", models.CharField(max_length=40, verbose_name="waits for")),
                ("parent_id", models.UUIDField()),
                ("since", models.DateTimeField()),
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
                    "tablet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tablet",
                    ),
                ),
            ],
            options={
                "verbose_name": "document that waits",
                "verbose_name_plural": "documents that wait",
                "indexes": [
                    models.Index(fields=["since", "id"], name="sync_waits_by_time"),
                    models.Index(fields=["what", "since"], name="sync_waits_by_what"),
                    models.Index(fields=["parent", "since"], name="sync_waits_by_parent"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("collection", "doc_id", "parent", "parent_id"),
                        name="sync_waits_once",
                    )
                ],
            },
        ),
    ]
