-- What a place outside should show, beside what it was last seen to show. Everything here can be drawn again from the
-- events; losing it costs duplicates in the place, never a fact.

-- How far a stream has been drawn. An older drawing never replaces a newer one.
create table lifeboat.outbox_stream (
  stream        text primary key,
  version       integer not null,
  -- Facts of the stream the drawer wants to have at hand without reading events.
  about         jsonb not null default '{}',
  redraw_at     timestamptz,
  drawn_at      timestamptz not null default now()
);
create index outbox_stream_redraw on lifeboat.outbox_stream (redraw_at) where redraw_at is not null;

-- One place: a channel. One process works on it at a time; its pace and its troubles are its own.
create table lifeboat.outbox_lane (
  lane          text primary key,
  -- The stream whose own place this is, or null for a place shared by many.
  stream        text unique references lifeboat.outbox_stream,
  -- What the outside calls the place; null until it exists.
  place         text,
  place_name    text,
  -- A place that could not be made is borrowed from another lane; nothing but messages is put there.
  borrowed      boolean not null default false,
  -- Making the place was tried and the answer never came.
  making_since  timestamptz,
  -- What surrounds the messages (topic, members, pins), as wanted and as shown.
  wanted        jsonb,
  shown         jsonb not null default '{}',
  furnish_at    timestamptz not null default '-infinity',
  furnish_failures integer not null default 0,
  tokens        real not null default 0,
  tokens_at     timestamptz not null default '-infinity',
  not_before    timestamptz not null default '-infinity',
  failures      integer not null default 0,
  says          text,
  owner         text,
  claimed_until timestamptz not null default '-infinity'
);

-- One message.
create table lifeboat.outbox (
  id            bigint generated always as identity primary key,
  stream        text not null references lifeboat.outbox_stream,
  key           text not null,
  lane          text not null references lifeboat.outbox_lane,
  -- Key of the message it is a reply to.
  under         text,
  priority      smallint not null,
  broadcast     boolean not null default false,
  once          boolean not null default false,
  wanted        jsonb not null,
  wanted_hash   text not null,
  -- What the outside calls the message; null until it is there.
  shown_as      text,
  shown_hash    text,
  shown_at      timestamptz,
  -- It was sent and the answer never came: look before sending again.
  sent_since    timestamptz,
  sent_hash     text,
  -- The place refused the rich form: words only from here on.
  plain         boolean not null default false,
  not_before    timestamptz not null default '-infinity',
  failures      integer not null default 0,
  says          text,
  unique (stream, key)
);
create index outbox_due on lifeboat.outbox (lane) where shown_hash is distinct from wanted_hash;

-- Personal pages that were opened, and what they were last given.
create table lifeboat.outbox_page (
  reader        text primary key,
  opened_at     timestamptz not null,
  shown_hash    text
);

grant select, insert, update, delete on lifeboat.outbox_stream, lifeboat.outbox_lane, lifeboat.outbox, lifeboat.outbox_page
  to lifeboat_app;
