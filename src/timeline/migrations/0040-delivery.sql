-- What is to be brought outside, beside Slack: mail, status pages. Everything here can be made again from the events; the
-- addresses stand here and not on the timeline, so that they can be forgotten.
create table lifeboat.delivery (
  id            bigint generated always as identity primary key,
  -- What it delivers, and by which way: the same key is the same delivery for ever.
  key           text not null unique,
  stream        text not null,
  -- What stays in its order: the next of a lane waits for the one before it.
  lane          text not null,
  via           text not null,
  content       jsonb not null,
  wanted_at     timestamptz not null default clock_timestamp(),
  -- It was being sent and nobody heard how it went: look, or send it under the same name again.
  sending_since timestamptz,
  attempts      integer not null default 0,
  not_before    timestamptz not null default '-infinity',
  says          text,
  owner         text,
  claimed_until timestamptz not null default '-infinity',
  ended_at      timestamptz,
  outcome       text check (outcome in ('delivered', 'undelivered')),
  -- What the outside calls it, and whom it reached.
  reference     text,
  reached       text,
  -- How it went stands on the timeline.
  recorded_at   timestamptz,
  check ((ended_at is null) = (outcome is null))
);
create index delivery_open on lifeboat.delivery (lane, id) where ended_at is null;
create index delivery_unrecorded on lifeboat.delivery (id) where ended_at is not null and recorded_at is null;

-- When a stream has to be looked at though nothing happens to it. What is due is decided from the events, in the
-- transaction that writes it; this only says when to look, and survives every restart.
create table lifeboat.schedule (
  stream        text primary key,
  -- How far the stream had been read when this was written: an older reading never replaces a newer one.
  version       integer not null,
  next_at       timestamptz,
  claimed_until timestamptz not null default '-infinity'
);
create index schedule_due on lifeboat.schedule (next_at) where next_at is not null;

grant select, insert, update, delete on lifeboat.delivery, lifeboat.schedule to lifeboat_app;
