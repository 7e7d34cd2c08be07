"""The feed's tables and trigger functions are plain SQL; the models only read them."""

from pathlib import Path

import django.contrib.postgres.fields
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


def read(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(read("feed.sql"), read("feed_drop.sql")),
        migrations.CreateModel(
            name="Binding",
            fields=[
                ("holder", models.UUIDField(primary_key=True, serialize=False)),
                ("principal", models.UUIDField()),
            ],
            options={
                "db_table": "feed_binding",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("n", models.BigIntegerField(primary_key=True, serialize=False)),
                ("commit_id", models.BigIntegerField()),
                ("kind", models.TextField()),
                ("collection", models.TextField(null=True)),
                ("doc_id", models.UUIDField(null=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), null=True, size=None
                    ),
                ),
                ("rev", models.BigIntegerField(null=True)),
                ("holder", models.UUIDField(null=True)),
                ("scope", models.TextField(null=True)),
                ("held", models.BooleanField(null=True)),
                ("event", models.TextField(null=True)),
                ("subject", models.UUIDField(null=True)),
            ],
            options={
                "db_table": "feed_change",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Commit",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField(null=True, unique=True)),
                ("nonce", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "feed_commit",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Epoch",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
            ],
            options={
                "db_table": "feed_epoch",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "principal",
                        "scope",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("principal", models.UUIDField()),
                ("scope", models.TextField()),
            ],
            options={
                "db_table": "feed_grant",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Holding",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "holder",
                        "scope",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("holder", models.UUIDField()),
                ("scope", models.TextField()),
            ],
            options={
                "db_table": "feed_holding",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "holder",
                        "collection",
                        "doc_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("holder", models.UUIDField()),
                ("collection", models.TextField()),
                ("doc_id", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                ("visible", models.BooleanField()),
            ],
            options={
                "db_table": "feed_item",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "scope",
                        "collection",
                        "doc_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("scope", models.TextField()),
                ("collection", models.TextField()),
                ("doc_id", models.UUIDField()),
            ],
            options={
                "db_table": "feed_member",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="StoredDocument",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "collection",
                        "doc_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("collection", models.TextField()),
                ("doc_id", models.UUIDField()),
                ("rev", models.BigIntegerField()),
                ("body", models.BinaryField()),
            ],
            options={
                "db_table": "feed_document",
                "managed": False,
            },
        ),
    ]
