-- A signed note stands: whoever asks, the owner of the tables included. What was signed lies in
-- casenotes_signature, which is only added to (append_only). These triggers keep the note's row and
-- its signatures in agreement. See docs/adr on signed notes.

-- A note goes forward only, and is never deleted. Its signature comes first: a note without a text
-- of its own, and without one that is signed, cannot be.
create function casenotes_note_stays() returns trigger language plpgsql as $$
declare
  may_change constant text[] := array['state', 'locked_at'];
begin
  if tg_op = 'DELETE' then
    raise exception 'what was recorded is not deleted' using errcode = 'insufficient_privilege';
  end if;
  if (new.id, new.encounter_id, new.assignment_id)
      is distinct from (old.id, old.encounter_id, old.assignment_id) then
    raise exception 'a note stays with its encounter' using errcode = 'insufficient_privilege';
  end if;
  if old.state <> 'draft' then
    if to_jsonb(new) - may_change is distinct from to_jsonb(old) - may_change then
      raise exception 'a signed note stands' using errcode = 'insufficient_privilege';
    end if;
    if (new.state, new.locked_at) is distinct from (old.state, old.locked_at)
        and (old.state, new.state) is distinct from ('signed', 'locked') then
      raise exception 'a note only goes forward' using errcode = 'insufficient_privilege';
    end if;
  elsif new.state <> 'draft' then
    if new.state <> 'signed' or not exists (
        select from casenotes_signature s
        where s.note_id = new.id and s.content_hash = new.signed_hash) then
      raise exception 'a note is signed by a signature' using errcode = 'insufficient_privilege';
    end if;
  end if;
  return new;
end $$;
create trigger casenotes_note_stays before update or delete on casenotes_casenote
  for each row execute function casenotes_note_stays();

-- All signatures of a note are for one text. The note's row orders two that come at once: whoever
-- is second reads, in a later statement, what the first has committed.
create function casenotes_one_text() returns trigger language plpgsql as $$
begin
  perform from casenotes_casenote where id = new.note_id for no key update;
  if exists (
      select from casenotes_signature s
      where s.note_id = new.note_id and s.content_hash <> new.content_hash) then
    raise exception 'another text of this note is signed' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger casenotes_one_text before insert on casenotes_signature
  for each row execute function casenotes_one_text();
