-- What a pager outside should show, beside what it was last told. Everything here can be drawn again from the events;
-- losing it costs a call that finds things done already, never a page.
create table lifeboat.page (
  -- What the outside knows it by too, so that telling it twice is harmless.
  key           text primary key,
  stream        text not null,
  -- The version of the stream at which it came to be wanted so.
  version       integer not null,
  wanted        jsonb not null,
  wanted_hash   text not null,
  told          jsonb,
  told_hash     text,
  -- Somebody has tried at least once: the outside may know of it though it never answered.
  tried         boolean not null default false,
  not_before    timestamptz not null default '-infinity',
  failures      integer not null default 0,
  says          text,
  owner         text,
  claimed_until timestamptz not null default '-infinity'
);
create index page_due on lifeboat.page (not_before) where told_hash is distinct from wanted_hash;

grant select, insert, update on lifeboat.page to lifeboat_app;
