"""Empties the database between tests that commit.

Django's flush knows only managed tables, empties the content types that it then has to fill again,
and truncates every table, which costs a new file each. This deletes from the tables that hold rows,
with their triggers off because what is on record refuses to go, and puts back what the migrations
had put in. Only a test that left thousands of rows pays for a truncate. Sequences go on.

On the tests' own server no trigger runs in the whole transaction, by statements that are planned
once: 4 ms of PostgreSQL's. Elsewhere each table's are turned off and on again: 18 ms, and whatever
any connection had planned for that table is planned anew.
"""

from __future__ import annotations

from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected

# Inside a function, and no part of what it is: a dump of it is restored on any server.
TRIGGERS_OFF = "perform set_config('session_replication_role', 'replica', true);"
TRIGGERS_ON = "perform set_config('session_replication_role', 'origin', true);"

# What migrate fills and nothing in the product changes.
_LEFT_ALONE = ("auth_permission", "django_content_type", "django_migrations")

_PREPARE = """
create schema pristine;
do $$
declare name text; filled boolean;
begin
  for name in select tablename from pg_tables
    where schemaname = 'public' and tablename <> all (array{left_alone!r}) loop
    execute format('select exists (select from %I)', name) into filled;
    if filled then execute format('create table pristine.%I as table %I', name, name); end if;
  end loop;
end $$;

create function pristine.reset() returns void language plpgsql as $$
declare name text; rows int; large boolean := false; columns text; filled text[] := '{{}}';
begin
  for name in select tablename from pg_tables
    where schemaname = 'public' and tablename <> all (array{left_alone!r}) loop
    execute format('select count(*) from (select from %I limit 2001) x', name) into rows;
    if rows > 0 or to_regclass('pristine.' || quote_ident(name)) is not null then
      filled := filled || quote_ident(name);
    end if;
    large := large or rows > 2000;
  end loop;
  if large then execute 'truncate ' || array_to_string(filled, ', ') || ' cascade'; end if;
  foreach name in array filled loop
    execute format('alter table %s disable trigger user', name);
    execute format('delete from %s', name);
    if to_regclass('pristine.' || name) is not null then
      select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
        where attrelid = name::regclass and attnum > 0 and not attisdropped and attgenerated = '';
      execute format(
        'insert into %1$s (%2$s) overriding system value select %2$s from pristine.%1$s',
        name, columns);
    end if;
  end loop;
  set constraints all immediate;   -- the deletes' checks, or the triggers cannot be turned on again
  foreach name in array filled loop
    execute format('alter table %s enable trigger user', name);
  end loop;
end $$;
""".format(left_alone=list(_LEFT_ALONE))


# Each table with its columns, and whether the migrations put something in.
_TABLES = """
select quote_ident(relname), string_agg(quote_ident(attname), ', '),
  to_regclass('pristine.' || quote_ident(relname)) is not null
from pg_class join pg_attribute on attrelid = pg_class.oid
where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> all (%s)
  and attnum > 0 and not attisdropped and attgenerated = ''
group by relname
"""


def without_triggers() -> bool:
    """Whether this connection may do without triggers."""
    with connection.cursor() as cursor:
        cursor.execute("select has_parameter_privilege('session_replication_role', 'set')")
        return bool(cursor.fetchone()[0])


def remember_pristine() -> None:
    """Once, after the migrations: keep what they put in, and the functions that put it back."""
    with connection.cursor() as cursor:
        cursor.execute(_PREPARE)
        if not without_triggers():
            cursor.execute(
                "create function pristine.quick_reset() returns void language sql"
                " return pristine.reset()"
            )
            return
        cursor.execute(_TABLES, [list(_LEFT_ALONE)])
        tables = cursor.fetchall()
        empty = "".join(
            f"select count(*) into rows from (select from {table} limit 2001) x;"
            f" if rows > 2000 then large := large || '{table}'::text;"
            f" elsif rows > 0 then delete from {table}; end if;\n"
            for table, _, _ in tables
        )
        fill = "".join(
            f"insert into {table} ({columns}) overriding system value"
            f" select {columns} from pristine.{table};\n"
            for table, columns, filled in tables
            if filled
        )
        # Who still writes for a client that has gone is waited for.
        cursor.execute(
            "create function pristine.quick_reset() returns void language plpgsql as $$"
            f" declare rows int; large text[] := '{{}}'; begin {TRIGGERS_OFF}"
            f" lock table {', '.join(table for table, _, _ in tables)} in share row exclusive mode;"
            f" {empty} if large <> '{{}}' then"
            " execute 'truncate ' || array_to_string(large, ', ') || ' cascade'; end if;"
            f" {fill} {TRIGGERS_ON} end $$"
        )


def reset_database() -> None:
    """Every table as the migrations left it, in one journey."""
    insist("select pristine.quick_reset()")


def insist(statement: str) -> None:
    """Executes what locks all tables, as a transaction of its own.

    A server may still be writing for a client that has gone. It locks its tables in another order,
    so that one of the two may be refused; if it is we, the server's work is done by now.
    """
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
