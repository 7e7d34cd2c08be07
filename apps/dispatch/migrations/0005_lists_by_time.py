from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("accounts", "0003_partners"),
        ("dispatch", "0004_beat_outlines"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="heldmessage",
            index=models.Index(fields=["received_at", "id"], name="dispatch_held_by_time"),
        ),
        AddIndexConcurrently(
            model_name="shift",
            index=models.Index(fields=["starts_at", "id"], name="dispatch_shift_by_time"),
        ),
    ]
