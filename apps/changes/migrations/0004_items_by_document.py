"""The key of `feed_item` begins with the document: it then serves also to find who has one, and a
row that is sent to many costs one index less.

The table may be large and in use: the index is built beside it. Interrupted, it begins again.
"""

from typing import Any

from django.db import migrations


def by_document(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("select to_regclass('feed_item_document')")
        if cursor.fetchone()[0] is None:
            return  # `feed.sql` has made it so
        for statement in (
            "drop index concurrently if exists feed_item_by_document",
            (
                "create unique index concurrently feed_item_by_document "
                "on feed_item (collection, doc_id, holder)"
            ),
            (
                "alter table feed_item drop constraint feed_item_pkey, "
                "add constraint feed_item_pkey primary key using index feed_item_by_document"
            ),
            "drop index concurrently feed_item_document",
        ):
            cursor.execute(statement)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("changes", "0003_new_history")]

    operations = [migrations.RunPython(by_document, migrations.RunPython.noop)]
