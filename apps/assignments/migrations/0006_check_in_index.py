"""The tick looks for check-ins that are due every few seconds."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("assignments", "0005_check_ins")]

    operations = [
        AddIndexConcurrently(
            "assignment",
            models.Index(
                fields=["check_in_next_at"],
                condition=models.Q(check_in_next_at__isnull=False),
                name="assignments_check_in_due",
            ),
        ),
    ]
