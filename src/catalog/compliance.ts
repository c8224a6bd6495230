import { z } from "zod";
import { duration } from "./duration.ts";
import { email, id, sentence } from "./schema-parts.ts";

/** What a system owes to standards, who else can be reached, and the lists people go through. */

export const complianceSchema = z
  .strictObject({
    standards: z
      .record(id, z.strictObject({ title: sentence, requires: z.array(sentence).min(1, "At least one requirement") }))
      .default({})
      .describe("Standards this system is held to, and what of each concerns recovery"),
    evidenceKept: duration.optional().describe("Timelines, reports and results of drills are kept this long: 1095d"),
    backups: z.literal("3-2-1").optional().describe("3-2-1: three copies, on two media, one of them elsewhere"),
  })
  .describe("Standards, how long evidence is kept, and the rule backups obey");

export const contactsSchema = z
  .record(
    id,
    z
      .strictObject({
        title: sentence,
        for: sentence.optional().describe("When to turn to them"),
        email: email.optional(),
        phone: z
          .string()
          .regex(/^\+[\d ()-]{5,}$/, "With the country's code: +49 30 1234567")
          .optional(),
        slack: sentence.optional().describe("A channel or handle as people write it: #sre"),
        link: z.url({ protocol: /^https?$/, error: "An address of the web" }).optional(),
      })
      .meta({ anyOf: ["email", "phone", "slack", "link"].map((key) => ({ required: [key] })) }),
  )
  .describe("Teams and vendors that are no person of the roster, and how they are reached");

export const checklistsSchema = z
  .record(
    id,
    z.strictObject({
      title: sentence,
      items: z.array(sentence).min(1, "At least one item"),
      afterIncidents: z
        .literal(true)
        .optional()
        .describe("To tick off after every incident, shown when a run of it is done: no drill has to name it"),
    }),
  )
  .describe("Lists that people go through: before a drill, after an incident");

export interface Compliance {
  readonly standards: readonly { readonly id: string; readonly title: string; readonly requires: readonly string[] }[];
  /** Null: nothing is promised. */
  readonly evidenceKeptSeconds: number | null;
  readonly backups: "3-2-1" | null;
}

export interface Contact {
  readonly id: string;
  readonly title: string;
  readonly for: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly slack: string | null;
  readonly link: string | null;
}

export interface Checklist {
  readonly id: string;
  readonly title: string;
  readonly items: readonly string[];
  /** Gone through after every real incident, too. */
  readonly afterIncidents?: true;
}

export function toCompliance(written: z.output<typeof complianceSchema>): Compliance {
  return {
    standards: Object.entries(written.standards).map(([id, one]) => ({ id, ...one })),
    evidenceKeptSeconds: written.evidenceKept ?? null,
    backups: written.backups ?? null,
  };
}

export function toContacts(written: z.output<typeof contactsSchema>): readonly Contact[] {
  return Object.entries(written).map(([id, { title, for: why, email, phone, slack, link }]) => ({
    id,
    title,
    for: why ?? null,
    email: email ?? null,
    phone: phone ?? null,
    slack: slack ?? null,
    link: link ?? null,
  }));
}

export function toChecklists(written: z.output<typeof checklistsSchema>): readonly Checklist[] {
  return Object.entries(written).map(([id, { title, items, afterIncidents }]) => ({
    ...{ id, title, items },
    ...(afterIncidents && { afterIncidents }),
  }));
}
