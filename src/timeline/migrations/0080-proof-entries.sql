-- What people prove with is appended, never changed: a lock, a used code, an age or an endorsement can't be taken back with the
-- application's login. The newest entry of a holder counts; each has an HMAC by the process that wrote it, and one without
-- is nobody's. lifeboat.proof stays as it was found, and is copied by the migration.
create table lifeboat.proof_entry (
  -- system/person
  holder        text not null,
  version       integer not null check (version > 0),
  secret        bytea,
  pending       bytea,
  pending_at    timestamptz(3),
  last_step     bigint not null,
  last_key      text,
  failures      integer not null,
  locked_until  timestamptz(3),
  enrolled_at   timestamptz(3),
  vouched_by    text,
  written_at    timestamptz(3) not null default clock_timestamp(),
  mac           text not null,
  mac_key       text not null,
  primary key (holder, version)
);
create trigger append_only before update or delete or truncate on lifeboat.proof_entry
  for each statement execute function lifeboat.refuse_change();
grant select, insert on lifeboat.proof_entry to lifeboat_app;
revoke insert, update, delete on lifeboat.proof from lifeboat_app;
