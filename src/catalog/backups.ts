import { z } from "zod";
import { duration } from "./duration.ts";
import { id, sentence } from "./schema-parts.ts";

/** What is kept of a system's data, how often, where and for how long. */

export const backupsSchema = z
  .record(
    id,
    z.strictObject({
      title: sentence,
      of: z.array(id).min(1, "At least one component").describe("The components whose data it holds"),
      every: duration.describe("How old the newest may be: 1d. 0s: written all the time (a standby, archived WAL)"),
      copies: z
        .array(
          z.strictObject({
            where: sentence.describe("What people call the place: S3 in us-west-2"),
            media: sentence.describe("What it lies on: disk, object storage, tape"),
            offsite: z
              .boolean()
              .default(false)
              .describe("True: it survives the loss of the place where the data lives"),
            kept: duration.optional().describe("For how long: 30d. Left out: only the newest is there"),
          }),
        )
        .min(1, "At least one copy"),
      verify: id.optional().describe("The runbook that proves that it can be read back"),
      restore: id.optional().describe("The runbook that brings it back"),
      explains: sentence.optional().describe("What to know of it: format, key, how far back a point in time may be"),
    }),
  )
  .describe("What is kept of the data: what, how often, where, on what, for how long");

type Written = z.output<typeof backupsSchema>;

export interface Backup {
  readonly id: string;
  readonly title: string;
  /** Components. */
  readonly of: readonly string[];
  /** The newest is at most this old; 0: written all the time. */
  readonly everySeconds: number;
  readonly copies: readonly {
    readonly where: string;
    readonly media: string;
    readonly offsite: boolean;
    /** Null: only the newest is there. */
    readonly keptSeconds: number | null;
  }[];
  readonly verify: string | null;
  readonly restore: string | null;
  readonly explains: string | null;
}

export function toBackups(written: Written): readonly Backup[] {
  return Object.entries(written).map(([id, one]) => ({
    id,
    title: one.title,
    of: one.of,
    everySeconds: one.every,
    copies: one.copies.map(({ where, media, offsite, kept }) => ({ where, media, offsite, keptSeconds: kept ?? null })),
    verify: one.verify ?? null,
    restore: one.restore ?? null,
    explains: one.explains ?? null,
  }));
}

/** What "3-2-1" counts of one component: copies with the live data as one, media with its disk as one, copies elsewhere. */
export interface Kept {
  readonly copies: number;
  readonly media: number;
  readonly offsite: number;
}

export function keptOf(backups: readonly Backup[], component: string): Kept {
  const copies = backups.filter(({ of }) => of.includes(component)).flatMap((one) => one.copies);
  const places = new Map(copies.map((copy) => [copy.where, copy]));
  return {
    copies: places.size + 1,
    media: new Set(["disk", ...[...places.values()].map(({ media }) => media.toLowerCase())]).size,
    offsite: [...places.values()].filter(({ offsite }) => offsite).length,
  };
}
