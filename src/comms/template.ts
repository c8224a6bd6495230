import { z } from "zod";
import { audiences } from "../catalog/comms.ts";
import type { Audience, SeverityId } from "../catalog/types.ts";
import type { Moment } from "../incident/events.ts";
import { moments } from "../incident/moments.ts";

/** What someone says to whom at which moment: a file of `templates/comms/`, or of a system's own `comms/`. */
export interface Template {
  readonly id: string;
  readonly title: string;
  readonly audience: Audience;
  readonly moment: Moment;
  readonly severity: readonly SeverityId[];
  readonly channels: readonly Channel[];
  /** Subject of the mail, and name of the incident on a status page. Liquid. */
  readonly subject: string | null;
  readonly fields: readonly Field[];
  /** Liquid, with `**bold**`, blank lines between paragraphs, and `- ` before the items of a list. */
  readonly body: string;
}

export type Channel = "slack" | "email" | "statuspage";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly describes: string;
  readonly required: boolean;
  /** A paragraph rather than a line. */
  readonly many: boolean;
  /** What was said last under this name is offered again. */
  readonly carries: boolean;
  /** Liquid over the facts, for what is not said yet. */
  readonly prefill: string | null;
}

/** Every update but the last says when the next one comes; this is the field that does. */
export const NEXT_UPDATE = "nextUpdate";
/** After these nothing more is promised. */
export const LAST_WORDS: readonly Moment[] = ["resolution", "postmortem", "drill-result"];

const words = z.string().trim().min(1, "It may not be empty");

const field = z.strictObject({
  label: words.max(150, "A label has 150 characters at most"),
  describes: words
    .max(150, "A description has 150 characters at most")
    .describe("What belongs here, for a tired writer"),
  required: z.boolean().default(true),
  many: z.boolean().default(false).describe("True: a paragraph"),
  carries: z.boolean().default(false).describe("True: what was said last is offered again"),
  prefill: z.string().optional().describe("Liquid over the facts of the incident"),
});

/** The front matter. Its description of each key is what an error says is allowed. */
export const frontMatter = z
  .strictObject({
    id: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "Lower-case words joined by hyphens, as the file is called"),
    title: words.max(75, "A title has 75 characters at most: it stands in a menu"),
    audience: z.enum(audiences),
    moment: z.enum(moments),
    severity: z
      .array(z.enum(["P0", "P1", "P2", "P3"]))
      .min(1, "At least one severity")
      .default(["P0", "P1", "P2", "P3"]),
    channels: z.array(z.enum(["slack", "email", "statuspage"])).min(1, "At least one of slack, email, statuspage"),
    subject: words.optional().describe("Subject of the mail, name of the incident on a status page"),
    fields: z
      .record(z.string().regex(/^[a-z][A-Za-z0-9]*$/, "A field's name is one word in camelCase: nextUpdate"), field)
      .default({}),
  })
  .refine(({ channels, subject }) => subject !== undefined || channels.every((channel) => channel === "slack"), {
    path: ["subject"],
    error: "A mail needs a subject, and an incident on a status page a name",
  });

export function toTemplate({ fields, subject, ...rest }: z.output<typeof frontMatter>, body: string): Template {
  return {
    ...rest,
    subject: subject ?? null,
    fields: Object.entries(fields).map(([name, { prefill, ...one }]) => ({ name, ...one, prefill: prefill ?? null })),
    body,
  };
}
