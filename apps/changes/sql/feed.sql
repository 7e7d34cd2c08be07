-- The feed: one number for every commit that published something, in the order of the commits, and
-- for every holder the list of documents it must have or must drop.
--
-- A holder is one local database of one tablet, or one desk. A principal is who a person is.
-- Writers run READ COMMITTED, readers in one snapshot. `now` is the database's: it orders nothing.
--
-- Who writes what. Services insert into feed_change and write feed_document, feed_grant and
-- feed_binding; nothing else. The rest is written by the trigger functions below, which run as the
-- owner (SECURITY DEFINER), so the application's role needs no right to it. The feed's tables have
-- no foreign keys: a deferred check would wait for locks while the commit order is held.

-- CACHE 1: a session that kept numbers back would hand out an old one late.
create sequence feed_seq as bigint cache 1;
create sequence feed_commit_id as bigint;

-- One row for each transaction that published. `seq` is null only inside its own transaction.
-- `nonce` is this history's fingerprint: a server put back in time numbers the next commit with the
-- same seq, never with the same nonce.
create table feed_commit (
  id     bigint primary key,
  seq    bigint unique,
  nonce  bigint not null default floor(random() * 9e15)::bigint,
  at     timestamptz not null default clock_timestamp()
);

-- What a transaction did, for ever in this order: (feed_commit.seq, n).
create table feed_change (
  n           bigint generated always as identity primary key,
  commit_id   bigint not null,
  kind        text not null,
  collection  text, doc_id uuid, scopes text[], rev bigint,   -- doc: all its scopes now ({}: nobody)
  holder      uuid, scope text, held boolean,                 -- hold: a holder gains or loses a scope
  event       text, subject uuid,                             -- event: for reactions and partners
  constraint feed_change_kind check (case kind
    when 'doc' then
      num_nonnulls(collection, doc_id) = 2 and num_nonnulls(holder, scope, held, event, subject) = 0
    when 'hold' then
      num_nonnulls(holder, scope, held) = 3 and num_nonnulls(collection, doc_id, scopes, rev, event, subject) = 0
    when 'event' then
      num_nonnulls(event, subject) = 2 and num_nonnulls(collection, doc_id, scopes, rev, holder, scope, held) = 0
    else false end)
);
create index feed_change_commit on feed_change (commit_id, n);

-- The document as it is sent, once, sealed. The publisher writes it, and the row's lock orders two
-- publishers of one document. A document that is never sent (membership only) has no row here.
create table feed_document (
  collection  text not null,
  doc_id      uuid not null,
  rev         bigint not null default 1,
  body        bytea not null,
  primary key (collection, doc_id)
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
alter table feed_document alter column body set storage external;   -- sealed bytes do not compress

-- The present: which document is in which scope, which holder holds which scope.
create table feed_member (
  scope       text not null,
  collection  text not null,
  doc_id      uuid not null,
  primary key (scope, collection, doc_id)
);
create index feed_member_document on feed_member (collection, doc_id, scope);
create table feed_holding (
  holder  uuid not null,
  scope   text not null,
  primary key (holder, scope)
);
create index feed_holding_scope on feed_holding (scope, holder);

-- What each holder must have (visible) or must drop (not visible), and since which commit. A row
-- only ever moves forward: a page is one range of feed_item_page, everything new for all sockets of
-- a process is one range of feed_item_news.
create table feed_item (
  holder      uuid not null,
  collection  text not null,
  doc_id      uuid not null,
  seq         bigint not null,
  visible     boolean not null,
  primary key (collection, doc_id, holder)   -- in this order: who has a document
) with (autovacuum_vacuum_scale_factor = 0.05);
create index feed_item_page on feed_item (holder, collection, seq, doc_id) include (visible);
create index feed_item_news on feed_item (seq, holder);

-- What a principal may see, and as whom a holder is signed in. Services turn the two into 'hold'
-- changes; holdings = grants of the principal that the holder is bound to, always.
create table feed_grant (
  principal  uuid not null,
  scope      text not null,
  primary key (principal, scope)
);
create table feed_binding (
  holder     uuid primary key,
  principal  uuid not null
);
create index feed_binding_principal on feed_binding (principal);

-- The name of this history; the newest row is current. A restore or a promotion adds a row.
create table feed_epoch (
  id          uuid primary key default gen_random_uuid(),
  started_at  timestamptz not null default clock_timestamp()
);

-- Before each change: the commit it belongs to, the same for the whole transaction. The setting is
-- local to the transaction and is undone with a savepoint.
create function feed_join_commit() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  mine text := nullif(current_setting('carefield.commit', true), '');
begin
  if mine is null then
    if current_setting('transaction_isolation') <> 'read committed' then
      raise exception 'publish in READ COMMITTED: under an older snapshot memberships are missed';
    end if;
    mine := nextval('feed_commit_id');
    perform set_config('carefield.commit', mine, true);
  end if;
  new.commit_id := mine::bigint;
  return new;
end $$;
create trigger feed_join_commit before insert on feed_change
  for each row execute function feed_join_commit();

-- At COMMIT, first round, among the deferred foreign keys of everyone else: only queue the second
-- round, once per commit. An id that was used before (a forged setting) fails on the primary key.
create function feed_queue() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.commit_id::text is distinct from current_setting('carefield.queued', true) then
    insert into feed_commit (id) values (new.commit_id);
    perform set_config('carefield.queued', new.commit_id::text, true);
  end if;
  return null;
end $$;
create constraint trigger feed_queue after insert on feed_change
  deferrable initially deferred for each row execute function feed_queue();

-- The last word of this transaction on each document: its scopes, and every holder that sees it
-- now or saw it until now. One statement: its parts write different rows. A change without scopes
-- sends the document once more to whoever has it: which scopes those are is known only here, where
-- nobody else is writing them.
create function feed_apply_documents(this_commit bigint, s bigint) returns void language plpgsql as $$
begin
  with last as materialized (
    select distinct on (collection, doc_id) collection, doc_id, coalesce(scopes, array(
      select m.scope from feed_member m
      where m.collection = c.collection and m.doc_id = c.doc_id)) as scopes
    from feed_change c where commit_id = this_commit and kind = 'doc'
    order by collection, doc_id, scopes is null, n desc
  ), leaves as (
    delete from feed_member m using last d
    where m.collection = d.collection and m.doc_id = d.doc_id and m.scope <> all (d.scopes)
  ), enters as (
    insert into feed_member (scope, collection, doc_id)
    select distinct x, d.collection, d.doc_id from last d, unnest(d.scopes) x
    on conflict do nothing
  ), sent as materialized (
    select d.* from last d join feed_document b using (collection, doc_id)
  ), shown as (
    insert into feed_item as i (holder, collection, doc_id, seq, visible)
    select distinct h.holder, d.collection, d.doc_id, s, true
    from sent d join feed_holding h on h.scope = any (d.scopes)
    on conflict (holder, collection, doc_id) do update set seq = s, visible = true
  )
  update feed_item i set seq = s, visible = false
  from sent d
  where i.collection = d.collection and i.doc_id = d.doc_id and i.visible
    and not exists (
      select from feed_holding h where h.holder = i.holder and h.scope = any (d.scopes));
end $$;

-- Scopes gained: what is in them comes. Scopes lost: it goes, unless another held scope shows it.
create function feed_apply_holds(this_commit bigint, s bigint) returns void language plpgsql as $$
begin
  with last as materialized (
    select distinct on (holder, scope) holder, scope, held from feed_change
    where commit_id = this_commit and kind = 'hold' order by holder, scope, n desc
  ), gains as (
    insert into feed_holding (holder, scope) select holder, scope from last where held
    on conflict do nothing
  )
  delete from feed_holding h using last x
  where not x.held and h.holder = x.holder and h.scope = x.scope;

  with last as materialized (
    select distinct on (holder, scope) holder, scope, held from feed_change
    where commit_id = this_commit and kind = 'hold' order by holder, scope, n desc
  ), shown as (
    insert into feed_item as i (holder, collection, doc_id, seq, visible)
    select distinct x.holder, m.collection, m.doc_id, s, true
    from last x join feed_member m using (scope) join feed_document b using (collection, doc_id)
    where x.held
    on conflict (holder, collection, doc_id) do update set seq = s, visible = true
      where not i.visible
  )
  update feed_item i set seq = s, visible = false
  from last x join feed_member m using (scope)
  where not x.held and i.holder = x.holder
    and i.collection = m.collection and i.doc_id = m.doc_id and i.visible
    and not exists (
      select from feed_member other join feed_holding h using (scope)
      where h.holder = x.holder and other.collection = m.collection and other.doc_id = m.doc_id);
end $$;

-- At COMMIT, second round: every deferred foreign key has been checked, so whoever holds this lock
-- waits for nobody. One lock, one number, then the writes: holdings, then documents (each leads from
-- one right state to another, so the order between them is free). Only nested loops over indexes:
-- the statistics of a table that was empty a minute ago must not make a whole table be read while
-- every other publisher waits. So one plan serves every call.
create function feed_apply() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  s bigint;
begin
  perform pg_advisory_xact_lock(7301, 1);
  s := nextval('feed_seq');
  update feed_commit set seq = s, at = clock_timestamp() where id = new.id;
  if exists (select from feed_change where commit_id = new.id and kind = 'hold') then
    perform feed_apply_holds(new.id, s);
  end if;
  if exists (select from feed_change where commit_id = new.id and kind = 'doc') then
    perform feed_apply_documents(new.id, s);
  end if;
  raise info 'feed head' using detail = s;   -- to the client, in COMMIT's own answer: see bell.py
  -- Applied before COMMIT (SET CONSTRAINTS ... IMMEDIATE): what follows is another commit row.
  perform set_config('carefield.commit', '', true);
  return null;
end $$;
create constraint trigger feed_apply after insert on feed_commit
  deferrable initially deferred for each row execute function feed_apply();

-- What a service publishes at once, in one journey with a plan that the session keeps. Documents are
-- given in the order of (collection, id), so that two publishers lock the ones they share in one
-- order. A document's scopes are one text with commas, because an array of arrays cannot be ragged.
create function feed_publish(
  collections text[], ids uuid[], bodies bytea[], scope_lists text[], events text[], subjects uuid[]
) returns void language plpgsql as $$
begin
  with given as (
    select * from unnest(collections, ids, bodies, scope_lists) with ordinality
      as g (collection, doc_id, body, scope_list, n)
  ), stored as (
    insert into feed_document as present (collection, doc_id, body)
    select collection, doc_id, body from given where body is not null order by n
    on conflict (collection, doc_id) do update set rev = present.rev + 1, body = excluded.body
    returning collection, doc_id, rev
  )
  insert into feed_change (kind, collection, doc_id, scopes, rev)
  select 'doc', collection, doc_id, string_to_array(scope_list, ','), rev
  from given left join stored using (collection, doc_id) order by n;

  insert into feed_change (kind, event, subject)
  select 'event', event, subject from unnest(events, subjects) with ordinality
    as g (event, subject, n) order by n;
end $$;

-- One page: as many rows as asked for, or everything there is.
create function feed_page(of_holder uuid, of_collection text, after_seq bigint, after_id uuid, n int)
returns table (seq bigint, doc_id uuid, visible boolean) language sql stable as $$
  select i.seq, i.doc_id, i.visible from feed_item i
  where i.holder = of_holder and i.collection = of_collection
    and (i.seq, i.doc_id) > (after_seq, after_id)
  order by i.seq, i.doc_id limit n
$$;

-- Drops a holder's tombstones below a checkpoint that this very holder has presented: it read the
-- checkpoint from its disk, so it has carried them out. SKIP LOCKED: never waits for feed_apply.
create function feed_forget(of_holder uuid, of_collection text, before_seq bigint) returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with gone as (
    delete from feed_item i using (
      select holder, collection, doc_id from feed_item
      where holder = of_holder and collection = of_collection and seq < before_seq and not visible
      for update skip locked) t
    where (i.holder, i.collection, i.doc_id) = (t.holder, t.collection, t.doc_id)
    returning 1)
  select count(*) from gone
$$;

-- The page that was handed out last in answer to a pull, where it or one before it held tombstones:
-- which row it ended with, and whether it was short. A client goes on from memory after a full page
-- alone. So whoever shows the end of a short one has read it from its disk, with all before it: what
-- lies there of tombstones was carried out. The end of a full one shows nothing of the kind.
create table feed_last_page (
  holder      uuid not null,
  collection  text not null,
  seq         bigint not null,
  doc_id      uuid not null,
  short       boolean not null,
  primary key (holder, collection)
) with (fillfactor = 85);

-- A page goes out. It is noted before it leaves: the end of a full page must not pass for that of a
-- short one which was handed out before and lost on its way.
create function feed_hand_out(
  of_holder uuid, of_collection text, last_seq bigint, last_id uuid, is_short boolean
) returns void language sql as $$
  insert into feed_last_page (holder, collection, seq, doc_id, short)
  values (of_holder, of_collection, last_seq, last_id, is_short)
  on conflict (holder, collection) do update
    set seq = excluded.seq, doc_id = excluded.doc_id, short = excluded.short
$$;

-- Whether a holder shows by this place that it has carried out what came before it. Null: nothing is
-- noted, because there was nothing to carry out.
create function feed_has_passed(of_holder uuid, of_collection text, at_seq bigint, at_id uuid)
returns boolean language sql stable as $$
  select p.short and (p.seq, p.doc_id) = (at_seq, at_id) from feed_last_page p
  where p.holder = of_holder and p.collection = of_collection
$$;

-- Another history begins: the server was put back in time, or promoted, and what it numbers from now
-- on is not what tablets have seen under these numbers. The first commit of a history lies beyond
-- every number that was ever given out in the one before: whoever compares numbers alone is right
-- too. Sequences that a copy of files has left behind are brought up. Returns the new epoch.
create function feed_new_history() returns uuid
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  a_history constant bigint := 1000000000;
  reached bigint;
  epoch uuid;
begin
  perform pg_advisory_xact_lock(7301, 1);
  select greatest(last_value, (select coalesce(max(seq), 0) from feed_commit)) into reached from feed_seq;
  perform setval('feed_seq', (reached / a_history + 1) * a_history);
  perform setval('feed_commit_id',
    greatest(last_value, (select coalesce(max(id), 0) from feed_commit), 1)) from feed_commit_id;
  perform setval(pg_get_serial_sequence('feed_change', 'n'),
    greatest(nextval(pg_get_serial_sequence('feed_change', 'n')),
      (select coalesce(max(n), 0) from feed_change)));
  -- Never older than the one before, whatever this machine's clock says: the newest one counts.
  insert into feed_epoch (started_at)
    select greatest(clock_timestamp(), max(started_at) + interval '1 microsecond') from feed_epoch
    returning id into epoch;
  return epoch;
end $$;

-- The log is append-only, for the owner too. A commit row is stamped once. Retention says so:
-- `set local carefield.retention = 'on'` allows DELETE in that transaction, nothing allows UPDATE.
-- (The application's role has neither right. TRUNCATE is left to the owner.)
create function feed_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('carefield.retention', true) = 'on' then
    return old;
  end if;
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger feed_keep before update or delete on feed_change
  for each row execute function feed_keep();
create trigger feed_keep before delete on feed_commit
  for each row execute function feed_keep();
create trigger feed_keep_stamp before update on feed_commit
  for each row when (old.seq is not null) execute function feed_keep();

-- Retention: the oldest rows of the log go, at most so many, that every reader has passed (commits up
-- to read_up_to) and that are older than asked, and than 30 days in any case: whoever has the
-- application's rights cannot take away what just happened. Commits stay, because any checkpoint may
-- name one, and so does what began a history. Rows are looked at in the order of n, which is that of
-- the commits but for those of one moment: what has not gone ends the walk.
create function feed_let_go(read_up_to bigint, older_than timestamptz, most int) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  gone bigint;
begin
  perform set_config('carefield.retention', 'on', true);
  with oldest as materialized (
    select n, commit_id from feed_change where event is distinct from 'history.began'
    order by n limit most
  )
  delete from feed_change c using oldest o join feed_commit m on m.id = o.commit_id
  where c.n = o.n and m.seq <= read_up_to
    and m.at < least(older_than, clock_timestamp() - interval '30 days');
  get diagnostics gone = row_count;
  perform set_config('carefield.retention', '', true);
  return gone;
end $$;

-- The first rows: the history's name, and the holder that stands for everyone.
insert into feed_epoch default values;
insert into feed_grant (principal, scope)
  values ('00000000-0000-4000-8000-000000000e0e', 'everyone');
insert into feed_binding (holder, principal)
  values ('00000000-0000-4000-8000-000000000e0e', '00000000-0000-4000-8000-000000000e0e');
insert into feed_change (kind, holder, scope, held)
  values ('hold', '00000000-0000-4000-8000-000000000e0e', 'everyone', true);
set constraints feed_queue, feed_apply immediate;
set constraints feed_queue, feed_apply deferred;
