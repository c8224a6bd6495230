import { hashOf } from "../../../src/lib/canonical.ts";
import { type Deliveries, type DueItem, FAILING_TRIES } from "../../../src/projection/deliveries.ts";
import { blankQueue, type ItemRow, type MemoryDatabase } from "./database.ts";
import type { Link } from "./link.ts";

const NEVER = Number.NEGATIVE_INFINITY;
const KEPT_MS = 7 * 24 * 3_600_000;

/** `Deliveries` on tables in memory. */
export function createMemoryDeliveries(database: MemoryDatabase, link: Link): Deliveries {
  const { queues, items } = database;
  const asked = <T>(work: (now: number) => T) => link.ask("deliveries", () => work(database.now()));
  const others = () => items.filter(({ sink }) => sink !== "slack");

  /** Lets go of the queue in the same step; nothing is written where it is another's. */
  const settled = (item: DueItem, owner: string, change: (row: ItemRow, now: number) => void) =>
    asked((now) => {
      const queue = queues.get(item.queue);
      if (queue === undefined || queue.owner !== owner) return;
      Object.assign(queue, { owner: null, claimedUntil: NEVER });
      const row = items.find((one) => String(one.id) === item.id && one.queue === item.queue);
      if (row) change(row, now);
    });
  const headOf = (queue: string, sinks?: readonly string[]) =>
    items.find((row) => row.queue === queue && isDue(row) && (sinks === undefined || sinks.includes(row.sink)));
  const isUndelivered = (row: ItemRow, now: number) =>
    (row.givenUpAt !== null && row.givenUpAt > now - KEPT_MS) || (isDue(row) && row.tries >= FAILING_TRIES);

  return {
    enqueue: async (stream, version, wanted) => {
      if (wanted.length === 0) return;
      await asked(() => {
        for (const item of wanted) {
          if (!queues.has(item.queue)) queues.set(item.queue, blankQueue(item.queue, item.sink));
          const desired = { desired: JSON.stringify(item.desired), desiredHash: hashOf(item.desired) };
          const id = database.nextId();
          const row = items.find((one) => one.sink === item.sink && one.stream === stream && one.key === item.key);
          if (row === undefined)
            items.push({
              ...{ id, sink: item.sink, stream, version, queue: item.queue, key: item.key, once: item.once },
              ...{ priority: 1, under: null, broadcast: false, plain: false, ...desired, delivered: null },
              ...{ deliveredAs: null, deliveredHash: null, deliveredAt: null, sendingSince: null, sendingHash: null },
              ...{ notBefore: NEVER, tries: 0, says: null, givenUpAt: null, recordedAt: null },
            });
          else if (!row.once && row.version < version && row.desiredHash !== desired.desiredHash)
            Object.assign(row, { version, ...desired, notBefore: NEVER, tries: 0, givenUpAt: null });
        }
      });
    },
    claim: (owner, sinks, seconds, limit) =>
      asked((now) => {
        const due = [...queues.values()]
          .flatMap((queue) => {
            const head = headOf(queue.queue, sinks);
            return head && queue.claimedUntil <= now && head.notBefore <= now ? [{ queue, head }] : [];
          })
          .sort((one, other) => one.head.notBefore - other.head.notBefore || one.head.id - other.head.id)
          .slice(0, limit);
        return due.flatMap(({ queue }) => {
          const head = headOf(queue.queue);
          if (head === undefined) return [];
          Object.assign(queue, { owner, claimedUntil: now + seconds * 1000 });
          return [dueOf(head, items)];
        });
      }),
    sending: ({ id, queue }, owner) =>
      asked((now) => {
        const row = items.find((one) => String(one.id) === id);
        const held = queues.get(queue);
        if (!row || !isDue(row) || held?.owner !== owner || held.claimedUntil <= now) return false;
        row.sendingSince = now;
        return true;
      }),
    delivered: (item, owner, { told, reference, says }, recorded) =>
      settled(item, owner, (row, now) =>
        Object.assign(row, {
          ...{ delivered: JSON.stringify(told), deliveredHash: item.hash, deliveredAs: reference, deliveredAt: now },
          ...{ says: says?.slice(0, 500) ?? null, sendingSince: null, tries: 0, notBefore: NEVER, givenUpAt: null },
          recordedAt: recorded ? now : null,
        }),
      ),
    later: (item, owner, { says, sure }, seconds) =>
      settled(item, owner, (row, now) => {
        Object.assign(row, { tries: row.tries + 1, says: says.slice(0, 2000) });
        if (sure) row.sendingSince = null;
        row.notBefore = row.desiredHash === item.hash ? now + seconds * 1000 : NEVER;
      }),
    giveUp: (item, owner, says, recorded) =>
      settled(item, owner, (row, now) =>
        Object.assign(row, {
          ...{ tries: row.tries + 1, says: says.slice(0, 500), sendingSince: null },
          givenUpAt: row.desiredHash === item.hash ? now : null,
          recordedAt: recorded ? now : null,
        }),
      ),
    unrecorded: (sinks, limit) =>
      asked(() =>
        others()
          .filter((row) => sinks.includes(row.sink) && row.recordedAt === null)
          .filter((row) => row.deliveredHash !== null || row.givenUpAt !== null)
          .slice(0, limit)
          .map(({ id, sink, stream, key, says, givenUpAt, delivered }) => {
            const told = givenUpAt === null && delivered !== null ? JSON.parse(delivered) : null;
            return { id: String(id), sink, stream, key, delivered: told, says };
          }),
      ),
    recorded: (id) =>
      asked((now) => {
        const row = items.find((one) => String(one.id) === id);
        if (row) row.recordedAt = now;
        if (row?.once && row.deliveredHash !== null) row.desired = "{}";
        for (const old of others())
          if (old.once && old.givenUpAt !== null && old.givenUpAt <= now - KEPT_MS) old.desired = "{}";
      }),
    undelivered: (stream) =>
      asked((now) =>
        items
          .filter((row) => isUndelivered(row, now) && (stream === undefined || row.stream === stream))
          .reverse()
          .slice(0, 100)
          .map((row) => ({
            ...{ sink: row.sink, stream: row.stream, key: row.key, tries: row.tries, says: row.says },
            givenUp: row.givenUpAt !== null,
          })),
      ),
    tryAgain: (stream) =>
      asked((now) => {
        const rows = items.filter((row) => row.stream === stream && isUndelivered(row, now));
        for (const row of rows) Object.assign(row, { givenUpAt: null, recordedAt: null, tries: 0, notBefore: NEVER });
        return rows.length;
      }),
  };
}

function isDue(row: ItemRow): boolean {
  return row.deliveredHash !== row.desiredHash && !(row.once && row.deliveredHash !== null) && row.givenUpAt === null;
}

function dueOf(row: ItemRow, items: readonly ItemRow[]): DueItem {
  const before = items.filter(({ queue, sink, deliveredAs }) => queue === row.queue && sink !== "slack" && deliveredAs);
  return {
    ...{ id: String(row.id), sink: row.sink, stream: row.stream, key: row.key, queue: row.queue, once: row.once },
    ...{ version: row.version, desired: JSON.parse(row.desired), hash: row.desiredHash, tries: row.tries },
    delivered: row.delivered === null ? null : JSON.parse(row.delivered),
    unsure: row.sendingSince !== null,
    tried: row.sendingSince !== null || row.deliveredHash !== null || row.tries > 0,
    reference: before.at(-1)?.deliveredAs ?? null,
  };
}
