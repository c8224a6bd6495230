-- Why somebody's data was erased although the time evidence is kept for wasn't over (lifeboat erase --because). Null: it was over.
alter table lifeboat.person add column erased_because text;
