-- People stand in events under opaque ids. Who one means stands here and nowhere in the chain, so it can be erased (by the owner
-- alone: lifeboat erase) while every event verifies. A mapping has an HMAC by the process that made it: another name can't be put on
-- what somebody did.
create table lifeboat.person (
  id        text primary key check (id ~ '^person-[0-9a-z]{12}$'),
  -- null: erased
  identity  text unique,
  mac       text not null,
  mac_key   text not null,
  made_at   timestamptz(3) not null default clock_timestamp(),
  erased_at timestamptz(3)
);
create trigger only_erased before update on lifeboat.person
  for each row when (new.identity is not null or new.id <> old.id) execute function lifeboat.refuse_change();
create trigger never_gone before delete or truncate on lifeboat.person
  for each statement execute function lifeboat.refuse_change();
grant select, insert on lifeboat.person to lifeboat_app;
