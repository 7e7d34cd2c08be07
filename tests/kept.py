"""Rows that many tests begin with: made once in each process, and put back by each test.

To make a team on duty takes a fifth of a second through the services, to put its rows back a
hundredth. No trigger runs for what is put back: what it would do is among the rows. Only the owner
on the tests' own server may do without triggers; elsewhere whoever asks makes the rows anew.
"""

from __future__ import annotations

from django.db import connection

from tests.reset import reset_database


def possible() -> bool:
    """Whether rows can be put back here without their triggers."""
    with connection.cursor() as cursor:
        cursor.execute("select has_parameter_privilege('session_replication_role', 'set')")
        return bool(cursor.fetchone()[0])


def keep() -> None:
    """Keeps what has been committed since the last reset, and resets the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select quote_ident(relname), string_agg(quote_ident(attname), ', ')"
            " from pg_class join pg_attribute on attrelid = pg_class.oid"
            " where relnamespace = 'public'::regnamespace and relkind = 'r'"
            " and attnum > 0 and not attisdropped and attgenerated = '' group by relname"
        )
        columns = dict(cursor.fetchall())
        cursor.execute("create schema kept")
        inserts = []
        for name, of_it in columns.items():
            cursor.execute(f"select exists (select from {name})")
            if cursor.fetchone()[0]:
                cursor.execute(f"create table kept.{name} as table {name}")
                inserts.append(
                    f"insert into {name} ({of_it}) overriding system value"
                    f" select {of_it} from kept.{name} on conflict do nothing;"
                )
        cursor.execute(
            "create function kept.put() returns void language plpgsql"
            f" set session_replication_role = replica as $$ begin {' '.join(inserts)} end $$"
        )
    reset_database()


def put() -> None:
    """Puts back what was kept, in the transaction of now. What is there stays."""
    with connection.cursor() as cursor:
        cursor.execute("select kept.put()")
