"""What a holder was handed last is noted, so that its pulls show what it has carried out."""

import re
from importlib import import_module

from django.db import migrations, models

FEED = import_module("apps.changes.migrations.0002_send_again").FEED


def table() -> str:
    """The statement that makes the table, where a new database has not made it from `feed.sql`."""
    [statement] = re.findall(
        r"^create table feed_last_page \(.*?;$",
        FEED.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return statement.replace("create table", "create table if not exists", 1)


def function(name: str) -> str:
    """Likewise for a function in plain SQL."""
    [statement] = re.findall(
        rf"^create function {name}\(.*?^\$\$;",
        FEED.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return statement.replace("create function", "create or replace function", 1)


class Migration(migrations.Migration):
    dependencies = [("changes", "0004_items_by_document")]

    operations = [
        migrations.RunSQL(table(), migrations.RunSQL.noop),
        migrations.RunSQL(function("feed_hand_out"), migrations.RunSQL.noop),
        migrations.RunSQL(function("feed_has_passed"), migrations.RunSQL.noop),
        migrations.CreateModel(
            name="LastPage",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "holder",
                        "collection",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("holder", models.UUIDField()),
                ("collection", models.TextField()),
                ("seq", models.BigIntegerField()),
                ("doc_id", models.UUIDField()),
                ("short", models.BooleanField()),
            ],
            options={"db_table": "feed_last_page", "managed": False},
        ),
    ]
