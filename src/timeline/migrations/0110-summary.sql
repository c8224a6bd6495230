-- What was derived of a timeline up to a head, so that a list needs not read every timeline there ever was. It is a cache and no
-- record: it counts only while its version and hash are the stream's head and its HMAC is by a process that verified the
-- events up to there; everything else is read from the events. Nothing is decided on it.
create table lifeboat.summary (
  stream   text primary key references lifeboat.stream,
  version  integer not null check (version > 0),
  hash     text not null check (hash ~ '^[0-9a-f]{64}$'),
  summary  jsonb not null,
  mac      text not null,
  mac_key  text not null
);
grant select, insert, update on lifeboat.summary to lifeboat_app;
