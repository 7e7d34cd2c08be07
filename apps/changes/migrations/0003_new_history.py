"""The operator can begin another history, after a restore or a promotion."""

from importlib import import_module

from django.db import migrations

replaced = import_module("apps.changes.migrations.0002_send_again").replaced


class Migration(migrations.Migration):
    dependencies = [("changes", "0002_send_again")]

    operations = [
        migrations.RunSQL(replaced("feed_new_history"), migrations.RunSQL.noop),
    ]
