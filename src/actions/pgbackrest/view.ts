import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { type Host, pgbackrest, runOn } from "./host.ts";

/** A repository as pgBackRest tells of it. Plain JSON. */
export type RepositoryView =
  | { readonly answers: false; readonly why: string }
  | {
      readonly answers: true;
      /** 0: ok; anything else is said in `status`. */
      readonly code: number;
      readonly status: string;
      /** A backup is being made right now. */
      readonly busy: boolean;
      /** Oldest first, those with an error left out. */
      readonly backups: readonly Backup[];
      readonly failed: number;
      /** The newest piece of the log that is archived, and when it was; null: none is. */
      readonly archiveMax: string | null;
      readonly archivedAt: number | null;
      /** This machine's clock when it was looked at. */
      readonly at: number;
    };

export interface Backup {
  readonly label: string;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly stoppedAt: number;
  /** Of the database, not of the repository. */
  readonly bytes: number;
}

const info = z.array(
  z.object({
    status: z.object({
      code: z.number(),
      message: z.string(),
      lock: z.object({ backup: z.object({ held: z.boolean() }) }).optional(),
    }),
    archive: z.array(z.object({ id: z.string(), max: z.string().nullable() })).default([]),
    backup: z
      .array(
        z.object({
          label: z.string(),
          type: z.string(),
          error: z.boolean().nullish(),
          timestamp: z.object({ start: z.number(), stop: z.number() }),
          info: z.object({ size: z.number() }),
        }),
      )
      .default([]),
  }),
);

const listing = z.record(z.string(), z.object({ time: z.number().optional() }));

const LOOK_SECONDS = 10;

/** That it does not answer is an observation. */
export async function lookAtRepository(ctx: ReadContext, host: Host): Promise<RepositoryView> {
  try {
    const said = await runOn(ctx, host, "pgbackrest", pgbackrest(host, "info", "--output=json"), LOOK_SECONDS);
    if (said.code !== 0) return { answers: false, why: lastLine(said.output) };
    const [stanza] = info.parse(JSON.parse(said.output));
    if (stanza === undefined) return { answers: false, why: `there is no stanza ${host.stanza}` };
    const backups = stanza.backup.filter(({ error }) => error !== true);
    const newest = stanza.archive.at(-1);
    return {
      answers: true,
      code: stanza.status.code,
      status: stanza.status.message,
      busy: stanza.status.lock?.backup.held ?? false,
      backups: backups.map(({ label, type, timestamp, info: { size } }) => ({
        label,
        type,
        startedAt: timestamp.start * 1000,
        stoppedAt: timestamp.stop * 1000,
        bytes: size,
      })),
      failed: stanza.backup.length - backups.length,
      archiveMax: newest?.max ?? null,
      archivedAt: newest?.max ? await archivedAt(ctx, host, newest.id, newest.max) : null,
      at: Date.now(),
    };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { answers: false, why: messageOf(error) };
  }
}

/** When a piece of the log came into the repository. `info` names it and does not say. */
async function archivedAt(ctx: ReadContext, { config, stanza, ...host }: Host, id: string, segment: string) {
  const given = [
    ...(config === undefined ? [] : [`--config=${config}`]),
    "repo-ls",
    `archive/${stanza}/${id}/${segment.slice(0, 16)}`,
    "--output=json",
  ];
  const said = await runOn(ctx, { config, stanza, ...host }, "pgbackrest", given, LOOK_SECONDS);
  if (said.code !== 0) return null;
  const files = Object.entries(listing.parse(JSON.parse(said.output)));
  const found = files.find(([name]) => name.startsWith(segment));
  return found?.[1].time === undefined ? null : found[1].time * 1000;
}

function lastLine(output: string): string {
  return output.trim().split("\n").at(-1)?.slice(-300) ?? "it said nothing";
}

export function newestBackup(seen: RepositoryView): Backup | null {
  return seen.answers ? (seen.backups.at(-1) ?? null) : null;
}

export function repositoryFacts(seen: RepositoryView): Fact[] {
  const newest = newestBackup(seen);
  const age = (at: number | null | undefined) =>
    seen.answers && at !== null && at !== undefined ? Math.max(0, Math.round((seen.at - at) / 1000)) : null;
  return [
    { id: "repositoryReachable", label: "Repository answers", value: seen.answers, material: true },
    { id: "newestBackup", label: "Newest backup", value: newest?.label ?? null, material: false },
    { id: "backupAgeSeconds", label: "Its age in seconds", value: age(newest?.stoppedAt), material: false },
    { id: "backups", label: "Backups", value: seen.answers ? seen.backups.length : null, material: false },
    { id: "archiveMax", label: "Log archived up to", value: seen.answers ? seen.archiveMax : null, material: false },
    {
      id: "archiveAgeSeconds",
      label: "Archived seconds ago",
      value: age(seen.answers ? seen.archivedAt : null),
      material: false,
    },
  ];
}

export function repositoryUsable(seen: RepositoryView, { stanza }: Host): Check {
  const id = "repository.usable";
  if (!seen.answers) return { id, level: "block", ok: false, says: `pgBackRest does not answer: ${seen.why}.` };
  const ok = seen.code === 0 && seen.backups.length > 0;
  const says = ok
    ? `Stanza ${stanza} is ok and holds ${seen.backups.length} whole backups.`
    : `Stanza ${stanza} can't be used: ${seen.code === 0 ? "it holds no whole backup" : `${seen.status} (${seen.code})`}.`;
  return { id, level: "block", ok, says };
}
