-- A number for each stream that people call it by: unique in the store and never given twice. What is declared from now on has it on
-- its timeline, too. What was declared before gets it here, once, in the order it was declared; the timelines are not touched.
create table lifeboat.stream_number (
  number integer generated always as identity primary key check (number > 0),
  stream text not null unique references lifeboat.stream
);
insert into lifeboat.stream_number (stream)
  select stream from lifeboat.event where type = 'incident.declared' group by stream order by min(at), stream;
create trigger append_only before update or delete or truncate on lifeboat.stream_number
  for each statement execute function lifeboat.refuse_change();
grant select, insert on lifeboat.stream_number to lifeboat_app;
