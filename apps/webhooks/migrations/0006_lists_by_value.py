from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("webhooks", "0005_lists_by_time"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="untoldevent",
            index=models.Index(fields=["error", "failed_at"], name="webhooks_untold_by_error"),
        ),
    ]
