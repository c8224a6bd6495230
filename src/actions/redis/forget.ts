import { z } from "zod";
import { type Check, type Done, defineAction, type Inverse, type NotUndone } from "../contract.ts";
import { until } from "../poll.ts";
import { byHand, inverse, nothing, undoneBy } from "../undo.ts";
import { refusalOf, withRedis } from "./client.ts";
import { addressOf, nodeAt, resourcesOf, sentinelsOf, setInput } from "./node.ts";
import { lookAtWatching, type Watching } from "./watching.ts";

const input = z.strictObject({
  /** The set by the name the Sentinels know it by, and every one of them. */
  set: setInput,
  /** The master they have to watch under that name, `host:port`: a set that moved on meanwhile is not forgotten. */
  of: z.string().min(1).optional(),
  /** Unplanned mode only: go on although Sentinels, or all of them, do not answer. When they come back they may still act on their own. */
  acceptUnreachable: z.boolean().default(false),
});
type Input = z.infer<typeof input>;
interface Seen {
  readonly sentinels: readonly Watching[];
}

/** Lets every Sentinel forget a set, so that none of them turns a server that is moved elsewhere back into what it was. */
export const forget = defineAction<Input, Seen>({
  id: "redis.forget",
  summary: "Let every Sentinel forget a Redis set, and see that none watches it",
  input,
  risk: "reversible",
  service: "aside",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
  resources: ({ set }) => resourcesOf(set),
  goesWithout: ({ acceptUnreachable }) => (acceptUnreachable ? ["set"] : []),
  observe: async (ctx, { set }) => ({ sentinels: await lookAtWatching(ctx, set) }),
  facts: ({ sentinels }, { set }) =>
    sentinels.map((one, i) => ({
      id: `watches${i + 1}`,
      label: `${one.sentinel} watches as ${set.master}`,
      value: one.answers ? (one.watches?.master ?? "nothing") : null,
      material: false,
    })),
  ready: (seen, given) => [answer(seen, given), sameMaster(seen, given), notMoving(seen)],
  done({ sentinels }, { acceptUnreachable }): Done {
    const answering = sentinels.filter(({ answers }) => answers);
    if (answering.length < sentinels.length && !acceptUnreachable) return "unknown";
    return answering.every((one) => one.answers && one.watches === null) ? "yes" : "no";
  },
  async apply(ctx, { set }, { sentinels }) {
    const due = sentinelsOf(set).filter((one) =>
      sentinels.some((seen) => seen.sentinel === addressOf(one) && seen.answers && seen.watches !== null),
    );
    for (const sentinel of due) {
      ctx.progress(`${sentinel.name}: forgets ${set.master}`);
      try {
        await withRedis(ctx, sentinel, (redis) => redis.call("SENTINEL", "REMOVE", set.master));
      } catch (error) {
        // Forgotten by someone else meanwhile.
        if (!/no such master/i.test(refusalOf(error) ?? "")) throw error;
      }
    }
    return { asked: due.map(({ name }) => name) };
  },
  async verify(ctx, given) {
    const { set } = given;
    let last: readonly Watching[] = [];
    const now = await until(
      {
        what: `no Sentinel watching ${set.master}`,
        seconds: ctx.budget.failSeconds / 3,
        everyMilliseconds: 200,
        signal: ctx.signal,
        stateNow: () =>
          `Still watched by ${
            last
              .filter(isWatching)
              .map((one) => one.sentinel)
              .join(", ") || "no server that answers"
          }`,
      },
      async () => {
        last = await lookAtWatching(ctx, set);
        const settled = last.every((one) => one.answers || given.acceptUnreachable);
        return settled && !last.some(isWatching) ? last : null;
      },
    );
    const silent = now.filter(({ answers }) => !answers).map(({ sentinel }) => sentinel);
    const left = silent.length === 0 ? "" : ` ${silent.join(", ")} did not answer and may still watch it: stop them.`;
    return {
      says: `${now.length - silent.length} of ${now.length} Sentinels watch nothing as ${set.master}.${left}`,
      facts: [
        { id: "forgottenBy", label: "Sentinels that forgot it", value: now.length - silent.length, material: false },
      ],
    };
  },
  undo: undoneBy(watchedAgain),
});

function watchedAgain({ sentinels }: Seen, { set }: Input): Inverse | NotUndone {
  const known = sentinels.flatMap((one) => (one.answers && one.watches !== null ? [one.watches] : []));
  const [first] = known;
  if (first === undefined) return nothing(`No Sentinel watched ${set.master} before.`);
  if (known.some(({ master }) => master !== first.master))
    return byHand(
      `They watched ${known.map(({ master }) => master).join(" and ")}. Decide which, then SENTINEL MONITOR.`,
    );
  const { quorum, downAfterMilliseconds, failoverTimeoutMilliseconds, parallelSyncs } = first;
  const settings = { quorum, downAfterMilliseconds, failoverTimeoutMilliseconds, parallelSyncs };
  const says = `Let the Sentinels watch ${first.master} as ${set.master} again`;
  return inverse("redis.monitor", { set, node: nodeAt(set, first.master), ...settings }, says);
}

function isWatching(one: Watching): boolean {
  return one.answers && one.watches !== null;
}

function answer({ sentinels }: Seen, { acceptUnreachable }: Input): Check {
  const silent = sentinels.flatMap((one) => (one.answers ? [] : [`${one.sentinel} (${one.why})`]));
  const ok = silent.length === 0;
  const level = acceptUnreachable ? "warn" : "block";
  const says = ok
    ? "Every Sentinel answers."
    : `${silent.join(", ")} does not answer, and may act on the set when it comes back.`;
  return { id: "sentinels.answer", level, ok, says };
}

function sameMaster({ sentinels }: Seen, { of, set }: Input): Check {
  const other = sentinels.flatMap((one) =>
    one.answers && one.watches !== null && of !== undefined && one.watches.master !== of ? [one.watches.master] : [],
  );
  const ok = other.length === 0;
  const says = ok
    ? `Nothing else is watched as ${set.master}.`
    : `${other[0]} is watched as ${set.master}, and ${of} was planned for.`;
  return { id: "sentinels.asPlanned", level: "block", ok, says };
}

function notMoving({ sentinels }: Seen): Check {
  const moving = sentinels.some((one) => one.answers && one.watches?.flags.includes("failover_in_progress"));
  const says = moving ? "A failover is going on." : "No failover is going on.";
  return { id: "failover.none", level: "block", ok: !moving, says, next: "Wait until it has ended." };
}
