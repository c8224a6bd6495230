import { basename } from "node:path";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import {
  type ApplyContext,
  type Check,
  type Done,
  defineAction,
  type Evidences,
  type Fact,
  type MeasuredLoss,
} from "../contract.ts";
import { undoneByHand } from "../undo.ts";
import { type DataFolder, lookAtData } from "./data.ts";
import { changeOn, hostInput, mustRun, pathInput, pgbackrest, resourceOf } from "./host.ts";
import {
  type Backup,
  lookAtRepository,
  newestBackup,
  type RepositoryView,
  repositoryFacts,
  repositoryUsable,
} from "./view.ts";

const input = z
  .strictObject({
    host: hostInput,
    /** A backup by its label. Left out or `newest`: the newest, or the newest before the target. pgBackRest knows no "latest". */
    set: z
      .union([
        z.literal("newest"),
        z
          .string()
          .regex(
            /^\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?$/,
            "is a label such as 20261121-020000F, as pgbackrest info shows it",
          ),
      ])
      .optional(),
    /** Restores to this moment and no further. Left out: everything that is archived. */
    targetTime: z.iso.datetime({ offset: true }).optional(),
    /**
     * Where the broken data folder is copied to first, on its host: the only way back. Left out, with `archiveMode: off`: what a server
     * beside the one that serves held before is of no use, and nothing else is ever replaced without a copy.
     */
    copies: pathInput.optional(),
    /** The server on this data, as other steps name it: a later count of what was lost then replaces what is said here. */
    server: z.strictObject({ host: z.string().min(1), port: z.number().int().min(1).max(65535) }).optional(),
    /**
     * `off`: the restored server archives nothing. For a server beside the one that serves (a validation, a look at the past): it
     * promotes itself onto a new timeline, and its log would go into the repository of the other.
     */
    archiveMode: z.enum(["preserve", "off"]).default("preserve"),
    /** The step that ended the writes there: what is given up in time is counted from the target to that moment. */
    fenceStep: z.string().min(1).optional(),
    /** The `postgres.export_divergence` that compared this server with what is restored: what is given up in rows is what it counted. */
    lossStep: z.string().min(1).optional(),
    timeoutSeconds: z.number().positive().max(86_400).default(3600),
  })
  .refine(({ host, copies }) => copies !== host.data && !copies?.startsWith(`${host.data}/`), {
    path: ["copies"],
    message: "has to be outside of the data folder",
  })
  .refine(({ copies, archiveMode }) => copies !== undefined || archiveMode === "off", {
    path: ["copies"],
    message: "is needed where the server archives: a folder for what is replaced",
  });
type Input = z.infer<typeof input>;

interface Seen {
  readonly repository: RepositoryView;
  readonly data: DataFolder;
  /** The backup that would be used, or null when there is none. */
  readonly chosen: Backup | null;
}

/** Puts a backup and the archived log in the place of a stopped server's data, which is copied aside first. */
export const restore = defineAction<Input, Seen>({
  id: "pgbackrest.restore",
  summary: "Restore PostgreSQL's data folder from a pgBackRest backup, after copying the broken one aside",
  input,
  risk: "disruptive",
  service: "interrupts",
  opens: () => true,
  repeat: "destructive",
  budget: { typicalSeconds: 300, warnSeconds: 1800, failSeconds: 90_000 },
  resources: (given) => [resourceOf(given.host), ...(given.server ? [subjectOf(given)] : [])],
  async observe(ctx, given) {
    const [repository, data] = await Promise.all([
      lookAtRepository(ctx, given.host),
      lookAtData(ctx, given.host, given.copies),
    ]);
    return { repository, data, chosen: choose(repository, given) };
  },
  facts: (seen, given) => [...repositoryFacts(seen.repository), ...restoreFacts(seen, given)],
  ready: (seen, given, evidences) => [
    ...(given.lossStep === undefined ? [] : [lossCounted(given.lossStep, evidences)]),
    repositoryUsable(seen.repository, given.host),
    chosenThere(seen, given),
    foldersAnswer(seen, given),
    stopped(seen, given),
    room(seen, given),
    ...(given.copies === undefined ? [ofNoUse(seen, given)] : []),
    archivedFar(seen, given),
  ],
  done: (seen, given, before) => isDone(seen, given, before),
  async apply(ctx, given) {
    const { host, targetTime, archiveMode, timeoutSeconds } = given;
    const set = labelOf(given);
    const copy = await copyAside(ctx, given);
    const how = [
      // The folder is full of what is to be replaced; without --delta pgBackRest refuses it.
      "--delta",
      ...(archiveMode === "off" ? ["--archive-mode=off"] : []),
      ...(set === undefined ? [] : [`--set=${set}`]),
      ...(targetTime === undefined
        ? []
        : ["--type=time", `--target=${asTarget(targetTime)}`, "--target-action=promote"]),
    ];
    ctx.progress(`${host.name}: restoring ${set ?? "the newest backup"}${targetTime ? ` to ${targetTime}` : ""}`);
    const started = performance.now();
    await changeOn(ctx, host, "pgbackrest", pgbackrest(host, "restore", ...how), timeoutSeconds);
    return { copy, seconds: Math.round((performance.now() - started) / 100) / 10 };
  },
  async verify(ctx, given, before, handle) {
    const data = await lookAtData(ctx, given.host, given.copies);
    if (!data.answers || !data.restored) {
      throw new LifeboatError({
        code: "not-restored",
        where: given.host.name,
        what: data.answers ? "The data folder is not a restored one that waits for its first start" : data.why,
        stateNow: "PostgreSQL is stopped, and its data folder may be half restored",
        next: "Retry the step (--delta goes on where it was), or put the copy back",
      });
    }
    const copy = typeof handle?.copy === "string" ? handle.copy : copyAfter(data, before.data, given);
    const to = given.targetTime ?? "the end of the archived log";
    const label = before.chosen?.label ?? null;
    return {
      says: `${given.host.data} is restored from ${label}; at its start PostgreSQL recovers to ${to}. What was there is in ${copy ?? "no copy, because there was nothing"}.`,
      facts: [
        { id: "restored", label: "Restored", value: true, material: false },
        { id: "label", label: "Backup", value: label, material: false },
        { id: "copy", label: "Copy of what was there", value: copy, material: false },
        { id: "restoreSeconds", label: "Seconds", value: Number(handle?.seconds ?? 0), material: false },
      ],
      // A server beside the one that serves gives up nothing.
      ...(given.archiveMode === "off" ? {} : { rpo: lossOf(before, given, ctx) }),
    };
  },
  undo: undoneByHand(({ host, copies }) =>
    copies === undefined
      ? `Nothing of use was replaced. Stop the server on ${host.data} when it was looked at.`
      : `Stop PostgreSQL, and put the copy in ${copies} back in the place of ${host.data}.`,
  ),
});

function subjectOf({ host, server }: Input): string {
  return server === undefined ? resourceOf(host) : `postgres:${server.host.toLowerCase()}:${server.port}`;
}

/** Undefined: the newest that fits. */
function labelOf({ set }: Input): string | undefined {
  return set === "newest" ? undefined : set;
}

function choose(seen: RepositoryView, given: Input): Backup | null {
  const { targetTime } = given;
  const set = labelOf(given);
  if (!seen.answers) return null;
  if (set !== undefined) return seen.backups.find(({ label }) => label === set) ?? null;
  if (targetTime === undefined) return newestBackup(seen);
  // pgBackRest knows whole seconds, and takes one that ended in a second before the target's.
  const second = Math.floor(Date.parse(targetTime) / 1000) * 1000;
  return seen.backups.findLast(({ stoppedAt }) => stoppedAt < second) ?? null;
}

/** pgBackRest compares it with the times of backups, so it has to be in the form it knows. */
function asTarget(time: string): string {
  return `${new Date(time).toISOString().replace("T", " ").replace("Z", "")}+00`;
}

function restoreFacts({ data, chosen, repository }: Seen, given: Input): Fact[] {
  const age = chosen !== null && repository.answers ? Math.round((repository.at - chosen.stoppedAt) / 1000) : null;
  return [
    { id: "chosen", label: "Backup to be restored", value: chosen?.label ?? null, material: true },
    ...choices(repository),
    { id: "chosenAgeSeconds", label: "Age of it in seconds", value: age, material: false },
    {
      id: "restoresTo",
      label: "Restores to",
      value: given.targetTime ?? "the end of the archived log",
      material: true,
    },
    { id: "running", label: "PostgreSQL runs", value: data.answers ? data.running : null, material: false },
    ...(given.archiveMode === "off"
      ? []
      : [
          {
            id: "loss",
            label: "Would be lost",
            value: lossMethod({ repository, data, chosen }, given),
            material: false,
          },
        ]),
  ];
}

/** What people may choose from: labels, and the moments that can be gone back to. */
function choices(repository: RepositoryView): Fact[] {
  if (!repository.answers) return [];
  const { backups, archivedAt } = repository;
  const labels = backups
    .slice(-SHOWN)
    .reverse()
    .map(({ label }) => label);
  const from = backups[0]?.stoppedAt;
  const moments =
    from === undefined || archivedAt === null
      ? "none"
      : `${new Date(from).toISOString()} to ${new Date(archivedAt).toISOString()}`;
  return [
    { id: "backupsThere", label: "Backups to choose from", value: labels.join(", ") || "none", material: false },
    { id: "moments", label: "Moments to choose from", value: moments, material: false },
  ];
}

const SHOWN = 12;

function lossMethod({ repository }: Seen, { targetTime }: Input): string {
  if (targetTime !== undefined) return `everything written after ${targetTime}`;
  const at = repository.answers ? repository.archivedAt : null;
  return at === null
    ? "unknown: no log is archived"
    : `what was written after ${new Date(at).toISOString()}, when the log was last archived`;
}

/** What no one counted is not known, and `postgres.verify` counts what customers were told. */
function lossOf(before: Seen, given: Input, evidences: Evidences): MeasuredLoss {
  const { fenceStep, lossStep, targetTime } = given;
  const subject = subjectOf(given);
  const method = lossMethod(before, given);
  const fencedAt = fenceStep === undefined ? undefined : factOf(evidences, fenceStep, "fencedAt");
  const known = typeof fencedAt === "string" && targetTime !== undefined;
  const seconds = known ? Math.max(0, Math.round((Date.parse(fencedAt) - Date.parse(targetTime)) / 1000)) : null;
  if (lossStep === undefined) return { subject, seconds, rows: null, method };
  const [absent, newer] = ["absentRows", "newerRows"].map((id) => factOf(evidences, lossStep, id));
  if (typeof absent !== "number" || typeof newer !== "number") return { subject, seconds, rows: null, method };
  const counted = `${absent} rows gone, ${newer} older, compared with the server that took the writes`;
  return { subject, seconds, rows: absent + newer, method: `${method}: ${counted}` };
}

function factOf(evidences: Evidences, step: string, id: string): Fact["value"] | undefined {
  return evidences.evidenceOf(step)?.facts.find((fact) => fact.id === id)?.value;
}

function lossCounted(step: string, evidences: Evidences): Check {
  const ok = evidences.evidenceOf(step) !== null;
  const says = ok ? `Step ${step} has been verified.` : `Step ${step} has to be verified first.`;
  return { id: "evidence.loss", level: "block", ok, says, madeSoBy: { steps: [step] } };
}

function isDone({ data }: Seen, _given: Input, before: Seen | null): Done {
  if (!data.answers) return "unknown";
  if (before === null) return "no";
  if (data.running) return "unknown";
  if (data.restored && data.restoredAt !== null && data.restoredAt !== restoredAt(before.data)) return "yes";
  return data.restoring || copyAfter(data, before.data, null) !== null ? "partial" : "no";
}

function restoredAt(data: DataFolder): string | null {
  return data.answers ? data.restoredAt : null;
}

function copyAfter(now: DataFolder, before: DataFolder, given: Input | null): string | null {
  if (!now.answers) return null;
  const known = before.answers ? before.copies : [];
  const name = now.copies.findLast((one) => !known.includes(one) && !one.endsWith(PARTIAL));
  return name === undefined ? null : given === null ? name : `${given.copies}/${name}`;
}

const PARTIAL = ".partial";

/** Named by the moment; whole as soon as it has its name. Null when there is nothing to copy. */
async function copyAside(ctx: ApplyContext, given: Input): Promise<string | null> {
  const { host, copies, timeoutSeconds } = given;
  if (copies === undefined) return null;
  const data = await lookAtData(ctx, host, copies);
  if (!data.answers) throw new LifeboatError({ code: "host-silent", where: host.name, what: data.why });
  if (data.running) {
    throw new LifeboatError({
      code: "server-running",
      where: host.name,
      what: `${host.data}/postmaster.pid is there, so PostgreSQL runs`,
      stateNow: "Nothing was changed by this step",
    });
  }
  if (!data.present) return null;
  const to = `${copies}/${basename(host.data)}-${new Date().toISOString().replace(/[-:.]/g, "")}`;
  ctx.progress(`${host.name}: copying ${host.data} aside`);
  await changeOn(ctx, host, "cp", ["-a", "--reflink=auto", "--", host.data, `${to}${PARTIAL}`], timeoutSeconds);
  await mustRun(ctx, host, "mv", ["-T", "--", `${to}${PARTIAL}`, to], 30);
  ctx.progress(`${host.name}: what was there is in ${to}`);
  return to;
}

function chosenThere({ repository, chosen }: Seen, given: Input): Check {
  const { targetTime } = given;
  const set = labelOf(given);
  const ok = chosen !== null;
  const known = repository.answers ? repository.backups.map(({ label }) => label).join(", ") : "";
  const says = ok
    ? `Backup ${chosen.label} (${chosen.type}) would be restored.`
    : set !== undefined
      ? `pgBackRest has no whole backup ${set}. There are: ${known || "none"}.`
      : targetTime !== undefined
        ? `No backup ended before ${targetTime}. There are: ${known || "none"}.`
        : "pgBackRest has no whole backup.";
  return { id: "backup.there", level: "block", ok, says };
}

function foldersAnswer({ data }: Seen, { host }: Input): Check {
  const says = data.answers ? `The folders of ${host.name} can be looked at.` : `${host.name}: ${data.why}.`;
  return { id: "host.answers", level: "block", ok: data.answers, says };
}

/** pgBackRest itself refuses (38) as well. */
function stopped({ data }: Seen, { host }: Input): Check {
  const running = data.answers && data.running;
  const says = running
    ? `${host.data}/postmaster.pid is there: PostgreSQL runs, or was killed.`
    : "PostgreSQL is stopped.";
  const madeSoBy = { actions: ["compose.stop", "script.run"] };
  return {
    ...{
      id: "evidence.stopped",
      level: "block",
      ok: !running,
      says,
      next: "Stop it first. If it was killed: start and stop it, or remove the file once no server runs.",
      madeSoBy,
    },
    ...(running && { notNeeded: true as const }),
  };
}

/** Without a copy only what an earlier such restore left may be replaced. */
function ofNoUse({ data }: Seen, { host }: Input): Check {
  const ok = data.answers && (!data.present || data.aside === true);
  const says = ok
    ? `${host.data} holds nothing, or what was restored there to be looked at.`
    : `${host.data} holds a cluster that archives, or may: it is not replaced without a copy.`;
  return { id: "data.ofNoUse", level: "block", ok, says, next: "Say where copies go, or correct the folder." };
}

function room({ data, chosen }: Seen, { host, copies = host.data }: Input): Check {
  const needs = copies !== host.data && data.answers ? (data.bytes ?? 0) : 0;
  const free = data.answers ? data.freeBytes : null;
  const ok = free === null || free > needs + Math.max(0, (chosen?.bytes ?? 0) - needs);
  const says = ok
    ? `${copies} has room for a copy.`
    : `${copies} has ${free} bytes free; a copy of the data folder needs ${needs}.`;
  return { id: "copies.room", level: "block", ok, says };
}

function archivedFar({ repository }: Seen, { targetTime }: Input): Check {
  const at = repository.answers ? repository.archivedAt : null;
  // The repository tells whole seconds.
  const ok = at !== null && (targetTime === undefined || at + 1000 > Date.parse(targetTime));
  const says = ok
    ? "The log is archived up to the requested point."
    : targetTime === undefined
      ? "pgBackRest has no archived log: only the backup itself can be restored."
      : `The log is archived up to ${at === null ? "nowhere" : new Date(at).toISOString()}, before ${targetTime}: PostgreSQL would end its recovery with an error.`;
  return { id: "archive.reaches", level: targetTime === undefined ? "warn" : "block", ok, says };
}
