import { randomUUID } from "node:crypto";
import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { type Check, defineAction, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { ask, jsonOf } from "../rest.ts";
import { nothingToUndo } from "../undo.ts";
import { CONTRACTS, speaking } from "../versions.ts";

/** `docs/contracts.md` says what such an endpoint does. */
const CONTRACT = CONTRACTS.transaction;

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const input = z.strictObject({
  /** The front door, as customers reach it. */
  url: z.url({ protocol: /^https?$/ }),
  /** An endpoint that is made for synthetic transactions: what it takes is no customer's, and costs no one anything. */
  path: z.string().regex(/^\/[A-Za-z0-9/_.-]{1,200}$/),
  /** Said by the one who writes the runbook, beside what the endpoint says of itself. */
  meantForIt: z.literal(true),
  /** What is sent beside `synthetic: true`. No secret: everyone who sees the plan sees it. */
  body: z.record(z.string().min(1).max(60), scalar).default({}),
  /** Sent as `Authorization: Bearer`. */
  tokenFrom: z.string().min(1).optional(),
  /** Values the answer must hold, top level only: `region: us-west-2`. */
  expect: z.record(z.string().min(1).max(60), scalar).default({}),
  /** How long what was written may take until it is read back through the same door. */
  readBackSeconds: z.number().positive().max(120).default(15),
});
type Input = z.infer<typeof input>;

/** Plain JSON. `key` is the idempotency key the next request will carry: on the timeline before it is sent. */
interface Seen {
  readonly key: string;
  /** The newest one the application took; null: none, or it did not say. */
  readonly last: string | null;
  /** Why the endpoint is none for this, or null. */
  readonly problem: string | null;
  readonly status: number | null;
}

/**
 * One synthetic transaction through the front door: written, answered, and read back by its key. It shows what `GET /health`
 * can't: that customers' writes arrive, by name, certificate, load balancer, application and database.
 */
export const transaction = defineAction<Input, Seen>({
  id: "http.transaction",
  summary: "Write one synthetic transaction through the front door and read it back",
  input,
  risk: "reversible",
  service: "restores",
  // The key makes a second request of the same attempt the same transaction; another attempt is one more synthetic row.
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 15, failSeconds: 150 },
  resources: ({ url, path }) => [`transaction:${new URL(url).host}${path}`],
  observe: look,
  facts: (seen, { url }) => [
    {
      id: "takesTransactions",
      label: `${url} takes synthetic transactions`,
      value: seen.problem === null,
      material: false,
    },
  ],
  ready: (seen, given) => [meant(seen, given)],
  done: (seen, _given, before) => (before !== null && seen.last === before.key ? "yes" : "no"),
  async apply(ctx, given, { key, problem }) {
    const { url, path, body } = given;
    if (problem !== null) {
      throw new LifeboatError({
        code: "endpoint-unknown",
        where: `${url}${path}`,
        what: `The endpoint ${problem}, so it is not known to be made for synthetic transactions`,
        stateNow: "Nothing was sent",
        next: "Look whether the application answers there, then retry the step",
      });
    }
    const answer = await ask(ctx, targetOf(ctx, given, key), {
      method: "POST",
      path,
      json: { ...body, synthetic: true },
      seconds: 10,
    });
    if (answer.status !== 200 && answer.status !== 201) {
      throw new LifeboatError({
        code: "transaction-refused",
        where: `${url}${path}`,
        what: `The transaction was answered ${answer.status}: ${answer.bytes.toString("utf8").slice(0, 200)}`,
        stateNow: "Nothing is known to have been written",
        next: "Look why the application takes no writes, then retry the step",
      });
    }
    return { status: answer.status };
  },
  async verify(ctx, given, { key }) {
    const started = performance.now();
    let last = "It was not read back";
    const poll = {
      what: `transaction ${key} being read back through ${given.url}`,
      seconds: given.readBackSeconds,
      everyMilliseconds: 200,
      signal: ctx.signal,
      stateNow: () => last,
    };
    await until(poll, async () => {
      const problem = await readBack(ctx, given, key);
      last = problem ?? last;
      return problem === null ? true : null;
    });
    const milliseconds = Math.round(performance.now() - started);
    return {
      says: `A transaction through ${given.url} was taken and read back.`,
      facts: [
        { id: "transaction", label: "Transaction", value: key, material: false },
        { id: "readBackMilliseconds", label: "Read back after", value: milliseconds, material: false },
      ],
    };
  },
  undo: nothingToUndo(
    () => "One synthetic transaction is left, marked as such; the application removes those by itself.",
  ),
});

/** What the endpoint says of itself. That it does not answer is an observation. */
async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const key = randomUUID();
  const none = (problem: string, status: number | null = null): Seen => ({ key, last: null, problem, status });
  try {
    const answer = await ask(ctx, targetOf(ctx, given, null), { path: given.path });
    if (answer.status !== 200) return none(`answered ${answer.status}`, answer.status);
    const { contract, last } = jsonOf<{ contract?: unknown; last?: unknown }>(answer);
    if (contract !== CONTRACT)
      return none(`says contract ${JSON.stringify(contract) ?? "nothing"}, not ${CONTRACT}`, 200);
    return { key, last: typeof last === "string" ? last : null, problem: null, status: 200 };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return none(messageOf(error));
  }
}

/** Null: it is there, and as expected. */
async function readBack(ctx: ReadContext, given: Input, key: string): Promise<string | null> {
  try {
    const answer = await ask(ctx, targetOf(ctx, given, null), { path: `${given.path}/${key}` });
    if (answer.status !== 200) return `${given.path}/${key} answered ${answer.status}`;
    const found = jsonOf<Record<string, unknown>>(answer);
    if (found.contract !== CONTRACT || found.key !== key) return `${given.path}/${key} answered with something else`;
    const other = Object.entries(given.expect).find(([name, value]) => found[name] !== value);
    return other === undefined
      ? null
      : `${other[0]} is ${JSON.stringify(found[other[0]]) ?? "absent"} and not ${JSON.stringify(other[1])}`;
  } catch (error) {
    ctx.signal.throwIfAborted();
    return messageOf(error);
  }
}

function targetOf(ctx: ReadContext, { url, tokenFrom }: Input, key: string | null) {
  return {
    url,
    headers: {
      ...speaking(CONTRACT),
      ...(key === null ? {} : { "idempotency-key": key }),
      ...(tokenFrom ? { authorization: `Bearer ${ctx.secret(tokenFrom)}` } : {}),
    },
  };
}

/**
 * Another endpoint answers: blocked. No one answers: shown, because before a failover that is what a front door does; nothing is
 * sent before the endpoint has said what it is.
 */
function meant({ problem, status }: Seen, { url, path }: Input): Check {
  const stranger = status === 200 && problem !== null;
  return {
    id: "transaction.endpoint",
    level: stranger ? "block" : "warn",
    ok: problem === null,
    says: problem === null ? `${url}${path} takes synthetic transactions.` : `${url}${path} ${problem}.`,
  };
}
