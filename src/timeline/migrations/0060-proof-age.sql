-- A proof counts once it is old enough, or somebody vouched for it: whoever takes over an account and enrolls proves nothing by it.
-- What is enrolled already begins to age now, because nobody knows since when it is there.
alter table lifeboat.proof
  add column enrolled_at timestamptz,
  add column vouched_by text;
update lifeboat.proof set enrolled_at = clock_timestamp() where secret is not null;
