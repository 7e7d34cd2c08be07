from pathlib import Path

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql" / "stands.sql"


class Migration(migrations.Migration):
    atomic = False  # the index is built while others write
    dependencies = [("sync", "0006_another_history"), ("changes", "0003_new_history")]

    operations = [
        AddIndexConcurrently(
            "quarantinedwrite",
            models.Index(
                fields=["collection", "doc_id"],
                condition=models.Q(stands_in=True),
                name="sync_stands_in",
            ),
        ),
        migrations.RunSQL(
            SQL.read_text(encoding="utf-8"),
            "drop function sync_stands; drop function sync_led_to",
        ),
    ]
