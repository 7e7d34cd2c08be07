from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("assignments", "0007_harm_and_support"),
        ("dispatch", "0003_check_in_minutes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="alert",
            index=models.Index(fields=["raised_at", "id"], name="assignments_alert_by_time"),
        ),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(fields=["given_at", "id"], name="assignments_given_by_time"),
        ),
    ]
