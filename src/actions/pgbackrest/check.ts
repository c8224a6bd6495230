import { z } from "zod";
import type { Check } from "../contract.ts";
import { defineLook } from "../read.ts";
import { hostInput } from "./host.ts";
import { lookAtRepository, newestBackup, type RepositoryView, repositoryFacts, repositoryUsable } from "./view.ts";

const input = z.strictObject({
  host: hostInput,
  /** How old the newest backup may be. */
  maxAgeSeconds: z.number().positive().default(90_000),
  /** How long ago the newest log may have been archived: what a restore alone could lose. */
  rpoSeconds: z.number().positive().default(300),
  /** False in an emergency: what is too old is said and stands in no one's way. */
  mustBeFresh: z.boolean().default(true),
});
type Input = z.infer<typeof input>;

/** Looks at what could be restored: whole backups, their age, and how far the log is archived. */
export const check = defineLook<Input, RepositoryView>({
  id: "pgbackrest.check",
  summary: "Look at a pgBackRest repository: whole backups, their age, how far the log is archived",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  observe: (ctx, { host }) => lookAtRepository(ctx, host),
  facts: repositoryFacts,
  checks: checksOf,
  where: ({ host }) => `${host.name}, stanza ${host.stanza}`,
  says: say,
});

function checksOf(seen: RepositoryView, given: Input): Check[] {
  const usable = repositoryUsable(seen, given.host);
  if (!seen.answers || !usable.ok) return [usable];
  return [usable, fresh(seen, given), archived(seen, given), none(seen)];
}

function fresh(seen: RepositoryView & { answers: true }, { maxAgeSeconds, mustBeFresh }: Input): Check {
  const newest = newestBackup(seen);
  const age = newest === null ? null : Math.round((seen.at - newest.stoppedAt) / 1000);
  const ok = age !== null && age <= maxAgeSeconds;
  const says =
    newest === null
      ? "pgBackRest has no backup."
      : `Backup ${newest.label} is ${age} s old; the limit is ${maxAgeSeconds} s.`;
  return { id: "backup.age", level: mustBeFresh ? "block" : "warn", ok, says };
}

/** A quiet database archives nothing: `archive_timeout` switches the log only after a write. */
function archived(seen: RepositoryView & { answers: true }, { rpoSeconds, mustBeFresh }: Input): Check {
  const age = seen.archivedAt === null ? null : Math.round((seen.at - seen.archivedAt) / 1000);
  const ok = age !== null && age <= rpoSeconds;
  const says =
    age === null
      ? "pgBackRest has no archived log: nothing after a backup could be restored."
      : `The log is archived up to ${seen.archiveMax}, ${age} s ago; the limit is ${rpoSeconds} s.`;
  const next =
    age === null
      ? "See archive_command and its errors."
      : "Set archive_timeout to 60 s or less, or see why nothing is archived.";
  return { id: "archive.age", level: mustBeFresh ? "block" : "warn", ok, says, next };
}

function none(seen: RepositoryView & { answers: true }): Check {
  const ok = seen.failed === 0;
  const says = ok ? "No backup has an error." : `${seen.failed} backups have errors and are not counted.`;
  return { id: "backup.errors", level: "warn", ok, says };
}

function say(seen: RepositoryView): string {
  const newest = newestBackup(seen);
  if (!seen.answers || newest === null) return "There is nothing to restore.";
  const at = seen.archivedAt === null ? "not archived" : `archived up to ${new Date(seen.archivedAt).toISOString()}`;
  return `Newest backup ${newest.label} (${newest.type}) ended ${new Date(newest.stoppedAt).toISOString()}; the log is ${at}.`;
}
