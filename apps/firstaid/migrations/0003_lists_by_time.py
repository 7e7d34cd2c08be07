from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("dispatch", "0005_lists_by_time"),
        ("firstaid", "0002_overdose_protocol"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="firstaidlog",
            index=models.Index(fields=["received_at", "id"], name="firstaid_aid_by_time"),
        ),
    ]
