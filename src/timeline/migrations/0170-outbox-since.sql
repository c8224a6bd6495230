-- Since when something is to be shown that is not shown: how far the outbox is behind. What waits already counts from now on.
alter table lifeboat.outbox add column desired_at timestamptz not null default now();
