-- Which process of which host holds a run, as it said when it claimed it: a successor on the same host can prove it dead and
-- need not wait for it. It counts only with the owner and the epoch it was written for; nothing here means: wait.
alter table lifeboat.run add column holder jsonb;
