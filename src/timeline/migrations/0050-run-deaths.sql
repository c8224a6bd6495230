-- Holders lost in a row without letting go of a run: what kills its driver again and again is told to a person.
alter table lifeboat.run add column deaths integer not null default 0;
