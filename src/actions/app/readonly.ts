import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import { type Check, defineAction, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { ask } from "../rest.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { type FlagView, flagInput, readFlag, resourceOf, writeFlag } from "./flag.ts";

const input = z.strictObject({
  /** What people call the application. */
  name: z.string().min(1).max(63),
  flag: flagInput,
  /** `readonly`: it takes no writes; `writable`: it takes them again. */
  to: z.enum(["readonly", "writable"]).default("readonly"),
  /** A write that leaves nothing behind: what it is answered shows that the flag is obeyed. */
  probe: z.strictObject({
    url: z.url({ protocol: /^https?$/ }),
    path: z.string().startsWith("/"),
    method: z.enum(["POST", "PUT"]).default("POST"),
    body: z.record(z.string(), z.unknown()).default({}),
    rejected: z.array(z.number().int().min(400).max(599)).min(1).default([503]),
    tokenFrom: z.string().min(1).optional(),
  }),
  /** How long the application may take to obey. */
  settleSeconds: z.number().positive().max(600).default(30),
});
type Input = z.infer<typeof input>;

/** Tells an application to take no writes (or to take them again), and sees by a write that it obeys. */
export const readonly = defineAction<Input, FlagView>({
  id: "app.readonly",
  summary: "Tell an application to take no writes, or to take them again, and see that it obeys",
  input,
  risk: "reversible",
  service: ({ to }) => (to === "writable" ? "restores" : "interrupts"),
  repeat: "safe",
  budget: { typicalSeconds: 2, warnSeconds: 30, failSeconds: 660 },
  resources: ({ flag }) => [resourceOf(flag)],
  observe: (ctx, { flag }) => readFlag(ctx, flag),
  facts: (seen, { name }) => [
    { id: "readonly", label: `${name} is read-only`, value: seen.answers ? seen.readonly : null, material: false },
  ],
  ready: (seen, { name }) => [answers(seen, name)],
  done: (seen, { to }) => (!seen.answers ? "unknown" : seen.readonly === (to === "readonly") ? "yes" : "no"),
  async apply(ctx, { flag, to }) {
    await writeFlag(ctx, flag, to === "readonly");
    return {};
  },
  async verify(ctx, given) {
    const { name, to, settleSeconds } = given;
    let last = "It was not asked";
    const status = await until(
      {
        what: `${name} ${to === "readonly" ? "refusing" : "taking"} writes`,
        seconds: settleSeconds,
        everyMilliseconds: 100,
        signal: ctx.signal,
        stateNow: () => last,
      },
      async () => {
        const probe = await tryWrite(ctx, given);
        last = `${name}: ${probe.says}`;
        return probe.took === (to === "writable") ? probe.status : null;
      },
    );
    const says = to === "readonly" ? `${name} refuses writes (${status}).` : `${name} takes writes again (${status}).`;
    return {
      says,
      facts: [{ id: "readonly", label: `${name} is read-only`, value: to === "readonly", material: false }],
    };
  },
  undo: undoneBy((before, given) => {
    const { name, to } = given;
    if (before.answers && before.readonly === (to === "readonly")) return nothing(`${name} was ${to} before.`);
    const back = to === "readonly" ? "writable" : "readonly";
    return inverse("app.readonly", { ...given, to: back }, `Make ${name} ${back === "readonly" ? "read-only" : back}`);
  }),
});

function answers(seen: FlagView, name: string): Check {
  const says = seen.answers ? `${name} is ${seen.readonly ? "read-only" : "writable"}.` : `${name}: ${seen.why}.`;
  return { id: "flag.answers", level: "block", ok: seen.answers, says };
}

/** `took` is null for an answer that is neither: an application that is down is not one that obeys. */
async function tryWrite(
  ctx: ReadContext,
  { probe }: Input,
): Promise<{ readonly took: boolean | null; readonly status: number; readonly says: string }> {
  const { url, path, method, body, rejected, tokenFrom } = probe;
  const headers = tokenFrom ? { authorization: `Bearer ${ctx.secret(tokenFrom)}` } : {};
  try {
    const { status } = await ask(ctx, { url, headers }, { method, path, json: body, seconds: 5 });
    const took = rejected.includes(status) ? false : status < 300 ? true : null;
    return { took, status, says: `a write was answered ${status}` };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { took: null, status: 0, says: `a write was not answered: ${messageOf(error)}` };
  }
}
