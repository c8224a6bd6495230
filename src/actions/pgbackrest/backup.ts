import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, type Done, defineAction } from "../contract.ts";
import { nothingToUndo } from "../undo.ts";
import { changeOn, hostInput, pgbackrest, resourceOf } from "./host.ts";
import { lookAtRepository, type RepositoryView, repositoryFacts } from "./view.ts";

const input = z.strictObject({
  host: hostInput,
  type: z.enum(["full", "diff", "incr"]).default("incr"),
  timeoutSeconds: z.number().positive().max(86_400).default(14_400),
});
type Input = z.infer<typeof input>;

/** Makes a backup. A second one is another backup and harms no one, so an attempt no one knows of is looked for and repeated. */
export const backup = defineAction<Input, RepositoryView>({
  id: "pgbackrest.backup",
  summary: "Make a pgBackRest backup, and see that it is in the repository",
  input,
  risk: "reversible",
  service: "aside",
  copies: true,
  repeat: "safe",
  budget: { typicalSeconds: 600, warnSeconds: 7200, failSeconds: 90_000 },
  resources: ({ host }) => [`${resourceOf(host)}/repository`],
  observe: (ctx, { host }) => lookAtRepository(ctx, host),
  facts: repositoryFacts,
  ready: (seen, given) => [answers(seen, given), free(seen)],
  done: (seen, _given, before): Done =>
    !seen.answers ? "unknown" : before !== null && added(seen, before) !== null ? "yes" : "no",
  async apply(ctx, { host, type, timeoutSeconds }) {
    ctx.progress(`${host.name}: ${type} backup of stanza ${host.stanza}`);
    const started = performance.now();
    await changeOn(ctx, host, "pgbackrest", pgbackrest(host, "backup", `--type=${type}`), timeoutSeconds);
    return { seconds: Math.round((performance.now() - started) / 100) / 10 };
  },
  async verify(ctx, { host }, before) {
    const seen = await lookAtRepository(ctx, host);
    const made = added(seen, before);
    if (made === null) {
      throw new LifeboatError({
        code: "backup-missing",
        where: host.name,
        what: "No new whole backup is in the repository",
      });
    }
    return {
      says: `Backup ${made.label} (${made.type}) is in the repository.`,
      facts: [
        { id: "label", label: "Backup", value: made.label, material: false },
        { id: "bytes", label: "Database bytes", value: made.bytes, material: false },
      ],
    };
  },
  undo: nothingToUndo(() => "It adds a backup, which pgBackRest removes when its retention says so."),
});

function added(seen: RepositoryView, before: RepositoryView) {
  if (!seen.answers) return null;
  const known = new Set(before.answers ? before.backups.map(({ label }) => label) : []);
  return seen.backups.findLast(({ label }) => !known.has(label)) ?? null;
}

/** A stanza without a backup says so by a code of its own, and is exactly what this is for. */
function answers(seen: RepositoryView, { host }: Input): Check {
  const id = "repository.answers";
  if (!seen.answers) return { id, level: "block", ok: false, says: `pgBackRest does not answer: ${seen.why}.` };
  const NO_VALID_BACKUPS = 2;
  const ok = seen.code === 0 || seen.code === NO_VALID_BACKUPS;
  return { id, level: "block", ok, says: `Stanza ${host.stanza}: ${seen.status}.` };
}

function free(seen: RepositoryView): Check {
  const busy = seen.answers && seen.busy;
  const says = busy ? "pgBackRest is making a backup already." : "No backup is being made.";
  return { id: "repository.free", level: "block", ok: !busy, says, next: "Wait until it has ended, then look." };
}
