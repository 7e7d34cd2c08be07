"""Old rows of the log can go, once every reader has passed them."""

from importlib import import_module

from django.db import migrations

replaced = import_module("apps.changes.migrations.0002_send_again").replaced


class Migration(migrations.Migration):
    dependencies = [("changes", "0006_parked_reactions")]

    operations = [
        migrations.RunSQL(replaced("feed_let_go"), migrations.RunSQL.noop),
    ]
