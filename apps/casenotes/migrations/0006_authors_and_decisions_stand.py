from pathlib import Path

from django.db import migrations

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
    ]
