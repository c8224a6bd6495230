import { z } from "zod";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import {
  type ApplyContext,
  type Check,
  type Done,
  defineAction,
  type Evidence,
  fencedFact,
  type Handle,
  unfencedFact,
} from "../contract.ts";
import { lossFact, sayWindow } from "../loss.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import { withRedis } from "./client.ts";
import { demote } from "./demote.ts";
import { heardWindow, lossOf, sayLoss } from "./loss.ts";
import { lookForMaster, nodeOf } from "./master-of.ts";
import { addressOf, nodeInput, resourceOf } from "./node.ts";
import { caughtUp, endPause, pauseWrites } from "./pause.ts";
import { probeWrite } from "./probe.ts";
import { isMaster, isReplica, lookAt, type NodeView } from "./view.ts";

const input = z.strictObject({
  /** The master that is left behind. */
  from: nodeInput,
  /** Other servers of its place, of which Sentinels may have made one the master: whichever is one is left behind. */
  fromOthers: z.array(nodeInput).max(15).default([]),
  /** The replica in the other place; no Sentinel watches over the two. */
  to: nodeInput,
  /**
   * `planned` loses nothing and makes `from` a replica of `to`. `unplanned` goes on without `from`, and loses what had not arrived; a
   * master that still answers is paused, given a moment to hand over what it has, and made a replica as well.
   */
  mode: z.enum(["planned", "unplanned"]).default("planned"),
  pauseSeconds: z.number().min(2).max(60).default(10),
  /**
   * Said where no step before fences `from`. Planned it is fenced here, by the pause and by following `to`. Unplanned, people accept
   * at the gate that a master which no one here can reach may still take writes from others.
   */
  allowUnfenced: z.boolean().default(false),
});
type Input = z.infer<typeof input>;
interface Pair {
  readonly from: NodeView;
  readonly to: NodeView;
}

/** Makes the replica in the other place a master, where there are no Sentinels to ask. */
export const promoteDr = defineAction<Input, Pair>({
  id: "redis.promote_dr",
  summary: "Make a Redis replica in another place the master, and see that it takes writes",
  input,
  risk: "irreversible",
  service: "interrupts",
  opens: () => true,
  promotes: true,
  endsFence: true,
  // REPLICAOF NO ONE on a master changes nothing.
  repeat: "safe",
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 60 },
  resources: ({ from, fromOthers = [], to }) => [from, ...fromOthers, to].map(resourceOf),
  goesWithout: ({ mode }) => (mode === "unplanned" ? ["from", "fromOthers"] : []),
  observe: async (ctx, { from, fromOthers, to }) => {
    const [one, other] = await Promise.all([lookForMaster(ctx, from, fromOthers), lookAt(ctx, to)]);
    return { from: one, to: other };
  },
  facts: (seen, { mode, allowUnfenced }) => [
    ...unfencedFact(mode === "unplanned" && allowUnfenced && !seen.from.answers ? seen.from.name : null),
    { id: "masterReachable", label: "Master answers", value: isMaster(seen.from), material: true },
    { id: "promotes", label: "Becomes master", value: seen.to.name, material: true },
    { id: "lagBytes", label: "Lag in bytes", value: lagOf(seen), material: false },
    lossFact(
      isMaster(seen.from)
        ? mode === "planned"
          ? "nothing: writes are paused until it has acknowledged everything"
          : "nothing, unless it can't hand over within the pause what it has"
        : sayWindow(heardWindow(seen.to, seen.from.name)),
    ),
  ],
  ready: (seen, { mode }) => [replicaFit(seen, mode), masterFit(seen, mode)],
  done: isDone,
  async apply(ctx, { from: first, fromOthers, to, mode, pauseSeconds }, seen) {
    const from = nodeOf(seen.from, first, fromOthers);
    let offset: number | null = null;
    try {
      if (mode === "planned" || isMaster(seen.from)) {
        await pauseWrites(ctx, from, pauseSeconds);
        ctx.progress(`${from.name}: writes are paused`);
        offset = await caughtUp(ctx, from, [addressOf(to)], pauseSeconds / 2);
        ctx.signal.throwIfAborted();
      }
    } catch (error) {
      if (mode === "planned" || ctx.signal.aborted) {
        await endPause(ctx, from);
        throw error;
      }
      ctx.progress(`${from.name} can't hand over what it has: ${messageOf(error)}`);
    }
    await withRedis(ctx, to, (redis) => redis.call("REPLICAOF", "NO", "ONE"));
    return { offset };
  },
  verify: seePromoted,
  undo: neverUndone(
    ({ from, to }) =>
      `${to.name} writes a history of its own from here on. The way back is to let ${from.name} follow it and to promote that again.`,
  ),
});

/** Two masters with nothing recorded: no one knows which of them was meant to be one. */
function isDone({ from, to }: Pair, _given: Input, before: Pair | null): Done {
  if (!to.answers) return "unknown";
  if (isReplica(to)) return "no";
  return before === null && isMaster(from) ? "partial" : "yes";
}

async function seePromoted(ctx: ApplyContext, given: Input, before: Pair, handle: Handle | null): Promise<Evidence> {
  const { to, mode } = given;
  const from = nodeOf(before.from, given.from, given.fromOthers);
  const now = await until(
    {
      what: `${to.name} being a master`,
      seconds: ctx.budget.failSeconds / 3,
      everyMilliseconds: 50,
      signal: ctx.signal,
    },
    async () => {
      const view = await lookAt(ctx, to);
      return isMaster(view) ? view : null;
    },
  );
  const old = mode === "planned" || isMaster(before.from) ? await demote(ctx, from, to) : null;
  await probeWrite(ctx, to);
  const left = await lookAt(ctx, from);
  if (isMaster(left)) {
    throw new LifeboatError({
      code: "split-brain",
      where: to.name,
      what: `Two servers take writes: ${to.name} and ${from.name}`,
      stateNow: `${to.name} is promoted; what ${from.name} accepts will be lost`,
      next: `Stop ${from.name} or let it follow (REPLICAOF ${addressOf(to).replace(":", " ")}), then retry this step`,
    });
  }
  const promotedAt = isReplica(before.to) ? now.promotedAt : null;
  const heardAt = isReplica(before.to) ? before.to.heardAt : null;
  const rpo = lossOf({ subject: resourceOf(to), handle, old, promotedAt, heardAt });
  return {
    says: `${to.name} is a master, takes writes and reads them back. ${left.answers ? `${from.name} follows it.` : `${from.name} does not answer; if it comes back it takes writes of its own.`} ${sayLoss(rpo)}`,
    facts: [
      ...(left.answers ? [fencedFact(from.name)] : unfencedFact(given.allowUnfenced ? from.name : null)),
      { id: "master", label: "Master", value: to.name, material: false },
      { id: "loss", label: "Lost", value: sayLoss(rpo), material: false },
    ],
    rpo,
  };
}

function lagOf({ from, to }: Pair): number | null {
  return isMaster(from) && isReplica(to) ? Math.max(0, from.offset - to.offset) : null;
}

function replicaFit({ from, to }: Pair, mode: Input["mode"]): Check {
  const wrong = !to.answers
    ? `does not answer (${to.why})`
    : to.role === "master"
      ? "is a master already"
      : to.loading
        ? "is still loading its data"
        : mode === "planned" && !(to.linkUp && to.follows === from.address)
          ? `does not follow ${from.name} (it follows ${to.follows}, link ${to.linkUp ? "up" : "down"})`
          : null;
  return {
    id: "replica.fit",
    level: "block",
    ok: wrong === null,
    says: wrong === null ? `${to.name} is a replica with its data loaded.` : `${to.name} ${wrong}.`,
  };
}

function masterFit({ from }: Pair, mode: Input["mode"]): Check {
  const answers = isMaster(from);
  const ok = answers || (mode === "unplanned" && !from.answers);
  const found = answers ? "answers as master" : from.answers ? `is a ${from.role}` : `does not answer (${from.why})`;
  const next =
    mode === "planned"
      ? "Run it unplanned: without it nothing can be promised."
      : "Find out which server is the master: this one would be left behind.";
  return { id: "master.fit", level: "block", ok, says: `${from.name} ${found}.`, next };
}
