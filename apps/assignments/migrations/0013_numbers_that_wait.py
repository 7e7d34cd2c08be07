from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [("assignments", "0012_nothing_waits_by_its_flag")]

    operations = [
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("link_at__isnull", False)),
                fields=["link_at"],
                name="assignments_number_waits",
            ),
        ),
    ]
