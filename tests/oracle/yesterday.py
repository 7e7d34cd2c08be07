"""The database put back in time under running servers: what a restore, or a failover to a copy that
lags behind, is to them. Real dumps and standbys are in `tests/functional/sync/test_restore.py`;
this is quick enough for every other day.
"""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection, transaction

from tests.reset import insist

_REMEMBER = """
do $$
declare name text;
begin
  drop schema if exists yesterday cascade;
  create schema yesterday;
  for name in select tablename from pg_tables where schemaname = 'public' loop
    execute format('create table yesterday.%I as table public.%I', name, name);
  end loop;
  create table yesterday.sequences_ as select sequencename, last_value from pg_sequences
    where schemaname = 'public';
end $$;
"""

_PUT_BACK = """
do $$
declare name text; columns text; last record;
begin
  for name in select tablename from pg_tables where schemaname = 'public' loop
    execute format('alter table public.%I disable trigger user', name);
    execute format('delete from public.%I', name);
    select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
      where attrelid = format('public.%I', name)::regclass
        and attnum > 0 and not attisdropped and attgenerated = '';
    execute format(
      'insert into public.%1$I (%2$s) overriding system value select %2$s from yesterday.%1$I',
      name, columns);
  end loop;
  set constraints all immediate;
  for name in select tablename from pg_tables where schemaname = 'public' loop
    execute format('alter table public.%I enable trigger user', name);
  end loop;
  for last in select * from yesterday.sequences_ loop
    perform setval(
      format('public.%I', last.sequencename)::regclass,
      coalesce(last.last_value, 1), last.last_value is not null);
  end loop;
end $$;
"""


def remember() -> None:
    """Keep the whole database as it is now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REMEMBER)


def put_back() -> None:
    """Everything is as it was remembered, and the operator has begun another history."""
    insist(_PUT_BACK)
    call_command("new_history", verbosity=0)


def forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("drop schema if exists yesterday cascade")
