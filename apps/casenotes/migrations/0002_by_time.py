from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the index is built while others write
    dependencies = [("casenotes", "0001_initial")]

    operations = [
        AddIndexConcurrently("casenote", models.Index(fields=["begun_at"], name="casenotes_begun")),
    ]
