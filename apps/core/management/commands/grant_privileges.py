"""`manage.py grant_privileges`: what the application's role may do, from the models themselves.

Run as the owner after every migration. The role owns nothing: it reads and writes rows, only adds
to append-only tables, and truncates nothing.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, transaction
from psycopg import sql

from apps.core.models import Model


class Command(BaseCommand):
    help = "Gives the application's database role its rights. Run as the owner, after migrate."

    def add_arguments(self, parser: CommandParser) -> None:
        default = "owner" if "owner" in settings.DATABASES else "default"
        parser.add_argument("--database", default=default)
        parser.add_argument("--role", default=settings.DATABASE_APP_ROLE)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        role = sql.Identifier(options["role"])
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_roles where rolname = %s", [options["role"]])
            if cursor.fetchone() is None:
                raise CommandError(f"There is no database role {options['role']!r}.")
            missing = expected_tables() - set(connection.introspection.table_names(cursor))
            if missing:
                raise CommandError(f"Run migrate first: no table {', '.join(sorted(missing))}.")
            with transaction.atomic(options["database"]):
                for statement in statements():
                    cursor.execute(sql.SQL(statement).format(role=role))
        self.stdout.write(f"{options['role']} may use the tables and owns nothing.")


# Tables that only the feed's own functions write: the role inserts changes and documents, and the
# functions, which run with the owner's rights, do the rest.
FEED_RIGHTS = {
    "feed_change": "select, insert",
    "feed_commit": "select",
    "feed_document": "select, insert, update",
    "feed_member": "select",
    "feed_holding": "select",
    "feed_item": "select",
    "feed_grant": "select, insert, delete",
    "feed_binding": "select, insert, update, delete",
    "feed_epoch": "select",
    "feed_last_page": "select, insert, update, delete",
}


def expected_tables() -> set[str]:
    """Every table that the migrations make."""
    return {model._meta.db_table for model in apps.get_models(include_auto_created=True)}


def statements() -> list[str]:
    """GRANT and REVOKE statements, with `{role}` to fill in, in order."""
    tables = {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
    }
    result = [
        "revoke all on all tables in schema public from {role}",
        "grant select on django_migrations to {role}",
        "revoke create on schema public from public",
        "grant usage on schema public to {role}",
        "grant usage, select on all sequences in schema public to {role}",
    ]
    for table, model in sorted(tables.items()):
        append_only = issubclass(model, Model) and model.APPEND_ONLY
        rights = "select, insert" if append_only else "select, insert, update, delete"
        result.append(f'grant {rights} on "{table}" to {{role}}')
    result += [f'grant {rights} on "{table}" to {{role}}' for table, rights in FEED_RIGHTS.items()]
    return result
