import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Check, type Done, defineAction, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import { withRedis } from "./client.ts";
import { lookForMaster, nodeOf } from "./master-of.ts";
import { addressOf, type Node, nodeInput, resourceOf, setInput } from "./node.ts";
import { lookAtSet } from "./set.ts";
import { fieldsOf, isMaster, isReplica, lookAt, type NodeView } from "./view.ts";

const input = z.strictObject({
  /** Becomes a replica. What only it holds is replaced by what the master holds. */
  node: nodeInput,
  /** The server that takes the writes. The node's own `masterauth` has to fit it. */
  master: nodeInput,
  /** Other servers of its place, of which Sentinels may have made one the master: whichever is one is followed. */
  masterOthers: z.array(nodeInput).max(15).default([]),
  /** Where Sentinels watch the node: one they name as master is not made a replica behind their backs. */
  set: setInput.optional(),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly node: NodeView;
  readonly master: NodeView;
  /** Writes the node took during a quarter of a second; null: it is no master, or it can't be told. */
  readonly writes: number | null;
  /** Connections besides ours. */
  readonly clients: number | null;
  /** Who the Sentinels name, `host:port`; null: none are named, or they do not agree. */
  readonly namedMaster: string | null;
}

/** Makes a node a replica: an old master after a promotion elsewhere, or the other side of a pair before the way back. */
export const follow = defineAction<Input, Seen>({
  id: "redis.follow",
  summary: "Make a Redis server a replica of another, and see that it has everything",
  input,
  risk: "irreversible",
  service: "aside",
  // REPLICAOF with the same master changes nothing.
  repeat: "safe",
  budget: { typicalSeconds: 5, warnSeconds: 120, failSeconds: 1800 },
  resources: ({ node, master, masterOthers = [] }) => [node, master, ...masterOthers].map(resourceOf),
  observe: look,
  facts: ({ node, master }) => [
    { id: "role", label: `${node.name} is`, value: roleOf(node), material: true },
    { id: "masterRole", label: `${master.name} is`, value: roleOf(master), material: true },
    {
      id: "loss",
      label: "Would be lost",
      value: isMaster(node) ? `unknown: what only ${node.name} holds, of ${node.keys} keys` : "nothing",
      material: false,
    },
    { id: "linkUp", label: "Follows already", value: isFollowing(node, master), material: false },
  ],
  ready: (seen, given) => [
    nodeAnswers(seen),
    masterFit(seen, given),
    ...(isMaster(seen.node)
      ? [...[quiet(seen), named(seen), notTheOnlyHolder(seen)].map(beforeItIsLeft(given)), noneConnected(seen)]
      : []),
  ],
  done({ node, master }): Done {
    if (!node.answers) return "unknown";
    return isFollowing(node, master) ? "yes" : "no";
  },
  async apply(ctx, { node, master: first, masterOthers }, seen) {
    const master = nodeOf(seen.master, first, masterOthers);
    await withRedis(ctx, node, async (redis) => {
      await redis.call("REPLICAOF", master.host, master.port);
      // They ask again who is master; until then the replica refuses their writes.
      await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    });
    return {};
  },
  async verify(ctx, { node, master: first, masterOthers }, before) {
    const master = nodeOf(before.master, first, masterOthers);
    let state = "It was not looked at";
    const now = await until(
      {
        what: `${node.name} following ${master.name} with nothing missing`,
        seconds: ctx.budget.failSeconds * 0.9,
        everyMilliseconds: 200,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const [at, view] = [await lookAt(ctx, master), await lookAt(ctx, node)];
        state = view.answers
          ? `${node.name} is a ${view.role}, link ${view.linkUp ? "up" : "down (is its masterauth right?)"}`
          : `${node.name} does not answer: ${view.why}`;
        ctx.progress(state);
        const level = at.answers && view.answers && view.offset >= at.offset;
        return view.answers && isFollowing(view, at) && view.linkUp && !view.loading && level ? view : null;
      },
    );
    return {
      says: `${node.name} follows ${master.name}: link up, ${now.keys} keys, nothing missing.`,
      facts: [
        { id: "follows", label: "Follows", value: master.name, material: false },
        { id: "keys", label: "Keys", value: now.keys, material: false },
      ],
    };
  },
  undo: neverUndone(({ node, master }) => `What ${node.name} held before was replaced by what ${master.name} holds.`),
});

const MOMENT_MS = 250;

async function look(ctx: ReadContext, { node, master, masterOthers, set }: Input): Promise<Seen> {
  const [view, other, sentinels] = await Promise.all([
    lookAt(ctx, node),
    lookForMaster(ctx, master, masterOthers),
    set === undefined ? null : lookAtSet(ctx, set),
  ]);
  const busy = isMaster(view) ? await activity(ctx, node) : { writes: null, clients: null };
  return { node: view, master: other, ...busy, namedMaster: sentinels?.master ?? null };
}

/** `rdb_changes_since_last_save` counts every write; a save in between makes it smaller, which tells nothing. */
async function activity(ctx: ReadContext, node: Node): Promise<{ writes: number | null; clients: number | null }> {
  try {
    return await withRedis(ctx, node, async (redis) => {
      const changes = async () =>
        Number(fieldsOf(await redis.call("INFO", "persistence")).rdb_changes_since_last_save ?? Number.NaN);
      const before = await changes();
      await sleep(MOMENT_MS, undefined, { signal: ctx.signal });
      const writes = (await changes()) - before;
      const clients = Number(fieldsOf(await redis.call("INFO", "clients")).connected_clients ?? Number.NaN) - 1;
      return {
        writes: Number.isFinite(writes) && writes >= 0 ? writes : null,
        clients: Number.isFinite(clients) ? clients : null,
      };
    });
  } catch {
    ctx.signal.throwIfAborted();
    return { writes: null, clients: null };
  }
}

function isFollowing(node: NodeView, { address }: NodeView): boolean {
  return isReplica(node) && node.follows === address;
}

function roleOf(view: NodeView): string | null {
  return view.answers ? view.role : null;
}

function nodeAnswers({ node }: Seen): Check {
  const says = node.answers ? `${node.name} answers as ${node.role}.` : `${node.name} does not answer: ${node.why}.`;
  return { id: "node.answers", level: "block", ok: node.answers, says };
}

function masterFit({ node, master }: Seen, given: Input): Check {
  const wrong = !master.answers
    ? `does not answer (${master.why})`
    : master.role === "replica"
      ? master.follows === addressOf(given.node)
        ? `follows ${node.name}, which is the master that takes the writes`
        : `is a replica of ${master.follows}`
      : master.loading
        ? "is still loading its data"
        : null;
  const says = wrong === null ? `${master.name} is a master.` : `${master.name} ${wrong}. Nothing may follow it.`;
  // A promotion on the way to here makes it one.
  const madeSoBy = { resources: [resourceOf(given.master)] };
  return { id: "master.fit", level: "block", ok: wrong === null, says, madeSoBy };
}

/** Where an earlier step leads clients and master away from it, it is looked at after that. */
function beforeItIsLeft({ node }: Input): (check: Check) => Check {
  return (check) => ({ ...check, madeSoBy: { resources: [resourceOf(node)] } });
}

/** What writes go to is not thrown away. */
function quiet({ node, writes }: Seen): Check {
  const says =
    writes === null
      ? `Whether ${node.name} takes writes cannot be told.`
      : writes === 0
        ? `${node.name} took no write while it was looked at.`
        : `${node.name} takes writes (${writes} in a moment): clients use it.`;
  return { id: "node.quiet", level: "block", ok: writes === 0, says, next: "Lead them to the other one first." };
}

function named({ node, namedMaster }: Seen): Check {
  const ok = namedMaster !== node.address;
  const says = ok
    ? `No Sentinel that was asked names ${node.name} as master.`
    : `The Sentinels name ${node.name} as master.`;
  return { id: "node.notTheMaster", level: "block", ok, says, next: "Use redis.failover, or redis.forget first." };
}

function notTheOnlyHolder({ node, master }: Seen): Check {
  const ok = !(node.answers && master.answers && node.keys > 0 && master.keys === 0);
  const says = ok
    ? `${master.name} holds data.`
    : `${master.name} holds no key and ${node.name} holds ${node.answers ? node.keys : 0}: following it would empty the only copy.`;
  return { id: "node.notTheOnlyHolder", level: "block", ok, says };
}

function noneConnected({ node, clients }: Seen): Check {
  const ok = clients === 0;
  const says = ok
    ? `Nothing else is connected to ${node.name}.`
    : `${clients ?? "Unknown"} connections to ${node.name} are ended.`;
  return { id: "node.clients", level: "warn", ok, says };
}
