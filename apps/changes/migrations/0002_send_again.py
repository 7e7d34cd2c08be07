"""A document can be sent once more to everybody who has it, whoever that is at COMMIT."""

import re
from pathlib import Path

from django.db import migrations

FEED = Path(__file__).resolve().parent.parent / "sql" / "feed.sql"


def _feed() -> str:
    return FEED.read_text(encoding="utf-8")


def replaced(function: str) -> str:
    """The statement that brings a function to what `feed.sql` says."""
    [statement] = re.findall(
        rf"^create function {function}\(.*?^end \$\$;",
        FEED.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return statement.replace("create function", "create or replace function", 1)


def replaced_check() -> str:
    """Likewise for what a change may be. No row of before contradicts it."""
    [check] = re.findall(
        r"constraint feed_change_kind check \(.*? else false end\)", _feed(), re.DOTALL
    )
    return (
        "alter table feed_change drop constraint feed_change_kind; "
        f"alter table feed_change add {check} not valid; "
        "alter table feed_change validate constraint feed_change_kind;"
    )


class Migration(migrations.Migration):
    dependencies = [("changes", "0001_initial")]

    operations = [
        migrations.RunSQL(replaced_check(), migrations.RunSQL.noop),
        migrations.RunSQL(replaced("feed_apply_documents"), migrations.RunSQL.noop),
    ]
