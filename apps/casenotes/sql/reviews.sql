-- A review waits until it is decided, once: what was asked for stays what it was, what a reviewer
-- decided stands, and none is deleted.
create or replace function casenotes_review_stands() returns trigger language plpgsql as $$
declare
  decision constant text[] := array['state', 'reviewer_id', 'decided_at', 'comment'];
begin
  if tg_op = 'DELETE' then
    raise exception 'what was recorded is not deleted' using errcode = 'insufficient_privilege';
  end if;
  if old.state <> 'waiting' then
    raise exception 'what a reviewer decided stands' using errcode = 'insufficient_privilege';
  end if;
  if to_jsonb(new) - decision is distinct from to_jsonb(old) - decision then
    raise exception 'a review stays what it was asked for'
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger casenotes_review_stands before update or delete on casenotes_review
  for each row execute function casenotes_review_stands();
