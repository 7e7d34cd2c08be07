"""Migration operations that make a table append-only in the database itself.

The row trigger stops every path, the owner's included; TRUNCATE is withheld from the application's
role by privilege (`manage.py grant_privileges`), because tests need it between runs.
"""

from __future__ import annotations

from django.db import migrations

FUNCTION = migrations.RunSQL(
    """
    create function carefield_refuse() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
    end $$;
    """,
    "drop function carefield_refuse();",
)


def append_only(table: str) -> migrations.RunSQL:
    """Refuses UPDATE and DELETE on `table`, whoever asks."""
    return migrations.RunSQL(
        f"create trigger append_only before update or delete on {table} "
        "for each row execute function carefield_refuse();",
        f"drop trigger append_only on {table};",
    )
