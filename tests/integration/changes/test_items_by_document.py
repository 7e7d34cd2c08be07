"""A database from before the key of `feed_item` began with the document is brought up."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

by_document = import_module("apps.changes.migrations.0004_items_by_document").by_document


def indexes() -> dict[str, str]:
    """Their names, and the columns of each."""
    with connection.cursor() as cursor:
        cursor.execute("select indexname, indexdef from pg_indexes where tablename = 'feed_item'")
        return {name: definition.split(" USING btree ")[1] for name, definition in cursor}


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_key_is_turned_round_and_a_second_run_changes_nothing(
    transactional_db: None, interrupted: bool
) -> None:
    wanted = indexes()
    with connection.cursor() as cursor:
        cursor.execute(
            "alter table feed_item drop constraint feed_item_pkey; "
            "alter table feed_item add primary key (holder, collection, doc_id); "
            "create index feed_item_document on feed_item (collection, doc_id) where visible"
        )
        if interrupted:
            cursor.execute(
                "create unique index feed_item_by_document "
                "on feed_item (collection, doc_id, holder)"
            )
    assert indexes() != wanted

    for _ in range(2):
        with connection.schema_editor(atomic=False) as editor:
            by_document(apps, editor)
        assert indexes() == wanted
