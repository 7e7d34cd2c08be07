from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "stands.sql"


class Migration(migrations.Migration):
    dependencies = [("sync", "0012_what_waits")]

    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), "drop function sync_not_held"),
    ]
