import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { after, awaited } from "../awaited.ts";
import type { ReadContext } from "../contract.ts";
import { type Check, type Done, defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import { whyNot, withRedis } from "./client.ts";
import { type Node, nodeAt, nodeInput, resourceOf, resourcesOf, setInput } from "./node.ts";
import { probeWrite } from "./probe.ts";
import { lookAtSet } from "./set.ts";
import { fieldsOf, lookAt, type NodeView } from "./view.ts";

const fields = z.strictObject({
  /** A master whose data can be made again from elsewhere. All of it is thrown away. */
  node: nodeInput.optional(),
  /** Or a set: whichever server its Sentinels name is emptied. */
  set: setInput.optional(),
  /** It counts as warm with this many keys; what warms it is the application, or a step of its own. */
  warmKeys: z.number().int().min(0).default(0),
  warmSeconds: z.number().min(0).max(3600).default(60),
  after,
});
const input = fields.refine(({ node, set }) => (node === undefined) !== (set === undefined), "needs node or set");
type Input = z.infer<typeof input>;
interface Seen {
  readonly node: NodeView;
  /** `FLUSHALL`s since this process started; null when it can't be read. */
  readonly flushes: number | null;
}

/** Throws a cache away that holds what it should not, and waits until it is warm again. */
export const rebuild = defineAction<Input, Seen>({
  id: "redis.rebuild",
  summary: "Empty a Redis cache and wait until it is warm again",
  input,
  risk: "irreversible",
  service: "restores",
  repeat: "destructive",
  budget: { typicalSeconds: 60, warnSeconds: 600, failSeconds: 4000 },
  resources: ({ node, set }) => [...(node ? [resourceOf(node)] : []), ...(set ? resourcesOf(set) : [])],
  async observe(ctx, { node, set }) {
    if (node !== undefined) return await look(ctx, node);
    const master = set && (await lookAtSet(ctx, set)).master;
    if (set && master) return await look(ctx, nodeAt(set, master));
    const why = "the Sentinels agree on no master";
    return { node: { name: set?.master ?? "", address: "", answers: false, why }, flushes: null };
  },
  facts: ({ node }) => [
    { id: "emptied", label: "Is emptied", value: node.name, material: true },
    { id: "role", label: "Role", value: node.answers ? node.role : null, material: true },
    { id: "keys", label: "Keys thrown away", value: node.answers ? node.keys : null, material: false },
  ],
  ready: (seen, given, evidence) => awaited([answersAsMaster(seen.node), countable(seen)], given.after, evidence),
  done: isDone,
  async apply(ctx, given, seen) {
    const node = nodeIn(seen, given);
    await withRedis(ctx, node, (redis) => redis.call("FLUSHALL", "ASYNC"), 10);
    return {};
  },
  async verify(ctx, given, before) {
    const { warmKeys, warmSeconds } = given;
    const node = nodeIn(before, given);
    await seenEmptied(ctx, node, given, before);
    await probeWrite(ctx, node);
    let keys = 0;
    await until(
      {
        what: `${node.name} holding ${warmKeys} keys`,
        seconds: warmSeconds,
        everyMilliseconds: 250,
        signal: ctx.signal,
        stateNow: () => `${node.name} takes writes and holds ${keys} keys`,
      },
      async () => {
        const view = await lookAt(ctx, node);
        keys = view.answers ? view.keys : keys;
        return view.answers && keys >= warmKeys ? true : null;
      },
    );
    return {
      says: `${node.name} was emptied, takes writes and holds ${keys} keys.`,
      facts: [{ id: "keys", label: "Keys", value: keys, material: false }],
    };
  },
  undo: neverUndone(({ node, set }) => `What ${node?.name ?? set?.master} held is gone; it can only be made again.`),
});

/** The one that was looked at, with its login. */
function nodeIn({ node: { address } }: Seen, { node, set }: Input): Node {
  if (node !== undefined) return node;
  if (set === undefined || address === "")
    throw new LifeboatError({ code: "master-unknown", what: "No master is named" });
  return nodeAt(set, address);
}

async function look(ctx: ReadContext, node: Node): Promise<Seen> {
  const [view, flushes] = await Promise.all([lookAt(ctx, node), flushesOf(ctx, node)]);
  return { node: view, flushes };
}

/** An OK is no evidence: the server's own count is. */
async function seenEmptied(ctx: ReadContext, node: Node, given: Input, before: Seen): Promise<void> {
  const found = isDone(await look(ctx, node), given, before);
  if (found === "yes") return;
  throw new LifeboatError({
    code: "not-emptied",
    where: node.name,
    what:
      found === "no"
        ? "It has counted no FLUSHALL"
        : "Whether it was emptied can't be told: it was restarted, or is silent",
    stateNow: found === "no" ? "It holds what it held" : "What it holds is not known",
    next: "Look what it holds, then retry the step or go on",
  });
}

/** The process counts its own FLUSHALLs: one more than before the intent, in the same process, is ours or as good. */
function isDone(seen: Seen, _given: Input, before: Seen | null): Done {
  if (before === null) return "no";
  if (!seen.node.answers || !before.node.answers) return "unknown";
  if (seen.flushes === null || before.flushes === null || seen.node.runId !== before.node.runId) return "unknown";
  return seen.flushes > before.flushes ? "yes" : "no";
}

async function flushesOf(ctx: ReadContext, node: Node): Promise<number | null> {
  try {
    const stats = await withRedis(ctx, node, (redis) => redis.call("INFO", "commandstats"));
    return Number(/calls=(\d+)/.exec(fieldsOf(stats).cmdstat_flushall ?? "calls=0")?.[1] ?? 0);
  } catch (error) {
    ctx.signal.throwIfAborted();
    ctx.log.debug(
      { event: "action.count_unread", node: node.name, why: whyNot(error) },
      "how often it was emptied can't be read",
    );
    return null;
  }
}

function countable({ node, flushes }: Seen): Check {
  const ok = !node.answers || flushes !== null;
  const says = ok
    ? "How often it was emptied can be read."
    : `How often ${node.name} was emptied can't be read, so it could not be seen that it was.`;
  return { id: "flushes.known", level: "block", ok, says, next: "Allow its login INFO." };
}

function answersAsMaster(node: NodeView): Check {
  const ok = node.answers && node.role === "master" && !node.loading;
  const found = !node.answers
    ? `does not answer (${node.why})`
    : node.loading
      ? "is still loading"
      : `is a ${node.role}`;
  return {
    id: "node.master",
    level: "block",
    ok,
    says: `${node.name} ${found}${ok ? "." : "; only a master can be emptied."}`,
  };
}
