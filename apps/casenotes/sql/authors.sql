-- Who wrote a signed note stands as its signatures have it. Authors come, and what is theirs grows,
-- while the note is a draft; none ever goes.
--
-- The note's row orders an author and a signature that come at once: whoever is second reads, in a
-- later statement, what the first has committed.
create or replace function casenotes_authors_stand() returns trigger language plpgsql as $$
declare
  its_state text;
begin
  if tg_op = 'DELETE' then
    raise exception 'authors of a note are not deleted' using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'UPDATE' and (new.id, new.note_id, new.author_id, new.first_at)
      is distinct from (old.id, old.note_id, old.author_id, old.first_at) then
    raise exception 'authors stay with their note' using errcode = 'insufficient_privilege';
  end if;
  perform from casenotes_casenote where id = new.note_id for no key update;
  select state into its_state from casenotes_casenote where id = new.note_id;
  if its_state <> 'draft' then
    raise exception 'the authors of a signed note stand' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger casenotes_authors_stand before insert or update or delete on casenotes_noteauthor
  for each row execute function casenotes_authors_stand();
