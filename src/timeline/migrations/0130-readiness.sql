-- When each runbook was last proven ready and what the proof was about, so that several processes prove each once. The changes are on the
-- timeline; losing this costs one more proof of each.
create table lifeboat.readiness_look (
  system        text not null,
  runbook       text not null,
  mode          text not null,
  -- Of everything the last proof was about.
  digest        text,
  proven_at     timestamptz,
  -- Somebody asked for a proof, or a run has ended: one that is older than this is due.
  wanted_at     timestamptz,
  claimed_until timestamptz not null default '-infinity',
  primary key (system, runbook, mode)
);
grant select, insert, update on lifeboat.readiness_look to lifeboat_app;
