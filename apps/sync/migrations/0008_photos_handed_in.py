"""Photos from tablets that nobody is signed in on."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.ids


class Migration(migrations.Migration):
    atomic = False  # an index of a table that is in use is built beside it

    dependencies = [
        ("accounts", "0002_lost_and_compromised"),
        ("sync", "0007_stands"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MediaHandIn",
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
                ("at", models.DateTimeField()),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sync.mediafile",
                    ),
                ),
                (
                    "tablet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.tablet",
                    ),
                ),
            ],
            options={
                "verbose_name": "media handed in",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("file", "tablet"), name="sync_media_handed_in_once"
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="mediaupload",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "drop index concurrently if exists sync_media_handing_in_once",
                    migrations.RunSQL.noop,
                ),
                migrations.RunSQL(
                    "create unique index concurrently sync_media_handing_in_once "
                    "on sync_mediaupload (sha256, tablet_id) where user_id is null",
                    "drop index concurrently if exists sync_media_handing_in_once",
                ),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="mediaupload",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("user", None)),
                        fields=("sha256", "tablet"),
                        name="sync_media_handing_in_once",
                    ),
                ),
            ],
        ),
    ]
