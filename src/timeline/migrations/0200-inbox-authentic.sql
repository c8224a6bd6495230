-- What came in is believed by its HMAC: whoever has the application's login could else put words into anyone's mouth. It covers when it
-- came in, too. What waits is sealed by the migration; what a bot of before keeps from then on is handled by that bot alone.
alter table lifeboat.inbox
  add column mac       text,
  add column mac_key   text,
  add column sealed_at timestamptz(3);
