from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("accounts", "0003_partners"),
        ("sync", "0008_photos_handed_in"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="conflict",
            index=models.Index(fields=["at", "id"], name="sync_conflict_by_time"),
        ),
        AddIndexConcurrently(
            model_name="quarantinedwrite",
            index=models.Index(fields=["at", "id"], name="sync_quarantine_by_time"),
        ),
    ]
