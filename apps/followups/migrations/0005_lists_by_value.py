from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("accounts", "0003_partners"),
        ("followups", "0004_lists_by_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="followup",
            index=models.Index(
                condition=models.Q(("state", "ended")),
                fields=["ended_at", "id"],
                name="followups_ended",
            ),
        ),
    ]
