from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("people", "0002_encounters_by_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="brokenglass",
            index=models.Index(fields=["at", "id"], name="people_glass_by_time"),
        ),
        AddIndexConcurrently(
            model_name="person",
            index=models.Index(fields=["created_at", "id"], name="people_person_by_time"),
        ),
    ]
