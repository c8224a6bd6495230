import { sha256 } from "../../../src/lib/canonical.ts";
import type { DueItem } from "../../../src/projection/deliveries.ts";
import type { DesiredState } from "../../../src/projection/outbox/desired-state.ts";
import type { Item } from "../../../src/projection/outbox/messages.ts";
import type { Lease } from "../../../src/timeline/contract.ts";
import type { ProcessStore } from "../../support/memory-store/store.ts";

/**
 * Random sequences of what processes ask of a store, so that two stores can be held against each other answer by answer. Every period
 * in them is long over or far away, so that no answer depends on how quick the machine is.
 */
export interface Operation {
  readonly says: string;
  readonly ask: (on: Asked) => Promise<unknown>;
}

/** A store as a sequence meets it, with what it was given before. */
export interface Asked {
  readonly stores: readonly ProcessStore[];
  readonly items: Map<string, Item>;
  readonly due: Map<string, DueItem>;
  readonly leases: Map<string, Lease>;
}

export function asked(stores: readonly ProcessStore[]): Asked {
  return { stores, items: new Map(), due: new Map(), leases: new Map() };
}

/** The answer without what differs between any two stores: numbers of rows, moments, and the order where none is promised. */
export function comparable(answer: unknown): unknown {
  if (answer instanceof Date) return "a moment";
  if (answer instanceof Map) return comparable([...answer].sort());
  if (answer instanceof Set) return comparable([...answer].sort());
  if (Array.isArray(answer)) return answer.map(comparable);
  if (typeof answer !== "object" || answer === null) return answer;
  return Object.fromEntries(
    Object.entries(answer).flatMap(([name, value]) => {
      if (["id", "tokensAgoMs", "lastAt", "planBytes", "mark", "at", "hash", "previousHash", "mac"].includes(name))
        return [];
      if (name === "waitMs") return [[name, (value as number) > 0 ? "later" : "now"]];
      if (name === "deliveredAgoMs") return [[name, value === null ? null : "a while"]];
      return [[name, comparable(value)]];
    }),
  );
}

const OVER = -3600;
const AWAY = 3600;
const STREAMS = ["inc-1", "inc-2"];
const QUEUES = ["own:inc-1", "own:inc-2", "CHOUSE", "direct:UA"];
const OWNERS = ["one", "two"];
const SINKS = ["email", "page"];
const PACE = { perSecond: 0, burst: 5 };

/** @param random uniform in [0, 1) */
export function operations(random: () => number, count: number): readonly Operation[] {
  const int = (below: number) => Math.floor(random() * below);
  const one = <T>(values: readonly T[]) => values[int(values.length)] as T;
  const maybe = (share: number) => random() < share;
  let serial = 0;

  function desiredState(): DesiredState {
    const stream = one(STREAMS);
    const own = `own:${stream}`;
    const used = [own, "CHOUSE", "direct:UA"];
    return {
      ...{ stream, version: int(6), about: { system: one(["a", "b"]) } },
      redrawAt: one([null, new Date(0), new Date(4e12)]),
      queues: used.map((queue) => ({
        ...{ queue, own: queue === own, place: queue === "CHOUSE" ? queue : null },
        wanted: queue === own && maybe(0.8) ? { topic: one(["x", "y"]), pinned: [] } : null,
      })),
      messages: ["card", "reply", "told", "asked"]
        .filter(() => maybe(0.7))
        .map((key) => ({
          ...{ key, queue: one(used), under: key === "reply" ? "card" : null, priority: int(3), broadcast: maybe(0.3) },
          ...{ once: key === "told", desired: { text: one(["a", "b", "c"]) } },
        })),
    };
  }

  function outbox(): Operation {
    const queue = one(QUEUES);
    const owner = one(OWNERS);
    const seconds = one([OVER, AWAY]);
    const stream = one(STREAMS);
    const key = one(["card", "reply", "told", "asked"]);
    const failed = maybe(0.5);
    const wanted = desiredState();
    const again = one([null, seconds]);
    const forgets = maybe(0.2);
    const topic = { topic: one(["x", "y"]), pinned: [] };
    const on = (says: string, ask: (store: ProcessStore["outbox"], asked: Asked) => Promise<unknown>): Operation => ({
      says: `outbox ${says}`,
      ask: (all) => ask((all.stores[OWNERS.indexOf(owner)] as ProcessStore).outbox, all),
    });
    const onItem = (says: string, ask: (store: ProcessStore["outbox"], item: Item) => Promise<unknown>) =>
      on(`${says} ${stream}/${key} by ${owner}`, async (store, { items }) => {
        const item = items.get(`${stream}/${key}`);
        return item === undefined ? "nothing" : ask(store, item);
      });
    return one([
      on(`want ${JSON.stringify(wanted)}`, (store) => store.want(wanted)),
      on(`want ${JSON.stringify(wanted)}`, (store) => store.want(wanted)),
      on(`claim by ${owner} for ${seconds}`, async (store) => [...(await store.claim(owner, seconds, 20))].sort()),
      on(`claim by ${owner} for ${seconds}`, async (store) => [...(await store.claim(owner, seconds, 20))].sort()),
      on(`queue ${queue}`, (store) => store.queue(queue)),
      on(`pending ${queue}`, async (store, { items }) => {
        const found = await store.pending(queue);
        for (const item of found) items.set(`${item.stream}/${item.key}`, item);
        return found;
      }),
      on(`pending ${queue}`, async (store, { items }) => {
        const found = await store.pending(queue);
        for (const item of found) items.set(`${item.stream}/${item.key}`, item);
        return found;
      }),
      on(`hold ${queue} by ${owner} for ${seconds}`, (store) => store.hold(queue, owner, seconds)),
      on(`release ${queue} by ${owner}`, (store) => store.release(queue, owner, 2)),
      on(`making ${queue} by ${owner}`, (store) => store.making(queue, owner)),
      on(`made ${queue} by ${owner}`, (store) => store.made(queue, owner, `P${queue}`, "name")),
      on(`unmade ${queue} by ${owner}`, (store) => store.unmade(queue, owner, "CHOUSE", "name_taken")),
      on(`redirected ${queue} by ${owner}`, async (store) =>
        [...(await store.redirected(queue, owner, "COTHER", "is_archived"))].sort(),
      ),
      on(`closed ${queue} by ${owner} for ${seconds}`, (store) => store.closed(queue, owner, "user_disabled", seconds)),
      on("closedQueues", async (store) => [...(await store.closedQueues())].sort()),
      on(`restored ${queue}`, (store) => store.restored(queue)),
      on(`lost ${queue} by ${owner}`, (store) => store.lost(queue, owner)),
      on(`set up ${queue} by ${owner} in ${seconds}, failed ${failed}`, (store) =>
        store.setUp(queue, owner, failed ? {} : { wanted: topic }, again, failed, topic),
      ),
      on(`putOff ${queue} by ${owner} for ${seconds}`, (store) => store.putOff(queue, owner, seconds, "no", failed)),
      on(`answered ${queue}`, (store) => store.answered(queue)),
      onItem("sending", (store, item) => store.sending(item, owner)),
      onItem("sending", (store, item) => store.sending(item, owner)),
      onItem("editing", (store, item) => store.editing(item, owner)),
      onItem("delivered", (store, item) => store.delivered(item.id, `ts-${item.key}`, item.desiredHash)),
      onItem(`failed for ${seconds}`, (store, item) => store.failed(item.id, "no", seconds)),
      onItem("giveUp", (store, item) => store.giveUp(item.id, "no")),
      onItem(`unclear for ${seconds}`, (store, item) => store.unclear(item.id, "?", seconds)),
      onItem("notSent", (store, item) => store.notSent(item.id)),
      onItem("wordsOnly", (store, item) => store.wordsOnly(item.id)),
      onItem("gone", (store, item) => store.gone(item.id)),
      on("retryNow", (store) => store.retryNow()),
      on(`tokens ${queue}`, (store) => store.tokens(queue, PACE)),
      on(`spend ${queue}`, (store) => store.spend("edits", PACE, 2)),
      on("dueForRedraw", async (store) => [...(await store.dueForRedraw())].sort()),
      on("versions", (store) => store.versions(STREAMS)),
      on(`drawn ${stream}`, (store) => store.drawn(stream)),
      on(`placeOf ${stream}`, (store) => store.placeOf(stream)),
      on(`streamAt P${queue}`, (store) => store.streamAt(`P${queue}`)),
      on("deliveredAs", (store) => store.deliveredAs(stream, ["card", "told"])),
      on("placesOf", (store) => store.placesOf(STREAMS)),
      on("places", (store) => store.places()),
      on("forget", (store) => (forgets ? store.forget(stream) : Promise.resolve())),
      on("opened", (store) => store.opened("UA")),
      on("pageShown", (store) => store.pageShown("UA", "hash")),
      on("readers", (store) => store.readers(3600)),
    ]);
  }

  function deliveries(): Operation {
    const owner = one(OWNERS);
    const seconds = one([OVER, AWAY]);
    const stream = one(STREAMS);
    const sink = one(SINKS);
    const version = int(6);
    const recorded = maybe(0.5);
    const items = ["a", "b"].map((key) => ({
      ...{ sink, queue: `${sink}/${one(["x", "y"])}`, key: `${stream}/${key}`, once: sink === "email" },
      desired: { n: int(3) },
    }));
    const key = `${sink}/${stream}/${one(["a", "b"])}`;
    const on = (says: string, ask: (store: ProcessStore["deliveries"], asked: Asked) => Promise<unknown>) => ({
      says: `deliveries ${says}`,
      ask: (all: Asked) => ask((all.stores[OWNERS.indexOf(owner)] as ProcessStore).deliveries, all),
    });
    const onItem = (says: string, ask: (store: ProcessStore["deliveries"], item: DueItem) => Promise<unknown>) =>
      on(`${says} ${key} by ${owner}`, async (store, { due }) => {
        const item = due.get(key);
        return item === undefined ? "nothing" : ask(store, item);
      });
    const claim = on(`claim by ${owner} for ${seconds}`, async (store, { due }) => {
      const found = [...(await store.claim(owner, SINKS, seconds, 20))].sort((a, b) => (a.queue < b.queue ? -1 : 1));
      for (const item of found) due.set(`${item.sink}/${item.key}`, item);
      return found;
    });
    return one([
      on(`enqueue ${stream} ${version} ${JSON.stringify(items)}`, (store) => store.enqueue(stream, version, items)),
      on(`enqueue ${stream} ${version} ${JSON.stringify(items)}`, (store) => store.enqueue(stream, version, items)),
      claim,
      claim,
      onItem("sending", (store, item) => store.sending(item, owner)),
      onItem("delivered", (store, item) =>
        store.delivered(item, owner, { told: item.desired, reference: `ref-${item.key}`, says: null }, recorded),
      ),
      onItem(`later ${seconds}`, (store, item) => store.later(item, owner, { says: "no", sure: recorded }, seconds)),
      onItem("giveUp", (store, item) => store.giveUp(item, owner, "never", recorded)),
      on("unrecorded", (store) => store.unrecorded(SINKS, 20)),
      onItem("recorded", (store, item) => store.recorded(item.id)),
      on("undelivered", (store) => store.undelivered(recorded ? undefined : stream)),
      on(`tryAgain ${stream}`, (store) => store.tryAgain(stream)),
    ]);
  }

  function small(): Operation {
    const stream = one(STREAMS);
    const version = int(4);
    const at = one([null, new Date(0), new Date(4e12)]);
    const who = one(["UA", "UB"]);
    const on = (says: string, ask: (store: ProcessStore) => Promise<unknown>): Operation => ({
      says,
      ask: ({ stores }) => ask(stores[0] as ProcessStore),
    });
    return one([
      on(`schedule set ${stream} ${version} ${at}`, (store) => store.schedule.set(stream, version, at)),
      on("schedule claim", async (store) => [...(await store.schedule.claim(AWAY, 20, ""))].sort()),
      on("schedule versions", (store) => store.schedule.versions(STREAMS)),
      on(`tally add ${who}`, (store) => store.tally.add("refused/x", who, AWAY, "last")),
      on(`tally begins anew for ${who}`, (store) => store.tally.add("refused/y", who, 0, "last")),
      on("tally read", async (store) =>
        [...(await store.tally.read("refused/"))].map(({ what, who, total }) => `${what} ${who} ${total}`).sort(),
      ),
    ]);
  }

  function runs(): Operation {
    const n = int(2);
    const run = one(["run-1", "run-2", "run-3"]);
    const stream = run === "run-3" ? "inc-2" : "inc-1";
    const key = `op-${++serial}`;
    const resource = one(["pg:a", "pg:b"]);
    const planBytes = Buffer.from(`plan of ${run}`);
    const ends = maybe(0.3);
    const wakeAt = one([null, new Date(0)]);
    const isNews = maybe(0.2);
    const bot = { data: { n }, actor: { kind: "bot" }, key: maybe(0.1) ? "op-1" : key };
    const on = (says: string, ask: (store: ProcessStore, all: Asked) => Promise<unknown>): Operation => ({
      says: `replica ${n}: ${says}`,
      ask: (all) => ask(all.stores[n] as ProcessStore, all),
    });
    const onLease = (says: string, ask: (store: ProcessStore, lease: Lease) => Promise<unknown>) =>
      on(`${says} ${run}`, async (store, { leases }) => {
        const lease = leases.get(run);
        return lease === undefined ? "nothing" : ask(store, lease);
      });
    const claim = on("claim", async (store, { leases }) => {
      const found = [...(await store.leases.claim(20))].sort((a, b) => (a.run < b.run ? -1 : 1));
      for (const lease of found) leases.set(lease.run, lease);
      return found;
    });
    return one([
      on(`request ${run} on ${resource}`, (store) =>
        store.timeline.decide(stream, () => ({
          events: [{ type: "asked", run, ...bot, numbered: true }],
          runs: [{ id: run, planHash: sha256(planBytes), planBytes, resources: [resource] }],
          value: null,
        })),
      ),
      on(`note on ${stream}`, (store) =>
        store.timeline.decide(stream, (events) => ({ events: [{ type: "noted", ...bot }], value: events.length })),
      ),
      claim,
      claim,
      onLease("beat", (store, lease) => store.leases.beat([lease])),
      onLease(`${ends ? "end" : "write"} under its lease`, (store, lease) =>
        store.timeline.decide(
          lease.stream,
          () => ({ events: [{ type: "done", run, ...bot }], ...(ends && { ended: [run] }), value: null }),
          { lease },
        ),
      ),
      onLease(`release until ${wakeAt}${isNews ? ", with news" : ""}`, async (store, lease) => {
        const seen = (await store.timeline.read(lease.stream)).length;
        return store.leases.release(lease, isNews ? seen - 1 : seen, wakeAt);
      }),
      on("streams", (store) => store.timeline.liveStreams()),
      on(`stream of ${run}`, (store) => store.timeline.streamOfRun(run)),
      on(`read ${stream}`, (store) => store.timeline.read(stream, 1)),
      on("numbered", (store) => store.timeline.streamNumbered(1)),
    ]);
  }

  return Array.from({ length: count }, () =>
    one([outbox, outbox, outbox, deliveries, deliveries, small, runs, runs])(),
  );
}

/** A generator of numbers in [0, 1) that the seed decides. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
