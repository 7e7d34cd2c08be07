from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # the index is built while others write
    dependencies = [("audit", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            "entry", GinIndex(fields=["subject_ids"], name="audit_entry_subjects")
        ),
    ]
