-- What people prove with that they are who their account says. Secrets are encrypted before they come here, with a key the
-- database never sees; nothing of this table is ever on the timeline.
create table lifeboat.proof (
  -- system/person
  holder        text primary key,
  -- null: nothing is confirmed yet
  secret        bytea,
  -- shown to its holder and not yet confirmed with a code
  pending       bytea,
  pending_at    timestamptz,
  -- the newest time step whose code was used, and the request that used it: no code counts twice
  last_step     bigint not null default -1,
  last_key      text,
  failures      integer not null default 0,
  locked_until  timestamptz
);

grant select, insert, update, delete on lifeboat.proof to lifeboat_app;
