"""The admin's list of incidents is in the order of the calls."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("dispatch", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "incident",
            models.Index(fields=["-occurred_at"], name="dispatch_in_occurre_954003_idx"),
        ),
    ]
