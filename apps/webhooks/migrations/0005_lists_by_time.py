from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("webhooks", "0004_newest_and_forsaken"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="notice",
            index=models.Index(fields=["at", "id"], name="webhooks_notice_by_time"),
        ),
        AddIndexConcurrently(
            model_name="untoldevent",
            index=models.Index(fields=["failed_at", "id"], name="webhooks_untold_by_time"),
        ),
    ]
