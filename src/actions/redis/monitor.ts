import { z } from "zod";
import { type Check, type Done, defineAction } from "../contract.ts";
import { until } from "../poll.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { withRedis } from "./client.ts";
import { addressOf, nodeInput, type RedisSet, resourceOf, resourcesOf, sentinelsOf, setInput } from "./node.ts";
import { isMaster, lookAt, type NodeView } from "./view.ts";
import { lookAtWatching, type Watching } from "./watching.ts";

const input = z.strictObject({
  /** The set by the name the Sentinels will know it by, every one of them, and the login of its data nodes. */
  set: setInput,
  /** Its master. By address: Sentinels take names only where they are told to (`resolve-hostnames`). */
  node: nodeInput,
  /** How many Sentinels have to agree that the master is gone. */
  quorum: z.number().int().min(1).max(15),
  downAfterMilliseconds: z.number().int().min(100).max(600_000).default(5000),
  failoverTimeoutMilliseconds: z.number().int().min(1000).max(3_600_000).default(60_000),
  parallelSyncs: z.number().int().min(1).max(15).default(1),
});
type Input = z.infer<typeof input>;
interface Seen {
  readonly node: NodeView;
  readonly sentinels: readonly Watching[];
}

/** Lets Sentinels watch a master: one `SENTINEL MONITOR` with its settings for each that does not do so yet. */
export const monitor = defineAction<Input, Seen>({
  id: "redis.monitor",
  summary: "Let every Sentinel watch a Redis master, and see that they could agree on a failover",
  input,
  risk: "reversible",
  service: "aside",
  // A second one is refused as a duplicate, and only those that lack it are asked.
  repeat: "safe",
  budget: { typicalSeconds: 5, warnSeconds: 30, failSeconds: 90 },
  resources: ({ set }) => resourcesOf(set),
  async observe(ctx, { set, node }) {
    const [view, sentinels] = await Promise.all([lookAt(ctx, node), lookAtWatching(ctx, set)]);
    return { node: view, sentinels };
  },
  facts: ({ node, sentinels }, { set }) => [
    { id: "master", label: `${node.name} is`, value: node.answers ? node.role : null, material: true },
    ...sentinels.map((one, i) => ({
      id: `watches${i + 1}`,
      label: `${one.sentinel} watches as ${set.master}`,
      value: one.answers ? (one.watches?.master ?? "nothing") : null,
      material: false,
    })),
  ],
  ready: (seen, given) => [masterAnswers(seen, given), allAnswer(seen), free(seen, given), enough(given)],
  done({ sentinels }, given): Done {
    if (sentinels.some(({ answers }) => !answers)) return "unknown";
    return sentinels.every((one) => isAsAsked(one, given)) ? "yes" : "no";
  },
  async apply(ctx, given, { sentinels }) {
    const { set } = given;
    const due = sentinelsOf(set).filter((_, i) => !isAsAsked(sentinels[i], given));
    for (const sentinel of due) {
      const known = sentinels.find((one) => one.sentinel === addressOf(sentinel));
      ctx.progress(`${sentinel.name}: watches ${given.node.name} as ${set.master}`);
      await withRedis(ctx, sentinel, async (redis) => {
        const { host, port } = given.node;
        if (!known?.answers || known.watches === null)
          await redis.call("SENTINEL", "MONITOR", set.master, host, port, given.quorum);
        for (const [option, value] of settingsOf(given, ctx.secret))
          await redis.call("SENTINEL", "SET", set.master, option, value);
      });
    }
    return { asked: due.map(({ name }) => name) };
  },
  async verify(ctx, given) {
    const { set, node } = given;
    let last: readonly Watching[] = [];
    await until(
      {
        what: `every Sentinel watching ${node.name} as ${set.master} and knowing the others`,
        seconds: ctx.budget.failSeconds * 0.8,
        everyMilliseconds: 250,
        signal: ctx.signal,
        stateNow: () => last.map(sayWatching).join("; "),
      },
      async () => {
        last = await lookAtWatching(ctx, set);
        return last.every((one) => isAsAsked(one, given) && isReadyToAct(one, set)) ? true : null;
      },
    );
    return {
      says: `${set.sentinels.length} Sentinels watch ${node.name} as ${set.master}, know each other and have their quorum of ${given.quorum}.`,
      facts: [{ id: "watched", label: "Watched", value: addressOf(node), material: false }],
    };
  },
  undo: undoneBy((before, { set, node }) => {
    if (before.sentinels.every((one) => one.answers && one.watches !== null))
      return nothing(`Every Sentinel watched ${set.master} before.`);
    return inverse("redis.forget", { set, of: addressOf(node) }, `Let the Sentinels forget ${set.master}`);
  }),
});

/** Passwords go to the Sentinels, which keep them in their own configuration: that is how Sentinel logs in. */
function settingsOf(given: Input, secret: (name: string) => string): readonly (readonly [string, string | number])[] {
  const { user, passwordFrom } = given.set.login;
  return [
    // First, because they can't be read back: when the rest is as asked, these were set.
    ...(user === undefined ? [] : [["auth-user", user] as const]),
    ...(passwordFrom === undefined ? [] : [["auth-pass", secret(passwordFrom)] as const]),
    ["quorum", given.quorum],
    ["down-after-milliseconds", given.downAfterMilliseconds],
    ["failover-timeout", given.failoverTimeoutMilliseconds],
    ["parallel-syncs", given.parallelSyncs],
  ];
}

function isAsAsked(one: Watching | undefined, given: Input): boolean {
  if (!one?.answers || one.watches === null) return false;
  const { watches } = one;
  return (
    watches.master === addressOf(given.node) &&
    watches.quorum === given.quorum &&
    watches.downAfterMilliseconds === given.downAfterMilliseconds &&
    watches.failoverTimeoutMilliseconds === given.failoverTimeoutMilliseconds &&
    watches.parallelSyncs === given.parallelSyncs
  );
}

/** It sees the master up, and has found every other Sentinel of the list: before that a failover could not be agreed on. */
function isReadyToAct(one: Watching, { sentinels }: RedisSet): boolean {
  if (!one.answers || one.watches === null) return false;
  const { flags, otherSentinels, quorumOk } = one.watches;
  return flags.join() === "master" && otherSentinels >= sentinels.length - 1 && quorumOk;
}

function sayWatching(one: Watching): string {
  if (!one.answers) return `${one.sentinel} does not answer (${one.why})`;
  if (one.watches === null) return `${one.sentinel} watches nothing of this name`;
  const { master, flags, otherSentinels } = one.watches;
  return `${one.sentinel} watches ${master} (${flags.join(", ")}), and knows ${otherSentinels} others`;
}

function masterAnswers({ node }: Seen, given: Input): Check {
  const ok = isMaster(node);
  const found = node.answers ? `is a ${node.role}` : `does not answer (${node.why})`;
  // A promotion on the way to here makes it one.
  const madeSoBy = { resources: [resourceOf(given.node)] };
  return { id: "node.master", level: "block", ok, says: `${node.name} ${ok ? "is a master" : found}.`, madeSoBy };
}

function allAnswer({ sentinels }: Seen): Check {
  const silent = sentinels.filter(({ answers }) => !answers);
  const ok = silent.length === 0;
  const says = ok ? "Every Sentinel answers." : `${silent.map(sayWatching).join("; ")}.`;
  return { id: "sentinels.answer", level: "block", ok, says };
}

/** One name, one master: a set of this name elsewhere is not taken over. */
function free({ sentinels }: Seen, { node, set }: Input): Check {
  const other = sentinels.find((one) => one.answers && one.watches !== null && one.watches.master !== addressOf(node));
  const ok = other === undefined;
  const says = ok
    ? `Nothing else is called ${set.master}.`
    : `${sayWatching(other)} as ${set.master}. redis.forget first.`;
  return { id: "sentinels.free", level: "block", ok, says };
}

/** Sentinels need a majority of all of them beside the quorum, so a quorum above their number could never be had. */
function enough({ quorum, set }: Input): Check {
  const ok = quorum <= set.sentinels.length;
  const says = ok
    ? `${quorum} of ${set.sentinels.length} Sentinels have to agree.`
    : `A quorum of ${quorum} cannot be had of ${set.sentinels.length} Sentinels.`;
  return { id: "sentinels.enough", level: "block", ok, says };
}
