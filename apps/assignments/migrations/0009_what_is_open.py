"""A board asks all day for the calls and alerts that are open, of all that ever were."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("assignments", "0008_lists_by_time")]

    operations = [
        AddIndexConcurrently(
            "assignment",
            models.Index(
                fields=["given_at"],
                condition=models.Q(closed_at=None),
                name="assignments_open",
            ),
        ),
        AddIndexConcurrently(
            "alert",
            models.Index(
                fields=["raised_at"],
                condition=models.Q(acknowledged_at=None, stopped_at=None),
                name="assignments_alert_open",
            ),
        ),
    ]
