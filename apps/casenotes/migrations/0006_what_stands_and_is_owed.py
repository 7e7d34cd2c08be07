from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("casenotes", "0005_note_policies")]

    operations = [
        migrations.RunSQL(
            (SQL / "authors.sql").read_text(encoding="utf-8"),
            "drop trigger casenotes_authors_stand on casenotes_noteauthor;"
            "drop function casenotes_authors_stand();",
        ),
        migrations.RunSQL(
            (SQL / "reviews.sql").read_text(encoding="utf-8"),
            "drop trigger casenotes_review_stands on casenotes_review;"
            "drop function casenotes_review_stands();",
        ),
        migrations.CreateModel(
            name="OwedReport",
            fields=[
                (
                    "note",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="owed_report",
                        serialize=False,
                        to="casenotes.casenote",
                    ),
                ),
                ("due_at", models.DateTimeField(null=True)),
                ("since", models.DateTimeField()),
            ],
            options={
                "verbose_name": "report owed by law",
                "verbose_name_plural": "reports owed by law",
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at", "note"],
                        name="casenotes_report_owed",
                    )
                ],
            },
        ),
    ]
