"""Rows that many tests begin with: made once in each process, and put back by each test.

To make a team on duty takes a fifth of a second through the services, to put its rows back a
fiftieth of that. No trigger runs for what is put back: what it would do is among the rows. Only the
owner on the tests' own server may do without triggers; elsewhere whoever asks makes the rows anew.
"""

from __future__ import annotations

from django.db import connection

from tests.reset import TRIGGERS_OFF, TRIGGERS_ON, reset_database, without_triggers

# Each with its columns, and whether a row might break a constraint only later.
_TABLES = """
select quote_ident(relname), string_agg(quote_ident(attname), ', '), exists (
  select from pg_constraint c
  where c.conrelid = pg_class.oid and c.contype in ('u', 'x') and c.condeferrable)
from pg_class join pg_attribute on attrelid = pg_class.oid
where relnamespace = 'public'::regnamespace and relkind = 'r'
  and attnum > 0 and not attisdropped and attgenerated = ''
group by pg_class.oid, relname
"""


def possible() -> bool:
    """Whether rows can be put back here without their triggers."""
    return without_triggers()


def keep(name: str) -> None:
    """Keeps what has been committed since the last reset, and resets the database."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        tables = cursor.fetchall()
        cursor.execute(f"create schema kept_{name}")
        inserts = []
        for table, columns, deferrable in tables:
            cursor.execute(f"select exists (select from {table})")
            if cursor.fetchone()[0]:
                cursor.execute(f"create table kept_{name}.{table} as table {table}")
                # What the migrations put in is there already; where a constraint can be deferred,
                # PostgreSQL cannot be told so, and they put in nothing.
                there = "" if deferrable else "on conflict do nothing"
                inserts.append(
                    f"insert into {table} ({columns}) overriding system value"
                    f" select {columns} from kept_{name}.{table} {there};"
                )
        cursor.execute(
            f"create function kept_{name}.put() returns void language plpgsql as $$ begin"
            f" {TRIGGERS_OFF} {' '.join(inserts)} {TRIGGERS_ON} end $$"
        )
    reset_database()


def put(name: str) -> None:
    """Puts back what was kept by a name, in the transaction of now or in one of its own. What is
    there already stays."""
    with connection.cursor() as cursor:
        cursor.execute(f"select kept_{name}.put()")
