from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("dispatch", "0008_tracking_id"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="incident",
            index=models.Index(fields=["tracking_id"], name="dispatch_incident_by_tracking"),
        ),
    ]
