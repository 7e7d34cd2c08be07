from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the index is built while others write
    dependencies = [("webhooks", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("claim__isnull", False)),
                fields=["endpoint"],
                name="webhooks_delivery_under_way",
            ),
        ),
    ]
