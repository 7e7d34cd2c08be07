"""Lists and exports of encounters are in the order in which they were opened."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("people", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "encounter",
            models.Index(fields=["opened_at", "id"], name="people_encounter_opened"),
        ),
    ]
