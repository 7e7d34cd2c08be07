from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("accounts", "0003_partners"),
        ("dispatch", "0005_lists_by_time"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="heldmessage",
            index=models.Index(fields=["path", "received_at"], name="dispatch_held_by_path"),
        ),
        AddIndexConcurrently(
            model_name="incident",
            index=models.Index(
                fields=["common_type", "occurred_at"], name="dispatch_incident_by_type"
            ),
        ),
        AddIndexConcurrently(
            model_name="incident",
            index=models.Index(
                fields=["entry_kind", "occurred_at"], name="dispatch_incident_by_entry"
            ),
        ),
        AddIndexConcurrently(
            model_name="incident",
            index=models.Index(
                fields=["verdict", "occurred_at"], name="dispatch_incident_by_verdict"
            ),
        ),
    ]
