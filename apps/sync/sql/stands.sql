-- How the documents of pushed versions stand, each for one holder, in one journey: the document, what
-- else is known under its id, and the last save of the version's editor that was taken. A document
-- that the feed has not got has no row. Called under the documents' locks.
--
-- Only look-ups in indexes, whatever the statistics say: a table that was empty a minute ago must not
-- be read as a whole for every row of a push. LIMIT 1 keeps each look-up what it is: it can neither
-- become a hash of the table nor be begun from the table's side. And `i.holder = g.holder`, put as two
-- comparisons of (doc_id, holder), finds its place in the key alone: without statistics PostgreSQL
-- takes the index of a holder's page to be as good, and reads all that the holder has for each row.
create or replace function sync_stands(
  of_collection text, ids uuid[], holders uuid[], editors uuid[], edit_nos bigint[], prints bytea[]
) returns table (
  doc_id uuid, rev bigint, body bytea, visible boolean, stands_in boolean, names_media boolean,
  told_before boolean, last_id uuid, last_rev bigint, last_no bigint, last_content bytea
) language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
begin
  return query
  select d.doc_id, d.rev, d.body, seen.yes is not null, refused.yes is not null,
    media.yes is not null, told.yes is not null, last.id, last.rev, last.edit_no, last.content
  from unnest(ids, holders, editors, edit_nos, prints) as g (id, holder, editor, edit_no, print)
  cross join lateral (
    select * from feed_document f where f.collection = of_collection and f.doc_id = g.id limit 1) d
  left join lateral (
    select true as yes from feed_item i where i.collection = of_collection and i.doc_id = g.id
      and (i.doc_id, i.holder) >= (g.id, g.holder) and (i.doc_id, i.holder) <= (g.id, g.holder)
      and i.visible limit 1) seen on true
  left join lateral (
    select true as yes from sync_quarantinedwrite q where q.collection = of_collection
      and q.doc_id = g.id::text and q.stands_in limit 1) refused on true
  left join lateral (
    select true as yes from sync_mediareference m where m.collection = of_collection
      and m.doc_id = g.id limit 1) media on true
  left join lateral (
    select true as yes from sync_version v where v.collection = of_collection and v.doc_id = g.id
      and v.editor = g.editor and v.edit_no = g.edit_no and v.fingerprint = g.print
    limit 1) told on true
  left join lateral (
    select v.id, v.rev, v.edit_no, v.content from sync_version v
    where v.collection = of_collection and v.doc_id = g.id and v.editor = g.editor
      and v.fate <> 'kept' order by v.edit_no desc limit 1) last on true;
end $$;

-- Whether these documents have these revisions now; 0: the feed has not got it.
create or replace function sync_led_to(of_collection text, ids uuid[], revs bigint[]) returns boolean
language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
begin
  return not exists (
    select from unnest(ids, revs) as g (id, rev)
    left join lateral (
      select f.rev from feed_document f
      where f.collection = of_collection and f.doc_id = g.id limit 1) d on true
    where coalesce(d.rev, 0) <> g.rev);
end $$;

-- Of these pairs of holder and document those where the feed has the document and the holder may not
-- see it.
create or replace function sync_not_held(of_collection text, holders uuid[], ids uuid[])
returns table (holder uuid, doc_id uuid) language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
begin
  return query
  select g.holder, g.id
  from unnest(holders, ids) as g (holder, id)
  cross join lateral (
    select from feed_document f where f.collection = of_collection and f.doc_id = g.id limit 1) d
  left join lateral (
    select true as yes from feed_item i where i.collection = of_collection and i.doc_id = g.id
      and (i.doc_id, i.holder) >= (g.id, g.holder) and (i.doc_id, i.holder) <= (g.id, g.holder)
      and i.visible limit 1) seen on true
  where seen.yes is null;
end $$;
