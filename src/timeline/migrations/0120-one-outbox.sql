-- One outbox for everything that has to be shown outside: Slack's messages, PagerDuty's pages, mail and status pages. What was
-- pending stays pending, what was being sent stays "nobody knows", what was delivered is not delivered again.
lock table lifeboat.outbox, lifeboat.outbox_lane, lifeboat.outbox_stream, lifeboat.page, lifeboat.delivery in access exclusive mode;

-- What is kept in order, or is worked on by one process at a time.
alter table lifeboat.outbox_lane rename to outbox_queue;
alter table lifeboat.outbox_queue rename column lane to queue;
alter table lifeboat.outbox_queue add column sink text not null default 'slack';
alter table lifeboat.outbox_queue rename constraint outbox_lane_pkey to outbox_queue_pkey;
alter table lifeboat.outbox_queue rename constraint outbox_lane_stream_key to outbox_queue_stream_key;

-- Only Slack keeps how far it has drawn a stream there.
alter table lifeboat.outbox_queue rename constraint outbox_lane_stream_fkey to outbox_queue_stream_fkey;
alter table lifeboat.outbox drop constraint outbox_stream_fkey;
alter table lifeboat.outbox drop constraint outbox_stream_key_key;

alter table lifeboat.outbox rename column lane to queue;
alter table lifeboat.outbox rename column wanted to desired;
alter table lifeboat.outbox rename column wanted_hash to desired_hash;
alter table lifeboat.outbox rename column shown_as to delivered_as;
alter table lifeboat.outbox rename column shown_hash to delivered_hash;
alter table lifeboat.outbox rename column shown_at to delivered_at;
alter table lifeboat.outbox rename column sent_since to sending_since;
alter table lifeboat.outbox rename column sent_hash to sending_hash;
alter table lifeboat.outbox rename column failures to tries;
alter table lifeboat.outbox rename constraint outbox_lane_fkey to outbox_queue_fkey;
alter table lifeboat.outbox
  add column sink text not null default 'slack',
  -- Of the stream, when this was desired first.
  add column version integer not null default 0,
  -- What the outside was told last, as far as the sink needs it to tell a difference.
  add column delivered jsonb,
  -- It was refused for good: not tried again before something else is desired, or a person asks for it.
  add column given_up_at timestamptz,
  -- How it ended stands on the timeline, where the sink writes it there.
  add column recorded_at timestamptz,
  add constraint outbox_sink_stream_key_key unique (sink, stream, key);

insert into lifeboat.outbox_queue (queue, sink, owner, claimed_until)
  select key, 'pagerduty', owner, claimed_until from lifeboat.page;
insert into lifeboat.outbox (sink, stream, key, queue, version, priority, desired, desired_hash, delivered, delivered_hash,
    sending_since, not_before, tries, says, recorded_at)
  select 'pagerduty', stream, key, key, version, 0, wanted, wanted_hash, told, told_hash,
    case when tried and told_hash is distinct from wanted_hash then clock_timestamp() end, not_before, failures, says,
    case when told_hash is not null then clock_timestamp() end
  from lifeboat.page order by not_before, key;

insert into lifeboat.outbox_queue (queue, sink, owner, claimed_until)
  select distinct on (lane) lane, via, owner, claimed_until from lifeboat.delivery order by lane, claimed_until desc;
-- Delivered once each, so their hash says no more than that they are the same.
insert into lifeboat.outbox (sink, stream, key, queue, priority, once, desired, desired_hash, delivered, delivered_hash, delivered_as,
    delivered_at, sending_since, not_before, tries, says, given_up_at, recorded_at)
  select via, stream, key, lane, 1, true, content, md5(key), case when outcome = 'delivered' then jsonb_build_object('to', reached) end,
    case when outcome = 'delivered' then md5(key) end, reference, case when outcome = 'delivered' then ended_at end,
    case when ended_at is null then sending_since end, not_before, attempts, says,
    case when outcome = 'undelivered' then ended_at end, recorded_at
  from lifeboat.delivery order by id;

drop table lifeboat.page;
drop table lifeboat.delivery;

drop index lifeboat.outbox_due;
create index outbox_due on lifeboat.outbox (queue, id) where delivered_hash is distinct from desired_hash and given_up_at is null;
create index outbox_unrecorded on lifeboat.outbox (id)
  where recorded_at is null and sink <> 'slack' and (delivered_hash is not null or given_up_at is not null);
create index outbox_reference on lifeboat.outbox (queue, id) where delivered_as is not null and sink <> 'slack';
create index outbox_given_up on lifeboat.outbox (given_up_at) where given_up_at is not null;
