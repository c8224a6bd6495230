-- Made from the migrations by test/timeline/schema.test.ts (UPDATE_PAGES=1); not applied by anything.

-- tables
create table lifeboat.event (
  stream text not null,
  version integer not null,
  key text not null,
  run text,
  type text not null,
  data jsonb not null,
  actor jsonb not null,
  at timestamp(3) with time zone not null,
  previous_hash text not null,
  hash text not null,
  mac text,
  mac_key text
);
create table lifeboat.inbox (
  id bigint not null generated always as identity,
  key text not null,
  kind text not null,
  body jsonb not null,
  received_at timestamp(3) with time zone not null default clock_timestamp(),
  attempts integer not null default 0,
  next_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  done_at timestamp with time zone,
  last_error text,
  receipt uuid not null,
  mac text,
  mac_key text,
  sealed_at timestamp(3) with time zone
);
create table lifeboat.migration (
  name text not null,
  checksum text not null,
  applied_at timestamp(3) with time zone not null default clock_timestamp()
);
create table lifeboat.outbox (
  id bigint not null generated always as identity,
  stream text not null,
  key text not null,
  queue text not null,
  under text,
  priority smallint not null,
  broadcast boolean not null default false,
  once boolean not null default false,
  desired jsonb not null,
  desired_hash text not null,
  delivered_as text,
  delivered_hash text,
  delivered_at timestamp with time zone,
  sending_since timestamp with time zone,
  sending_hash text,
  plain boolean not null default false,
  not_before timestamp with time zone not null default '-infinity'::timestamp with time zone,
  tries integer not null default 0,
  says text,
  sink text not null default 'slack'::text,
  version integer not null default 0,
  delivered jsonb,
  given_up_at timestamp with time zone,
  recorded_at timestamp with time zone,
  desired_at timestamp with time zone not null default now()
);
create table lifeboat.outbox_page (
  reader text not null,
  opened_at timestamp with time zone not null,
  shown_hash text
);
create table lifeboat.outbox_queue (
  queue text not null,
  stream text,
  place text,
  place_name text,
  borrowed boolean not null default false,
  making_since timestamp with time zone,
  wanted jsonb,
  shown jsonb not null default '{}'::jsonb,
  furnish_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  furnish_failures integer not null default 0,
  tokens real not null default 0,
  tokens_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  not_before timestamp with time zone not null default '-infinity'::timestamp with time zone,
  failures integer not null default 0,
  says text,
  owner text,
  claimed_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  sink text not null default 'slack'::text
);
create table lifeboat.outbox_stream (
  stream text not null,
  version integer not null,
  about jsonb not null default '{}'::jsonb,
  redraw_at timestamp with time zone,
  drawn_at timestamp with time zone not null default now()
);
create table lifeboat.person (
  id text not null,
  identity text,
  mac text not null,
  mac_key text not null,
  made_at timestamp(3) with time zone not null default clock_timestamp(),
  erased_at timestamp(3) with time zone,
  erased_because text
);
create table lifeboat.plan (
  hash text not null,
  bytes bytea not null,
  stored_at timestamp(3) with time zone not null default clock_timestamp()
);
create table lifeboat.proof (
  holder text not null,
  secret bytea,
  pending bytea,
  pending_at timestamp with time zone,
  last_step bigint not null default '-1'::integer,
  last_key text,
  failures integer not null default 0,
  locked_until timestamp with time zone,
  enrolled_at timestamp with time zone,
  vouched_by text
);
create table lifeboat.proof_entry (
  holder text not null,
  version integer not null,
  secret bytea,
  pending bytea,
  pending_at timestamp(3) with time zone,
  last_step bigint not null,
  last_key text,
  failures integer not null,
  locked_until timestamp(3) with time zone,
  enrolled_at timestamp(3) with time zone,
  vouched_by text,
  written_at timestamp(3) with time zone not null default clock_timestamp(),
  mac text not null,
  mac_key text not null
);
create table lifeboat.readiness_look (
  system text not null,
  runbook text not null,
  mode text not null,
  digest text,
  proven_at timestamp with time zone,
  wanted_at timestamp with time zone,
  claimed_until timestamp with time zone not null default '-infinity'::timestamp with time zone
);
create table lifeboat.run (
  id text not null,
  stream text not null,
  plan_hash text not null,
  epoch bigint not null default 0,
  owner integer,
  beat_at timestamp with time zone,
  wake_at timestamp with time zone default lifeboat.clock(),
  done boolean not null default false,
  deaths integer not null default 0,
  holder jsonb
);
create table lifeboat.run_resource (
  resource text not null,
  run text not null
);
create table lifeboat.schedule (
  stream text not null,
  version integer not null,
  next_at timestamp with time zone,
  claimed_until timestamp with time zone not null default '-infinity'::timestamp with time zone
);
create table lifeboat.signed_statement (
  id bigint not null generated always as identity,
  kind text not null,
  stream text,
  version integer,
  statement text not null,
  key text not null,
  signature text not null,
  stored_at timestamp(3) with time zone not null default clock_timestamp()
);
create table lifeboat.stream (
  id text not null,
  version integer not null default 0,
  head_hash text not null default repeat('0'::text, 64),
  updated_at timestamp(3) with time zone not null default clock_timestamp(),
  changed xid8 not null default pg_current_xact_id()
);
create table lifeboat.stream_number (
  number integer not null generated always as identity,
  stream text not null
);
create table lifeboat.summary (
  stream text not null,
  version integer not null,
  hash text not null,
  summary jsonb not null,
  mac text not null,
  mac_key text not null
);
create table lifeboat.tally (
  what text not null,
  who text not null,
  since timestamp(3) with time zone not null,
  count bigint not null,
  total bigint not null,
  last_at timestamp(3) with time zone not null,
  last text
);

-- constraints
alter table lifeboat.event add constraint event_authenticated CHECK (((mac IS NOT NULL) AND (mac ~ '^[0-9a-f]{64}$'::text) AND (mac_key IS NOT NULL) AND (mac_key ~ '^[0-9a-f]{16}$'::text))) NOT VALID;
alter table lifeboat.event add constraint event_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text));
alter table lifeboat.event add constraint event_pkey PRIMARY KEY (stream, version);
alter table lifeboat.event add constraint event_previous_hash_check CHECK ((previous_hash ~ '^[0-9a-f]{64}$'::text));
alter table lifeboat.event add constraint event_stream_fkey FOREIGN KEY (stream) REFERENCES lifeboat.stream(id);
alter table lifeboat.event add constraint event_stream_key_key UNIQUE (stream, key);
alter table lifeboat.event add constraint event_version_check CHECK ((version > 0));
alter table lifeboat.inbox add constraint inbox_key_key UNIQUE (key);
alter table lifeboat.inbox add constraint inbox_pkey PRIMARY KEY (id);
alter table lifeboat.migration add constraint migration_pkey PRIMARY KEY (name);
alter table lifeboat.outbox add constraint outbox_pkey PRIMARY KEY (id);
alter table lifeboat.outbox add constraint outbox_queue_fkey FOREIGN KEY (queue) REFERENCES lifeboat.outbox_queue(queue);
alter table lifeboat.outbox add constraint outbox_sink_stream_key_key UNIQUE (sink, stream, key);
alter table lifeboat.outbox_page add constraint outbox_page_pkey PRIMARY KEY (reader);
alter table lifeboat.outbox_queue add constraint outbox_queue_pkey PRIMARY KEY (queue);
alter table lifeboat.outbox_queue add constraint outbox_queue_stream_fkey FOREIGN KEY (stream) REFERENCES lifeboat.outbox_stream(stream);
alter table lifeboat.outbox_queue add constraint outbox_queue_stream_key UNIQUE (stream);
alter table lifeboat.outbox_stream add constraint outbox_stream_pkey PRIMARY KEY (stream);
alter table lifeboat.person add constraint person_id_check CHECK ((id ~ '^person-[0-9a-z]{12}$'::text));
alter table lifeboat.person add constraint person_identity_key UNIQUE (identity);
alter table lifeboat.person add constraint person_pkey PRIMARY KEY (id);
alter table lifeboat.plan add constraint plan_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text));
alter table lifeboat.plan add constraint plan_pkey PRIMARY KEY (hash);
alter table lifeboat.proof add constraint proof_pkey PRIMARY KEY (holder);
alter table lifeboat.proof_entry add constraint proof_entry_pkey PRIMARY KEY (holder, version);
alter table lifeboat.proof_entry add constraint proof_entry_version_check CHECK ((version > 0));
alter table lifeboat.readiness_look add constraint readiness_look_pkey PRIMARY KEY (system, runbook, mode);
alter table lifeboat.run add constraint run_pkey PRIMARY KEY (id);
alter table lifeboat.run add constraint run_plan_hash_fkey FOREIGN KEY (plan_hash) REFERENCES lifeboat.plan(hash);
alter table lifeboat.run add constraint run_stream_fkey FOREIGN KEY (stream) REFERENCES lifeboat.stream(id);
alter table lifeboat.run_resource add constraint run_resource_pkey PRIMARY KEY (resource);
alter table lifeboat.run_resource add constraint run_resource_run_fkey FOREIGN KEY (run) REFERENCES lifeboat.run(id);
alter table lifeboat.schedule add constraint schedule_pkey PRIMARY KEY (stream);
alter table lifeboat.signed_statement add constraint signed_statement_check CHECK (((kind = 'head'::text) = ((stream IS NOT NULL) AND (version IS NOT NULL))));
alter table lifeboat.signed_statement add constraint signed_statement_kind_check CHECK ((kind = ANY (ARRAY['seal'::text, 'head'::text, 'acceptance'::text])));
alter table lifeboat.signed_statement add constraint signed_statement_pkey PRIMARY KEY (id);
alter table lifeboat.stream add constraint stream_id_check CHECK ((id <> ''::text));
alter table lifeboat.stream add constraint stream_pkey PRIMARY KEY (id);
alter table lifeboat.stream add constraint stream_version_check CHECK ((version >= 0));
alter table lifeboat.stream_number add constraint stream_number_number_check CHECK ((number > 0));
alter table lifeboat.stream_number add constraint stream_number_pkey PRIMARY KEY (number);
alter table lifeboat.stream_number add constraint stream_number_stream_fkey FOREIGN KEY (stream) REFERENCES lifeboat.stream(id);
alter table lifeboat.stream_number add constraint stream_number_stream_key UNIQUE (stream);
alter table lifeboat.summary add constraint summary_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text));
alter table lifeboat.summary add constraint summary_pkey PRIMARY KEY (stream);
alter table lifeboat.summary add constraint summary_stream_fkey FOREIGN KEY (stream) REFERENCES lifeboat.stream(id);
alter table lifeboat.summary add constraint summary_version_check CHECK ((version > 0));
alter table lifeboat.tally add constraint tally_pkey PRIMARY KEY (what, who);

-- indexes
CREATE INDEX inbox_done ON lifeboat.inbox USING btree (done_at) WHERE (done_at IS NOT NULL);
CREATE INDEX inbox_open ON lifeboat.inbox USING btree (id) WHERE (done_at IS NULL);
CREATE INDEX outbox_due ON lifeboat.outbox USING btree (queue, id) WHERE ((delivered_hash IS DISTINCT FROM desired_hash) AND (given_up_at IS NULL));
CREATE INDEX outbox_given_up ON lifeboat.outbox USING btree (given_up_at) WHERE (given_up_at IS NOT NULL);
CREATE INDEX outbox_reference ON lifeboat.outbox USING btree (queue, id) WHERE ((delivered_as IS NOT NULL) AND (sink <> 'slack'::text));
CREATE INDEX outbox_stream_redraw ON lifeboat.outbox_stream USING btree (redraw_at) WHERE (redraw_at IS NOT NULL);
CREATE INDEX outbox_unrecorded ON lifeboat.outbox USING btree (id) WHERE ((recorded_at IS NULL) AND (sink <> 'slack'::text) AND ((delivered_hash IS NOT NULL) OR (given_up_at IS NOT NULL)));
CREATE INDEX run_due ON lifeboat.run USING btree (wake_at) WHERE (NOT done);
CREATE INDEX run_resource_run ON lifeboat.run_resource USING btree (run);
CREATE INDEX run_stream ON lifeboat.run USING btree (stream);
CREATE INDEX schedule_due ON lifeboat.schedule USING btree (next_at) WHERE (next_at IS NOT NULL);
CREATE INDEX signed_statement_head ON lifeboat.signed_statement USING btree (stream, version DESC) WHERE (kind = 'head'::text);
CREATE INDEX stream_changed ON lifeboat.stream USING btree (changed);
CREATE INDEX stream_updated ON lifeboat.stream USING btree (updated_at DESC);

-- sequences
create sequence lifeboat.replica as integer cycle;

-- functions
CREATE OR REPLACE FUNCTION lifeboat.clock()
 RETURNS timestamp with time zone
 LANGUAGE sql
 PARALLEL SAFE
AS $function$select pg_catalog.clock_timestamp()$function$
;
CREATE OR REPLACE FUNCTION lifeboat.head_is_an_event()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform from lifeboat.event e where e.stream = new.id and e.version = new.version and e.hash = new.head_hash;
  if not found then
    raise exception 'the head of % names no event', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $function$
;
CREATE OR REPLACE FUNCTION lifeboat.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op
    using errcode = 'insufficient_privilege';
end $function$
;

-- triggers
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON lifeboat.event FOR EACH STATEMENT EXECUTE FUNCTION lifeboat.refuse_change();
CREATE TRIGGER never_gone BEFORE DELETE OR TRUNCATE ON lifeboat.person FOR EACH STATEMENT EXECUTE FUNCTION lifeboat.refuse_change();
CREATE TRIGGER only_erased BEFORE UPDATE ON lifeboat.person FOR EACH ROW WHEN (((new.identity IS NOT NULL) OR (new.id <> old.id))) EXECUTE FUNCTION lifeboat.refuse_change();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON lifeboat.plan FOR EACH STATEMENT EXECUTE FUNCTION lifeboat.refuse_change();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON lifeboat.proof_entry FOR EACH STATEMENT EXECUTE FUNCTION lifeboat.refuse_change();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON lifeboat.signed_statement FOR EACH STATEMENT EXECUTE FUNCTION lifeboat.refuse_change();
CREATE TRIGGER first_head_is_an_event AFTER INSERT ON lifeboat.stream FOR EACH ROW WHEN (((new.version <> 0) OR (new.head_hash <> repeat('0'::text, 64)))) EXECUTE FUNCTION lifeboat.head_is_an_event();
CREATE TRIGGER head_is_an_event AFTER UPDATE ON lifeboat.stream FOR EACH ROW WHEN (((new.version <> old.version) OR (new.head_hash <> old.head_hash))) EXECUTE FUNCTION lifeboat.head_is_an_event();
CREATE TRIGGER never_back BEFORE UPDATE ON lifeboat.stream FOR EACH ROW WHEN (((new.version < old.version) OR (new.id <> old.id))) EXECUTE FUNCTION lifeboat.refuse_change();
CREATE TRIGGER never_gone BEFORE DELETE OR TRUNCATE ON lifeboat.stream FOR EACH STATEMENT EXECUTE FUNCTION lifeboat.refuse_change();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON lifeboat.stream_number FOR EACH STATEMENT EXECUTE FUNCTION lifeboat.refuse_change();

-- grants
grant insert, select on lifeboat.event to lifeboat_app;
grant delete, insert, select, update on lifeboat.inbox to lifeboat_app;
grant select on lifeboat.migration to lifeboat_app;
grant delete, insert, select, update on lifeboat.outbox to lifeboat_app;
grant delete, insert, select, update on lifeboat.outbox_page to lifeboat_app;
grant delete, insert, select, update on lifeboat.outbox_queue to lifeboat_app;
grant delete, insert, select, update on lifeboat.outbox_stream to lifeboat_app;
grant insert, select on lifeboat.person to lifeboat_app;
grant insert, select on lifeboat.plan to lifeboat_app;
grant select on lifeboat.proof to lifeboat_app;
grant insert, select on lifeboat.proof_entry to lifeboat_app;
grant insert, select, update on lifeboat.readiness_look to lifeboat_app;
grant usage on lifeboat.replica to lifeboat_app;
grant insert, select, update on lifeboat.run to lifeboat_app;
grant delete, insert, select on lifeboat.run_resource to lifeboat_app;
grant delete, insert, select, update on lifeboat.schedule to lifeboat_app;
grant insert, select on lifeboat.signed_statement to lifeboat_app;
grant insert, select, update on lifeboat.stream to lifeboat_app;
grant insert, select on lifeboat.stream_number to lifeboat_app;
grant insert, select, update on lifeboat.summary to lifeboat_app;
grant insert, select, update on lifeboat.tally to lifeboat_app;
