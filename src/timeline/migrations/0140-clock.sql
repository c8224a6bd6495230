-- The store's clock: what is decided by time reads it here and nowhere else. It is exactly the database's clock. Only the owner can
-- replace it, which practice does with its own store to let time pass; a bot in production does not start on a store where it was.
-- What has to stay in real time (leases, heartbeats, claims, the pace of deliveries) does not ask it: docs/internals.md says what.
create function lifeboat.clock() returns timestamptz language sql volatile parallel safe
  as 'select pg_catalog.clock_timestamp()';
grant execute on function lifeboat.clock() to lifeboat_app;
alter table lifeboat.run alter column wake_at set default lifeboat.clock();
