import { z } from "zod";
import { id, mode, scalar, sentence } from "./schema-parts.ts";

/** How the decision tree of a system is written, and what Lifeboat reads from it. */

const probe = z
  .strictObject({
    action: z.string().min(1).describe("A read action: http.check, postgres.check"),
    with: z
      .record(z.string(), z.unknown())
      .default({})
      .describe(`Its input, as in a runbook; \${var.name} is replaced`),
    fact: z.string().min(1).optional().describe("The fact of what it sees that answers the question: primaryReachable"),
    check: z.string().min(1).optional().describe("Or the check of it that does, true where it is met: answer.1"),
  })
  .meta({ oneOf: [{ required: ["fact"] }, { required: ["check"] }] })
  .describe("Asked of the world instead of a person. Where it can't look, a person is asked after all");

const answer = z
  .strictObject({
    says: sentence.describe("What stands on its button: Yes, none of them answers"),
    is: scalar.optional().describe("The probe answers this where the fact is this"),
    atLeast: z.number().optional().describe("The probe answers this where the fact is this number or more"),
    below: z.number().optional().describe("The probe answers this where the fact is less than this number"),
    ask: id.optional().describe("The question that comes next"),
    runbook: id.optional().describe("The runbook that is proposed"),
    mode: mode.optional().describe("The mode it is proposed in; left out: the person who starts it chooses"),
    advice: sentence.optional().describe("What to do, alone or before the proposed runbook"),
  })
  .meta({ anyOf: [{ required: ["ask"] }, { required: ["runbook"] }, { required: ["advice"] }] });

const question = z.strictObject({
  asks: sentence.describe("One question, answered in a word: Does the database answer?"),
  look: sentence.optional().describe("How a person sees the answer, where the probe can't"),
  probe: probe.optional(),
  answers: z
    .record(id, answer)
    .refine((answers) => Object.keys(answers).length >= 2, { error: "A question has at least two answers" })
    .refine((answers) => Object.keys(answers).length <= 5, { error: "A question has five answers at most" }),
});

export const triageSchema = z
  .strictObject({
    first: id.describe("The question it begins with"),
    questions: z.record(id, question),
  })
  .describe("The decision tree of /dr triage: questions, and at its leaves a runbook or an advice");

export type WrittenTriage = z.output<typeof triageSchema>;

export interface Triage {
  readonly first: string;
  readonly questions: readonly Question[];
}

export interface Question {
  readonly id: string;
  readonly asks: string;
  readonly look: string | null;
  readonly probe: Probe | null;
  readonly answers: readonly Answer[];
}

/** What is looked at to answer: a read action, and the fact or check that counts. References in `with` are unresolved. */
export interface Probe {
  readonly action: string;
  readonly with: unknown;
  /** Either this … */
  readonly fact: string | null;
  /** … or this, which is true or false. */
  readonly check: string | null;
}

export interface Answer {
  readonly id: string;
  readonly says: string;
  /** The probe gives this answer where this holds; null: only a person gives it. */
  readonly holds: Holds | null;
  /** The next question; null: this is a leaf. */
  readonly ask: string | null;
  readonly runbook: string | null;
  readonly mode: "planned" | "unplanned" | null;
  readonly advice: string | null;
}

export type Holds =
  | { readonly is: string | number | boolean }
  | { readonly atLeast: number }
  | { readonly below: number };

export function toTriage({ first, questions }: WrittenTriage): Triage {
  return {
    first,
    questions: Object.entries(questions).map(([id, { asks, look, probe, answers }]) => ({
      id,
      asks,
      look: look ?? null,
      probe: probe ? { ...probe, fact: probe.fact ?? null, check: probe.check ?? null } : null,
      answers: Object.entries(answers).map(([id, { says, ask, runbook, mode, advice, ...holds }]) => ({
        id,
        says,
        holds: toHolds(holds),
        ask: ask ?? null,
        runbook: runbook ?? null,
        mode: mode ?? null,
        advice: advice ?? null,
      })),
    })),
  };
}

function toHolds({
  is,
  atLeast,
  below,
}: Pick<WrittenTriage["questions"][string]["answers"][string], "is" | "atLeast" | "below">): Holds | null {
  if (is !== undefined) return { is };
  if (atLeast !== undefined) return { atLeast };
  return below === undefined ? null : { below };
}

/** The first answer that holds of what a probe saw; null where none does, and a person has to say. */
export function answerOf(question: Question, value: string | number | boolean | null): Answer | null {
  return question.answers.find(({ holds }) => holds !== null && value !== null && does(holds, value)) ?? null;
}

function does(holds: Holds, value: string | number | boolean): boolean {
  if ("is" in holds) return holds.is === value;
  if (typeof value !== "number") return false;
  return "atLeast" in holds ? value >= holds.atLeast : value < holds.below;
}
