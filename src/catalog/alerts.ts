import { z } from "zod";
import { id, mode, sentence } from "./schema-parts.ts";

/** What monitoring calls out, and which runbook is the answer. */

export const alertsSchema = z
  .record(
    z.string().regex(/^[A-Za-z][A-Za-z0-9_-]*$/, "The name the monitoring gives it: DatabaseDown"),
    z.strictObject({
      title: sentence,
      names: z
        .array(z.string().trim().min(1).max(255))
        .optional()
        .describe("What the monitoring calls it, where that is not this id: an alarm of CloudWatch may have spaces"),
      match: z
        .record(z.string().min(1), z.string())
        .optional()
        .describe(
          "Labels it has, as well as the name: { job: postgres }. Needed where two systems have an alert of one name",
        ),
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

export const otherAlertsSchema = z
  .strictObject({
    severity: z.enum(["P0", "P1", "P2", "P3"]),
    component: id,
  })
  .describe(
    "Alerts that name this system (label `system`) and are not listed: they open an incident of this severity. Left out: they are counted, and open none",
  );

/** What alerts that are not listed come to. */
export type OtherAlerts = z.output<typeof otherAlertsSchema>;

export interface Alert {
  /** The name the monitoring gives it. */
  readonly id: string;
  /** Other names it gives it; absent: none. */
  readonly names?: readonly string[];
  /** Labels it has; absent: any. */
  readonly match?: Readonly<Record<string, string>>;
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
    ...(one.names && { names: one.names }),
    ...(one.match && { match: one.match }),
    title: one.title,
    when: one.when,
    severity: one.severity,
    component: one.component,
    runbook: one.runbook ?? null,
    mode: one.mode ?? null,
    link: one.link ?? null,
  }));
}
