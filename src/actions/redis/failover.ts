import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
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
import { sayWindow } from "../loss.ts";
import { until } from "../poll.ts";
import { undoneByHand } from "../undo.ts";
import { refusalOf, withRedis } from "./client.ts";
import { demote } from "./demote.ts";
import { heardWindow, lossOf, sayLoss } from "./loss.ts";
import { type Node, nodeAt, nodeInput, type RedisSet, resourcesOf, sentinelsOf, setInput } from "./node.ts";
import { caughtUp, endPause, pauseWrites } from "./pause.ts";
import { probeWrite } from "./probe.ts";
import { checksOf, factsOf, lagOf } from "./readiness.ts";
import { electable, glance, lookAtSet, masterOf, type SetView, strayMasters } from "./set.ts";
import { isMaster, isReplica, lookAt, type NodeView } from "./view.ts";

const input = z.strictObject({
  set: setInput,
  /**
   * Servers of another place, which these Sentinels can't lead: those that follow the old master are made to follow the new one.
   * Others of the list, and those that do not answer, are left alone.
   */
  elsewhere: z.array(nodeInput).max(31).default([]),
  /** Who has to be the master when this begins, `host:port` as the Sentinels say it. Makes "done by hand" recognisable. */
  from: z.string().min(1).optional(),
  /** `planned` loses nothing, or does not happen; `unplanned` is for a master that does not answer. */
  mode: z.enum(["planned", "unplanned"]).default("planned"),
  /** Writes stop for at most this long if everything that could go on with it dies; renewed while the failover goes on. */
  pauseSeconds: z.number().min(2).max(60).default(15),
});
type Input = z.infer<typeof input>;

/**
 * Moves the master of a Sentinel set. `SENTINEL FAILOVER` alone lost 10 000 to 170 000 acknowledged writes when measured,
 * because the old master goes on accepting for seconds; so writes are paused first, every electable replica has
 * acknowledged everything before the one request is made, and the old master is made a replica before it may write again.
 *
 * The one effect is the request to one Sentinel. The pause before it expires by itself, and what `verify` asks of the old
 * master is what the Sentinels would ask of it some seconds later.
 */
export const failover = defineAction<Input, SetView>({
  id: "redis.failover",
  summary: "Move the master of a Redis Sentinel set, without losing an acknowledged write",
  input,
  risk: "disruptive",
  service: "interrupts",
  opens: () => true,
  endsFence: true,
  repeat: "toggle",
  budget: { typicalSeconds: 3, warnSeconds: 15, failSeconds: 60 },
  resources: ({ set }) => resourcesOf(set),
  observe: (ctx, { set }) => lookAtSet(ctx, set),
  facts: (seen, { mode }) => [
    // The Sentinels make it a replica some seconds after it is back; until then it takes writes.
    ...unfencedFact(mode === "unplanned" && masterOf(seen)?.answers === false ? seen.master : null),
    ...factsOf(seen),
    { id: "loss", label: "Would be lost", value: sayExpected(seen, mode), material: false },
  ],
  ready: (seen, given) => [...checksOf(seen, given.mode), startsFrom(seen, given)],
  done: isDone,
  apply: askForFailover,
  verify: seeMoved,
  undo: undoneByHand(
    ({ set }) =>
      `Fail ${set.master} over once more, as a decision of its own. The Sentinels choose who becomes master; a better replica-priority makes it the former one.`,
  ),
});

function startsFrom(seen: SetView, { from }: Input): Check {
  const ok = from === undefined || seen.master === from;
  return {
    id: "master.asPlanned",
    level: "block",
    ok,
    says: ok ? "The master is the one that was planned for." : `${seen.master} is master, and ${from} was planned for.`,
  };
}

/**
 * A toggle is judged by whence it moved. A failover that is still going on, or a master that moved and came back (the
 * epoch rose), is for a person to judge.
 */
function isDone(seen: SetView, { from: planned }: Input, before: SetView | null): Done {
  if (seen.master === null) return "unknown";
  const from = planned ?? before?.master ?? null;
  if (from !== null && seen.master !== from) return "yes";
  if (before === null) return "no";
  if (seen.undecided || from === null) return "unknown";
  return seen.epoch > before.epoch ? "unknown" : "no";
}

async function askForFailover(ctx: ApplyContext, given: Input, seen: SetView): Promise<Handle> {
  const { set, mode, pauseSeconds } = given;
  await refuseMoved(ctx, set, seen);
  const old = nodeAt(set, seen.master as string);
  if (mode === "unplanned") {
    return { from: seen.master, offset: null, ...(await requestOnce(ctx, set, seen)) };
  }
  let offset: number;
  try {
    await pauseWrites(ctx, old, pauseSeconds);
    ctx.progress(`${old.name}: writes are paused`);
    offset = await caughtUp(ctx, old, electable(seen), pauseSeconds / 2);
    ctx.signal.throwIfAborted();
  } catch (error) {
    await endPause(ctx, old);
    throw error;
  }
  try {
    ctx.progress(`Every replica has everything (${offset}); asking for the failover`);
    return { from: seen.master, offset, ...(await requestOnce(ctx, set, seen)) };
  } catch (error) {
    // Refused: nothing moves. No answer: it may be moving, and the pause is what keeps writes from getting lost.
    if (refusalOf(error) !== null) await endPause(ctx, old);
    throw error;
  }
}

/** What was seen was written down before this began; nothing is requested when it is no longer so. */
async function refuseMoved(ctx: ApplyContext, set: RedisSet, seen: SetView): Promise<void> {
  const now = await glance(ctx, set);
  if (now.master === seen.master && now.epoch === seen.epoch && !now.failingOver) return;
  throw new LifeboatError({
    code: "master-moved",
    where: set.master,
    what: `The master was ${seen.master} a moment ago and is ${now.failingOver ? "being moved" : (now.master ?? "not agreed on")} now`,
    stateNow: "This step requested no failover",
  });
}

/** One Sentinel, one request: another one asked after a lost answer could move the master a second time. */
async function requestOnce(ctx: ApplyContext, set: RedisSet, seen: SetView): Promise<Handle> {
  const sentinel = sentinelsOf(set)[seen.sentinels.findIndex((one) => one.answers && one.quorumOk)];
  if (!sentinel) throw new LifeboatError({ code: "no-sentinel", where: set.master, what: "No Sentinel can be asked" });
  await withRedis(ctx, sentinel, (redis) => redis.call("SENTINEL", "FAILOVER", set.master), 5);
  return { asked: sentinel.name };
}

async function seeMoved(ctx: ApplyContext, given: Input, before: SetView, handle: Handle | null): Promise<Evidence> {
  const { set } = given;
  const from = given.from ?? before.master ?? "";
  const to = await switched(ctx, given, from);
  ctx.progress(`${to.address} is master`);
  const old = await demote(ctx, nodeAt(set, from), nodeAt(set, to.address));
  const seen = await settled(ctx, given, from);
  await probeWrite(ctx, nodeAt(set, to.address));
  const led = await leadElsewhere(ctx, given, from, nodeAt(set, to.address));
  const then = before.nodes.find((node) => node.address === to.address);
  const heardAt = isReplica(then) ? then.heardAt : null;
  const subject = resourcesOf(set)[0] as string;
  const rpo = lossOf({ subject, handle, old, promotedAt: to.promotedAt, heardAt });
  return {
    says: `${to.address} is master of ${set.master} by every Sentinel's word, takes writes and reads them back. ${sayOld(seen, from)}${led} ${sayLoss(rpo)}`,
    facts: [
      ...(isReplica(seen.nodes.find((node) => node.address === from)) ? [fencedFact(from)] : unfencedFact(from)),
      { id: "master", label: "Master", value: to.address, material: false },
      { id: "formerMaster", label: "Former master", value: from, material: false },
      { id: "epoch", label: "Configuration epoch", value: seen.epoch, material: false },
      { id: "loss", label: "Lost", value: sayLoss(rpo), material: false },
    ],
    rpo,
  };
}

/** Replicas of the old master in another place follow the new one: the histories are the same, so nothing of theirs is replaced. */
async function leadElsewhere(ctx: ApplyContext, given: Input, from: string, to: Node): Promise<string> {
  const led: string[] = [];
  const silent: string[] = [];
  for (const node of given.elsewhere ?? []) {
    const view = await lookAt(ctx, node);
    if (!view.answers) silent.push(node.name);
    if (!isReplica(view) || view.follows !== from) continue;
    await withRedis(ctx, node, (redis) => redis.call("REPLICAOF", to.host, to.port));
    led.push(node.name);
  }
  const follows = led.length === 0 ? "" : ` ${led.join(" and ")} follow it from elsewhere.`;
  return silent.length === 0 ? follows : `${follows} ${silent.join(" and ")} did not answer: see whom they follow.`;
}

/** As soon as one Sentinel has switched and the node itself agrees; the others learn of it within two seconds. */
async function switched(ctx: ApplyContext, given: Input, from: string): Promise<NodeView & { readonly answers: true }> {
  const { set, mode, pauseSeconds } = given;
  const old = nodeAt(set, from);
  let renewed = performance.now();
  let last: SetView | null = null;
  try {
    return await until(
      {
        what: `${set.master} having another master than ${from}`,
        seconds: ctx.budget.failSeconds / 3,
        everyMilliseconds: 20,
        signal: ctx.signal,
        stateNow: () => (last === null ? "It was not looked at" : sayMasters(last)),
      },
      async () => {
        last = await glance(ctx, set);
        const news = last.sentinels.flatMap((one) => (one.answers && one.master !== from ? [one.master] : []));
        const to = last.nodes.find((node) => news.includes(node.address) && isMaster(node));
        if (to?.answers) return to;
        if (mode === "planned" && performance.now() - renewed > (pauseSeconds * 1000) / 2) {
          renewed = performance.now();
          await pauseWrites(ctx, old, pauseSeconds).catch(() => {});
        }
        return null;
      },
    );
  } catch (error) {
    const still = last as SetView | null;
    if (mode === "planned" && still?.master === from && !still.failingOver) await endPause(ctx, old);
    throw error;
  }
}

async function settled(ctx: ApplyContext, { set }: Input, from: string): Promise<SetView> {
  let last: SetView | null = null;
  return await until(
    {
      what: "every Sentinel naming the new master, and the old one following it",
      seconds: ctx.budget.failSeconds / 2,
      everyMilliseconds: 100,
      signal: ctx.signal,
      stateNow: () => (last === null ? "It was not looked at" : sayMasters(last)),
    },
    async () => {
      last = await glance(ctx, set);
      if (last.master === null || last.master === from || last.failingOver || strayMasters(last).length > 0)
        return null;
      const old = last.nodes.find((node) => node.address === from);
      const follows = isReplica(old) && old.follows === last.master && old.linkUp;
      return isMaster(masterOf(last)) && (follows || old?.answers === false) ? last : null;
    },
  );
}

function sayMasters(seen: SetView): string {
  const sentinels = seen.sentinels.map((one) => `${one.address} ${one.answers ? `says ${one.master}` : "is silent"}`);
  const nodes = seen.nodes.map((node) => `${node.address} ${node.answers ? `is a ${node.role}` : "is silent"}`);
  return `Sentinels: ${sentinels.join(", ")}. Nodes: ${nodes.join(", ")}${seen.failingOver ? ". A failover is going on" : ""}`;
}

function sayOld(seen: SetView, from: string): string {
  const old = seen.nodes.find((node) => node.address === from);
  if (isReplica(old)) return `${from} follows it.`;
  return `${from} does not answer; if it comes back it takes writes for some seconds, until the Sentinels make it a replica.`;
}

/** The Sentinels choose among them; the one who heard last is the best there is. */
function furthest(seen: SetView): NodeView | undefined {
  return seen.nodes.filter(isReplica).toSorted((a, b) => (b.heardAt ?? 0) - (a.heardAt ?? 0))[0];
}

function sayExpected(seen: SetView, mode: string): string {
  if (mode === "planned") return "nothing: writes are paused until every replica has acknowledged everything";
  const lag = lagOf(seen);
  return lag === null
    ? sayWindow(heardWindow(furthest(seen), seen.master ?? "the master"))
    : `at least ${lag} bytes, and what it takes until it is stopped`;
}
