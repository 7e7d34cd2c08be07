from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("accounts", "0003_partners"),
        ("metrics", "0003_exported_what"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="dispatchfigures",
            index=models.Index(fields=["closing", "given_at"], name="metrics_dispatch_closing"),
        ),
        AddIndexConcurrently(
            model_name="dispatchfigures",
            index=models.Index(fields=["record", "given_at"], name="metrics_dispatch_record"),
        ),
    ]
