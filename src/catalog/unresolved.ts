import { z } from "zod";
import { duration } from "./duration.ts";
import { id } from "./schema-parts.ts";

/** Who is reached when an incident goes on: not who decides, which is what `escalation` of a gate says. */

const severity = z.enum(["P0", "P1", "P2", "P3"]);

export const unresolvedSchema = z
  .strictObject({
    until: z
      .enum(["acknowledged", "mitigating", "resolved"])
      .default("resolved")
      .describe(
        "What ends it: someone took a role, acknowledged the page or requested a run; a run is in progress or the status is mitigating; or the incident is resolved",
      ),
    levels: z
      .array(
        z.strictObject({
          role: id.describe("Who is reached: the holders of this role"),
          after: duration.describe("Counted from the declaration, or from the last reopening: 15m"),
          severities: z
            .array(severity)
            .min(1, "At least one severity")
            .optional()
            .describe("Left out: of every severity"),
        }),
      )
      .min(1, "At least one level"),
  })
  .describe(
    "If unresolved: whom an incident reaches that goes on, level by level. Drills and maintenance reach no one",
  );

export interface Unresolved {
  readonly until: "acknowledged" | "mitigating" | "resolved";
  readonly levels: readonly {
    readonly role: string;
    readonly afterSeconds: number;
    /** Null: every severity. */
    readonly severities: readonly z.output<typeof severity>[] | null;
  }[];
}

export function toUnresolved({ until, levels }: z.output<typeof unresolvedSchema>): Unresolved {
  return {
    until,
    levels: levels
      .map(({ role, after, severities }) => ({ role, afterSeconds: after, severities: severities ?? null }))
      .sort((one, other) => one.afterSeconds - other.afterSeconds),
  };
}
