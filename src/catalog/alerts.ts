import { z } from "zod";
import { id, mode, sentence } from "./schema-parts.ts";

/** What monitoring calls out, and which runbook is the answer. */

export const alertsSchema = z
  .record(
    z.string().regex(/^[A-Za-z][A-Za-z0-9_-]*$/, "The name the monitoring gives it: DatabaseDown"),
    z.strictObject({
      title: sentence,
      when: sentence.describe("The condition, as the monitoring has it: up == 0 for 1m"),
      severity: z.enum(["P0", "P1", "P2", "P3"]),
      component: id.describe("What it is about"),
      runbook: id.optional().describe("What is proposed"),
      mode: mode.optional().describe("The mode it is proposed in"),
      link: z
        .url({ protocol: /^https?$/, error: "An address of the web" })
        .optional()
        .describe("Where more is written"),
    }),
  )
  .describe("Alerts by the name the monitoring gives them");

export interface Alert {
  /** The name the monitoring gives it. */
  readonly id: string;
  readonly title: string;
  readonly when: string;
  readonly severity: "P0" | "P1" | "P2" | "P3";
  readonly component: string;
  readonly runbook: string | null;
  readonly mode: "planned" | "unplanned" | null;
  readonly link: string | null;
}

export function toAlerts(written: z.output<typeof alertsSchema>): readonly Alert[] {
  return Object.entries(written).map(([id, one]) => ({
    id,
    title: one.title,
    when: one.when,
    severity: one.severity,
    component: one.component,
    runbook: one.runbook ?? null,
    mode: one.mode ?? null,
    link: one.link ?? null,
  }));
}
