from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("accounts", "0003_partners"),
        ("sync", "0009_lists_by_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="conflict",
            index=models.Index(fields=["collection", "at"], name="sync_conflict_by_collection"),
        ),
        AddIndexConcurrently(
            model_name="quarantinedwrite",
            index=models.Index(fields=["collection", "at"], name="sync_quarantine_by_collection"),
        ),
        AddIndexConcurrently(
            model_name="version",
            index=models.Index(fields=["fate", "id"], name="sync_history_by_fate"),
        ),
    ]
