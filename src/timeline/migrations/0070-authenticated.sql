-- Every event carries an HMAC-SHA256 by the process that wrote it, with a key that is not in the database: whoever holds the
-- application's login alone can't forge one. Rows from before have none; the head of each stream as this migration found
-- it is signed (signed_statement, kind 'seal'), and the hash chain below it covers them.
alter table lifeboat.event
  add column mac text,
  add column mac_key text,
  -- A process of a version before this one is refused from here on: what it would write can't be authenticated.
  add constraint event_authenticated
    check (mac is not null and mac ~ '^[0-9a-f]{64}$' and mac_key is not null and mac_key ~ '^[0-9a-f]{16}$') not valid;

-- Statements signed with Ed25519: the seal of this migration, heads at sensible times, and each acceptance of a store that
-- came back older. `statement` is the text the signature is over.
create table lifeboat.signed_statement (
  id        bigint generated always as identity primary key,
  kind      text not null check (kind in ('seal', 'head', 'acceptance')),
  stream    text,
  version   integer,
  statement text not null,
  key       text not null,
  signature text not null,
  stored_at timestamptz(3) not null default clock_timestamp(),
  check ((kind = 'head') = (stream is not null and version is not null))
);
create index signed_statement_head on lifeboat.signed_statement (stream, version desc) where kind = 'head';
create trigger append_only before update or delete or truncate on lifeboat.signed_statement
  for each statement execute function lifeboat.refuse_change();
grant select, insert on lifeboat.signed_statement to lifeboat_app;

-- A head is always the version and hash of an event that is there.
create function lifeboat.head_is_an_event() returns trigger language plpgsql as $$
begin
  perform from lifeboat.event e where e.stream = new.id and e.version = new.version and e.hash = new.head_hash;
  if not found then
    raise exception 'the head of % names no event', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;
create trigger head_is_an_event after update on lifeboat.stream
  for each row when (new.version <> old.version or new.head_hash <> old.head_hash) execute function lifeboat.head_is_an_event();
create trigger first_head_is_an_event after insert on lifeboat.stream
  for each row when (new.version <> 0 or new.head_hash <> repeat('0', 64)) execute function lifeboat.head_is_an_event();
