-- The application works as this role. It may add to the timeline and never change it.
do $$ begin
  create role lifeboat_app nologin;
exception when duplicate_object or unique_violation then null;
end $$;
grant usage on schema lifeboat to lifeboat_app;
grant select on lifeboat.migration to lifeboat_app;

-- The head of each stream: a tail that was cut off is noticed because the head still counts it.
create table lifeboat.stream (
  id text primary key check (id <> ''),
  version integer not null default 0 check (version >= 0),
  head_hash text not null default repeat('0', 64),
  updated_at timestamptz(3) not null default clock_timestamp(),
  -- The transaction that wrote last: followers ask for what was not yet visible at their last look.
  changed xid8 not null default pg_current_xact_id()
);
create index stream_changed on lifeboat.stream (changed);
create index stream_updated on lifeboat.stream (updated_at desc);

create table lifeboat.event (
  stream text not null references lifeboat.stream,
  version integer not null check (version > 0),
  key text not null,
  run text,
  type text not null,
  data jsonb not null,
  actor jsonb not null,
  at timestamptz(3) not null,
  previous_hash text not null check (previous_hash ~ '^[0-9a-f]{64}$'),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  primary key (stream, version),
  unique (stream, key)
);

create table lifeboat.plan (
  hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
  bytes bytea not null,
  stored_at timestamptz(3) not null default clock_timestamp()
);

-- A live run belongs to whoever holds the highest epoch; every write of a driver names its epoch.
create table lifeboat.run (
  id text primary key,
  stream text not null references lifeboat.stream,
  plan_hash text not null references lifeboat.plan,
  epoch bigint not null default 0,
  owner integer,
  beat_at timestamptz,
  wake_at timestamptz default clock_timestamp(),
  done boolean not null default false
);
create index run_due on lifeboat.run (wake_at) where not done;
create index run_stream on lifeboat.run (stream);

create table lifeboat.run_resource (
  resource text primary key,
  run text not null references lifeboat.run
);
create index run_resource_run on lifeboat.run_resource (run);

-- What came in from outside, written before it is acknowledged.
create table lifeboat.inbox (
  id bigint generated always as identity primary key,
  key text not null unique,
  kind text not null,
  body jsonb not null,
  received_at timestamptz(3) not null default clock_timestamp(),
  attempts integer not null default 0,
  next_at timestamptz not null default clock_timestamp(),
  claimed_until timestamptz,
  done_at timestamptz,
  last_error text,
  receipt uuid not null
);
create index inbox_open on lifeboat.inbox (id) where done_at is null;
create index inbox_done on lifeboat.inbox (done_at) where done_at is not null;

-- One number per process that drives runs: its owner id and its session advisory lock.
create sequence lifeboat.replica as integer cycle;

create function lifeboat.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op
    using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on lifeboat.event
  for each statement execute function lifeboat.refuse_change();
create trigger append_only before update or delete or truncate on lifeboat.plan
  for each statement execute function lifeboat.refuse_change();

-- A head never moves back, whoever asks.
create trigger never_back before update on lifeboat.stream
  for each row when (new.version < old.version or new.id <> old.id) execute function lifeboat.refuse_change();
create trigger never_gone before delete or truncate on lifeboat.stream
  for each statement execute function lifeboat.refuse_change();

grant select, insert on lifeboat.event, lifeboat.plan to lifeboat_app;
grant select, insert, update on lifeboat.stream, lifeboat.run to lifeboat_app;
grant select, insert, delete on lifeboat.run_resource to lifeboat_app;
grant select, insert, update, delete on lifeboat.inbox to lifeboat_app;
grant usage on sequence lifeboat.replica to lifeboat_app;
