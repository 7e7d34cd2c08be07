from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("assignments", "0009_what_is_open"),
        ("dispatch", "0006_lists_by_value"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="alert",
            index=models.Index(fields=["level", "raised_at"], name="assignments_alert_by_level"),
        ),
        AddIndexConcurrently(
            model_name="alert",
            index=models.Index(fields=["kind", "raised_at"], name="assignments_alert_by_kind"),
        ),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(fields=["state", "given_at"], name="assignments_by_state"),
        ),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(fields=["entry_kind", "given_at"], name="assignments_by_entry"),
        ),
        AddIndexConcurrently(
            model_name="fact",
            index=models.Index(fields=["event", "received_at"], name="assignments_fact_by_event"),
        ),
        AddIndexConcurrently(
            model_name="fact",
            index=models.Index(fields=["source", "received_at"], name="assignments_fact_by_source"),
        ),
        AddIndexConcurrently(
            model_name="fact",
            index=models.Index(fields=["received_at", "id"], name="assignments_fact_by_time"),
        ),
        AddIndexConcurrently(
            model_name="fact",
            index=models.Index(
                condition=models.Q(("flags__contains", ["not_here_yet"])),
                fields=["received_at"],
                name="assignments_fact_came_early",
            ),
        ),
    ]
