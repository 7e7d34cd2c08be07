from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [
        ("casenotes", "0003_a_record_of_each_encounter"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="casenote",
            index=models.Index(fields=["state", "begun_at"], name="casenotes_by_state"),
        ),
        AddIndexConcurrently(
            model_name="casenote",
            index=models.Index(
                condition=models.Q(("restricted", True)),
                fields=["begun_at"],
                name="casenotes_restricted",
            ),
        ),
        AddIndexConcurrently(
            model_name="encounterrecord",
            index=models.Index(fields=["closing", "cleared_at"], name="casenotes_record_closing"),
        ),
        AddIndexConcurrently(
            model_name="encounterrecord",
            index=models.Index(fields=["kind", "cleared_at"], name="casenotes_record_kind"),
        ),
        AddIndexConcurrently(
            model_name="review",
            index=models.Index(
                condition=models.Q(("state", "waiting"), _negated=True),
                fields=["asked_at", "id"],
                name="casenotes_review_decided",
            ),
        ),
    ]
