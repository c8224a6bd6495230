-- How often somebody did what is limited, and what was refused to people who are on no roster: a row for each of them,
-- however often they try. Nothing here is part of an incident's record.
create table lifeboat.tally (
  what      text not null,
  who       text not null,
  since     timestamptz(3) not null,
  -- since then, and ever
  count     bigint not null,
  total     bigint not null,
  last_at   timestamptz(3) not null,
  -- what it was the last time, for whoever looks into it
  last      text,
  primary key (what, who)
);

grant select, insert, update on lifeboat.tally to lifeboat_app;
