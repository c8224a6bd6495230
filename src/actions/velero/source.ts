import { z } from "zod";
import type { Check } from "../contract.ts";
import { clusterInput, dnsName } from "../kubernetes-client.ts";
import { hoursSince, type RequestView } from "./request.ts";

/** Velero's cluster (the target's namespace is Velero's own), and which backup is meant. */
export const sourceShape = {
  cluster: clusterInput,
  /** Its name … */
  backup: dnsName.optional(),
  /** … or the schedule whose newest complete one is meant. */
  schedule: dnsName.optional(),
  /** A backup older than this is not used. */
  maxAgeHours: z.number().positive().max(100_000).default(24),
};

export function oneSource({
  backup,
  schedule,
}: {
  backup?: string | undefined;
  schedule?: string | undefined;
}): boolean {
  return (backup === undefined) !== (schedule === undefined);
}

export interface SourceView {
  readonly locations: readonly string[];
  readonly newest: RequestView | null;
  /** The clock of the machine that looked, milliseconds since 1970. */
  readonly lookedAt: number;
}

export function sourceChecks({ locations, newest, lookedAt }: SourceView, maxAgeHours: number): readonly Check[] {
  const age = hoursSince(newest?.completedAt ?? null, lookedAt);
  const fresh = age !== null && age <= maxAgeHours;
  const some = locations.length > 0;
  return [
    {
      id: "velero.location",
      level: "block",
      ok: some,
      says: some ? `${locations.join(", ")} can be used.` : "Velero has no backup storage location that is Available.",
    },
    {
      id: "velero.backup",
      level: "block",
      ok: fresh,
      says: newest
        ? `${newest.name} is complete and ${age ?? "unknown"} hours old${fresh ? "" : `; ${maxAgeHours} are allowed`}.`
        : "Velero has no complete backup without errors.",
    },
  ];
}
