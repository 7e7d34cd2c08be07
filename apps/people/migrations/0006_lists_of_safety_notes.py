from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index beside those who write

    dependencies = [("people", "0005_safety_notes")]

    operations = [
        AddIndexConcurrently(
            model_name="person",
            index=models.Index(
                condition=models.Q(
                    ("safety_unread", True), ("safety_until__isnull", False), _connector="OR"
                ),
                fields=["created_at", "id"],
                name="people_person_safety",
            ),
        ),
        AddIndexConcurrently(
            model_name="person",
            index=models.Index(
                condition=models.Q(("let_go_at", None)),
                fields=["created_at"],
                name="people_person_unlinked",
            ),
        ),
    ]
