"""Empties the database between tests that commit.

Django's flush knows only managed tables, empties the content types that it then has to fill again,
and truncates every table although a test touches few: 20 times slower, and blind to the feed.
This looks for the tables that hold rows, truncates those, and puts back what the migrations had
put in. Sequences go on.
"""

from __future__ import annotations

from django.db import connection

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
declare name text; filled boolean; columns text; dirty text[] := '{{}}';
begin
  for name in select tablename from pg_tables
    where schemaname = 'public' and tablename <> all (array{left_alone!r}) loop
    execute format('select exists (select from %I)', name) into filled;
    if filled then dirty := dirty || quote_ident(name); end if;
  end loop;
  if dirty = '{{}}' then return; end if;
  execute 'truncate ' || array_to_string(dirty, ', ') || ' cascade';
  for name in select tablename from pg_tables where schemaname = 'pristine' loop
    select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
      where attrelid = quote_ident(name)::regclass
        and attnum > 0 and not attisdropped and attgenerated = '';
    execute format('alter table %I disable trigger user', name);   -- the feed's would answer
    execute format('insert into %1$I (%2$s) overriding system value select %2$s from pristine.%1$I',
                   name, columns);
    execute format('alter table %I enable trigger user', name);
  end loop;
end $$;
""".format(left_alone=list(_LEFT_ALONE))


def remember_pristine() -> None:
    """Once, after the migrations: keep what they put in, and the function that puts it back."""
    with connection.cursor() as cursor:
        cursor.execute(_PREPARE)


def reset_database() -> None:
    """Every table as the migrations left it, in one journey."""
    with connection.cursor() as cursor:
        cursor.execute("select pristine.reset()")
