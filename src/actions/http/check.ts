import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import type { ApplyContext, Check, Fact } from "../contract.ts";
import { type Answered, askOnce, type Expectation, expectation } from "../expectation.ts";
import { defineRead } from "../read.ts";

const input = z
  .strictObject({
    checks: z.array(expectation).min(1).max(20),
    /** This many answers as expected in a row … */
    consecutive: z.number().int().min(1).max(20).default(3),
    /** … out of at most this many. */
    attempts: z.number().int().min(1).max(200).default(30),
    everySeconds: z.number().min(0.05).max(60).default(0.5),
  })
  .refine(({ consecutive, attempts }) => attempts >= consecutive, {
    path: ["attempts"],
    message: "has to be at least as many as consecutive",
  });
type Input = z.infer<typeof input>;

/** Asks addresses until each has answered as expected several times in a row. */
export const check = defineRead<Input, readonly Answered[]>({
  id: "http.check",
  summary: "Ask web addresses until they answer as expected, several times in a row",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 20, failSeconds: 120 },
  probation: true,
  observe: (ctx, { checks }) => Promise.all(checks.map((one) => askOnce(ctx, one))),
  facts: (seen) => seen.map((one, i) => ({ id: `answer${i + 1}`, label: one.url, value: one.says, material: false })),
  ready: (seen) => seen.flatMap(checksOf),
  async verify(ctx, given) {
    const answers = await Promise.all(given.checks.map((one) => inARow(ctx, given, one)));
    const facts: Fact[] = answers.map((one, i) => ({
      id: `answer${i + 1}Milliseconds`,
      label: one.url,
      value: one.milliseconds,
      material: false,
    }));
    const times = given.consecutive === 1 ? "once" : `${given.consecutive} times in a row`;
    return { says: `${answers.map((one) => one.url).join(", ")} answered as expected, ${times}.`, facts };
  },
});

/** What it answers before the failover is shown and stands in no one's way; an address that may not be asked does. */
function checksOf(one: Answered, i: number): Check[] {
  const answer: Check = { id: `answer.${i + 1}`, level: "warn", ok: one.met, says: `${one.url} ${one.says}.` };
  return one.forbidden
    ? [{ ...answer, id: `address.${i + 1}`, level: "block", says: `${one.url}: ${one.says}.` }]
    : [answer];
}

async function inARow(ctx: ApplyContext, given: Input, one: Expectation): Promise<Answered> {
  let row = 0;
  let last: Answered | null = null;
  for (let attempt = 1; attempt <= given.attempts; attempt++) {
    last = await askOnce(ctx, one);
    if (last.forbidden) break;
    row = last.met ? row + 1 : 0;
    if (row >= given.consecutive) return last;
    if (attempt < given.attempts) await sleep(given.everySeconds * 1000, undefined, { signal: ctx.signal });
  }
  throw new LifeboatError({
    code: "not-answering",
    where: one.url,
    what: `It ${last?.says ?? "was not asked"}`,
    allowed: `${given.consecutive} expected answers in a row, out of ${given.attempts}, are needed`,
    stateNow: "Nothing was changed by this step",
  });
}
