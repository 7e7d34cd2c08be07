from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("audit", "0006_saved_views"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="entry",
            index=models.Index(fields=["action", "at"], name="audit_entry_by_action"),
        ),
        AddIndexConcurrently(
            model_name="entry",
            index=models.Index(fields=["subject_type", "at"], name="audit_entry_by_type"),
        ),
        AddIndexConcurrently(
            model_name="entry",
            index=models.Index(fields=["actor_kind", "at"], name="audit_entry_by_actor_kind"),
        ),
    ]
