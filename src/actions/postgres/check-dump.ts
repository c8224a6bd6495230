import { basename } from "node:path";
import { z } from "zod";
import type { Check, Fact } from "../contract.ts";
import { defineLook } from "../read.ts";
import { availableFact, type DumpView, dumpInput, isChosen, lookAtDump, readable, whole } from "./dump-view.ts";

const input = z.strictObject({
  from: dumpInput,
  /** Older than this it is no backup any more. */
  maxAgeHours: z.number().positive().max(10_000).default(26),
  /** Tables it has to bring: `public.users`. */
  tables: z.array(z.string().min(1)).max(200).default([]),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly dump: DumpView;
  readonly ageHours: number | null;
}

/** Whether a dump is there, whole by its checksum, readable and young enough. Restores nothing: that is another proof. */
export const checkDump = defineLook<Input, Seen>({
  id: "postgres.check_dump",
  summary: "Look whether a dump is whole, readable and young enough",
  input,
  budget: { typicalSeconds: 5, warnSeconds: 600, failSeconds: 3600 },
  observe: look,
  facts: factsOf,
  checks: checksOf,
  where: () => "The dump",
  says: ({ dump, ageHours }) =>
    `${basename(dump.file ?? "")} is whole: ${dump.tables.length} tables, ${ageHours?.toFixed(1) ?? "unknown"} hours old.`,
});

async function look(ctx: Parameters<typeof lookAtDump>[0], { from }: Input): Promise<Seen> {
  const dump = await lookAtDump(ctx, { from });
  return { dump, ageHours: dump.takenAt === null ? null : (Date.now() - dump.takenAt) / 3_600_000 };
}

function factsOf({ dump, ageHours }: Seen): readonly Fact[] {
  return [
    { id: "dumpFile", label: "Dump", value: dump.file, material: true },
    { id: "sha256", label: "SHA-256", value: dump.sha256, material: true },
    ...availableFact(dump),
    { id: "bytes", label: "Bytes", value: dump.bytes, material: false },
    {
      id: "ageHours",
      label: "Age in hours",
      value: ageHours === null ? null : Math.round(ageHours * 10) / 10,
      material: false,
    },
  ];
}

function checksOf({ dump, ageHours }: Seen, { from, maxAgeHours, tables }: Input): readonly Check[] {
  const missing = tables.filter((table) => !dump.tables.includes(table));
  const young = ageHours !== null && ageHours <= maxAgeHours;
  return [
    whole(dump),
    readable(dump),
    {
      ...block(
        "dump.young",
        young,
        young
          ? `It is ${ageHours?.toFixed(1)} hours old.`
          : `Its age is ${ageHours === null ? "not known" : `${ageHours.toFixed(1)} hours`}; ${maxAgeHours} are allowed.`,
      ),
      ...(isChosen(from) && ageHours !== null ? { level: "warn" as const } : {}),
    },
    block(
      "dump.tables",
      missing.length === 0,
      missing.length === 0 ? "It brings every named table." : `It brings no ${missing.join(", no ")}.`,
    ),
  ];
}

function block(id: string, ok: boolean, says: string): Check {
  return { id, level: "block", ok, says };
}
