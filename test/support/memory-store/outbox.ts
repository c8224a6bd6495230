import serialize from "canonicalize";
import { sha256 } from "../../../src/lib/canonical.ts";
import type { DesiredState } from "../../../src/projection/outbox/desired-state.ts";
import type { Item } from "../../../src/projection/outbox/messages.ts";
import type { Queue } from "../../../src/projection/outbox/queues.ts";
import type { SharedPace } from "../../../src/projection/outbox/shared-pace.ts";
import type { Outbox } from "../../../src/projection/outbox.ts";
import { blankQueue, type ItemRow, type MemoryDatabase, type QueueRow } from "./database.ts";
import type { Link } from "./link.ts";

const NEVER = Number.NEGATIVE_INFINITY;
const UNSHOWN = {
  ...{ deliveredAs: null, deliveredHash: null, deliveredAt: null, sendingHash: null, plain: false, tries: 0 },
  ...{ givenUpAt: null, notBefore: NEVER },
};

/** `Outbox` on tables in memory: `src/projection/outbox.ts` says what each of these means. */
export function createMemoryOutbox(database: MemoryDatabase, link: Link): Outbox {
  const { queues, items, drawn, pages } = database;
  const asked = <T>(work: (now: number) => T) => link.ask("the outbox", () => work(database.now()));
  const slackItems = () => items.filter(({ sink }) => sink === "slack");
  const slackItem = (stream: string, key: string) =>
    items.find((one) => one.sink === "slack" && one.stream === stream && one.key === key);
  const itemOf = (id: string) => items.find((row) => String(row.id) === id);
  const ofQueue = (queue: string, owner: string, change: (row: QueueRow, now: number) => void) =>
    asked((now) => {
      const row = queues.get(queue);
      if (row === undefined || row.owner !== owner) return false;
      change(row, now);
      return true;
    });
  const ofItem = (id: string, change: (row: ItemRow, now: number) => void) =>
    asked((now) => {
      const row = itemOf(id);
      if (row) change(row, now);
    });

  function want({ stream, version, about, redrawAt, queues: places, messages }: DesiredState, now: number): boolean {
    const before = drawn.get(stream);
    if (before !== undefined && before.version > version) return false;
    drawn.set(stream, { version, about: textOf(about), redrawAt: redrawAt?.getTime() ?? null });
    for (const { queue, own, place, wanted } of places)
      if (own) wantOwn(queue, stream, wanted === null ? null : textOf(wanted));
      else if (!queues.has(queue)) queues.set(queue, { ...blankQueue(queue, "slack"), place });
    const shared = new Set(places.filter(({ own }) => !own).map(({ queue }) => queue));
    for (const message of messages) {
      const row = queues.get(message.queue);
      if (row !== undefined && shared.has(message.queue) && isClosed(row, now)) continue;
      wantMessage(stream, version, message);
    }
    return true;
  }

  function wantOwn(queue: string, stream: string, wanted: string | null): void {
    const row = queues.get(queue);
    if (row === undefined) {
      queues.set(queue, { ...blankQueue(queue, "slack", stream), wanted });
      return;
    }
    if (row.wanted === wanted) return;
    row.wanted = wanted;
    if (row.setupFailures === 0) row.setupAt = NEVER;
  }

  function wantMessage(stream: string, version: number, message: DesiredState["messages"][number]): void {
    const { key, queue, under, priority, broadcast, once } = message;
    const desired = writtenOf(message.desired);
    const id = database.nextId();
    const row = slackItem(stream, key);
    if (row === undefined) {
      items.push({
        ...{ id, sink: "slack", stream, version, key, queue, under, priority, broadcast, once, ...desired },
        ...{ ...UNSHOWN, delivered: null, sendingSince: null, says: null, recordedAt: null },
      });
      return;
    }
    const isNeverSent = row.deliveredAs === null && row.sendingSince === null;
    const isOther = row.desiredHash !== desired.desiredHash && !(row.once && row.deliveredAs !== null);
    if (!isOther && !(row.queue !== queue && isNeverSent)) return;
    Object.assign(row, { priority, ...desired, version, givenUpAt: null });
    if (isNeverSent) Object.assign(row, { queue, under, broadcast });
  }

  function tokensOf(row: QueueRow, { perSecond, burst }: SharedPace, now: number): number {
    const gained = row.tokensAt === NEVER ? Number.POSITIVE_INFINITY : Math.max(0, now - row.tokensAt) / 1000;
    const tokens = row.tokens + gained * perSecond;
    return Number.isNaN(tokens) ? burst : Math.min(burst, tokens);
  }

  const claimable = (row: QueueRow, now: number): boolean => {
    if (row.sink !== "slack" || (row.owner !== null && row.claimedUntil >= now) || row.notBefore > now) return false;
    const isElsewhere = row.borrowed && row.stream !== null;
    const due = items.some(
      (item) =>
        item.queue === row.queue && isDue(item) && item.notBefore <= now && !(isElsewhere && item.deliveredAs === null),
    );
    return due || (needsSetup(row) && row.setupAt <= now);
  };
  const priorityOf = (row: QueueRow) =>
    Math.min(...items.flatMap((item) => (item.queue === row.queue && isDue(item) ? [item.priority] : [])));

  return {
    want: (desiredState) => asked((now) => want(desiredState, now)),
    drawn: (stream) =>
      asked(() => {
        const row = drawn.get(stream);
        return row ? { version: row.version, about: JSON.parse(row.about) } : null;
      }),
    dueForRedraw: () =>
      asked((now) => [...drawn].flatMap(([id, { redrawAt }]) => (redrawAt !== null && redrawAt <= now ? [id] : []))),
    versions: (streams) =>
      asked(
        () =>
          new Map(
            streams.flatMap((id) => {
              const row = drawn.get(id);
              return row ? [[id, row.version] as const] : [];
            }),
          ),
      ),
    claim: (owner, seconds, limit) =>
      asked((now) =>
        [...queues.values()]
          .filter((row) => claimable(row, now))
          .sort((one, other) => priorityOf(one) - priorityOf(other) || 0)
          .slice(0, limit)
          .map((row) => {
            Object.assign(row, { owner, claimedUntil: now + seconds * 1000 });
            return row.queue;
          }),
      ),
    queue: (queue) =>
      asked((now) => {
        const row = queues.get(queue);
        return row ? queueOf(row, now) : null;
      }),
    hold: (queue, owner, seconds) =>
      ofQueue(queue, owner, (row, now) => Object.assign(row, { claimedUntil: now + seconds * 1000 })),
    release: async (queue, owner, tokens) => {
      await ofQueue(queue, owner, (row, now) =>
        Object.assign(row, { owner: null, claimedUntil: NEVER, tokens: Math.fround(tokens), tokensAt: now }),
      );
    },
    retryNow: () =>
      asked(() => {
        for (const row of queues.values())
          if (row.failures > 0 || row.setupFailures > 0) Object.assign(row, { notBefore: NEVER, setupAt: NEVER });
        for (const row of slackItems()) if (row.tries > 0 && isDue(row)) row.notBefore = NEVER;
      }),
    making: (queue, owner) =>
      ofQueue(queue, owner, (row, now) => {
        row.makingSince ??= now;
      }),
    made: (queue, owner, place, placeName) =>
      ofQueue(queue, owner, (row) =>
        Object.assign(row, { place, placeName, borrowed: false, makingSince: null, failures: 0, says: null }),
      ),
    unmade: (queue, owner, place, says) =>
      ofQueue(queue, owner, (row) =>
        Object.assign(row, { place, placeName: "", borrowed: true, makingSince: null, failures: 0, says }),
      ),
    redirected: (queue, owner, place, says) =>
      asked(() => {
        const row = queues.get(queue);
        if (row === undefined || row.owner !== owner) return [];
        Object.assign(row, { place, borrowed: true, failures: 0, says, notBefore: NEVER });
        const there = items.filter((item) => item.queue === queue);
        const streams = [...new Set(there.filter(isDue).map(({ stream }) => stream))];
        for (const item of there)
          if (streams.includes(item.stream)) Object.assign(item, { ...UNSHOWN, sendingSince: null });
        return streams;
      }),
    closed: (queue, owner, says, seconds) =>
      ofQueue(queue, owner, (row, now) => {
        Object.assign(row, { place: null, borrowed: true, failures: 0, says, notBefore: now + seconds * 1000 });
        for (let n = items.length - 1; n >= 0; n--)
          if (items[n]?.queue === queue && items[n]?.deliveredAs === null) items.splice(n, 1);
      }),
    closedQueues: () =>
      asked((now) =>
        [...queues.values()].flatMap((row) =>
          row.stream === null && row.borrowed && row.notBefore > now ? [row.queue] : [],
        ),
      ),
    restored: (queue) =>
      asked(() => {
        const row = queues.get(queue);
        if (row?.stream === null && row.borrowed) Object.assign(row, { place: queue, borrowed: false, says: null });
      }),
    lost: (queue, owner) =>
      ofQueue(queue, owner, (row) => {
        Object.assign(row, { place: null, borrowed: false, makingSince: null, shown: "{}" });
        for (const item of items) if (item.queue === queue) Object.assign(item, { ...UNSHOWN, sendingSince: null });
      }),
    setUp: (queue, owner, shown, retryInSeconds, failed, wanted) =>
      ofQueue(queue, owner, (row, now) => {
        const isOver = retryInSeconds === null || (!failed && row.wanted !== textOf(wanted));
        Object.assign(row, {
          shown: textOf(shown),
          setupFailures: failed ? row.setupFailures + 1 : 0,
          setupAt: isOver ? NEVER : now + retryInSeconds * 1000,
        });
      }),
    putOff: (queue, owner, seconds, says, failed) =>
      ofQueue(queue, owner, (row, now) => {
        const notBefore = Math.max(row.notBefore, now + seconds * 1000);
        Object.assign(row, { notBefore, says, failures: row.failures + (failed && row.notBefore <= now ? 1 : 0) });
      }),
    answered: (queue) =>
      asked(() => {
        const row = queues.get(queue);
        if (row && row.failures > 0) Object.assign(row, { failures: 0, says: null });
      }),
    pending: (queue) =>
      asked((now) => items.filter((item) => item.queue === queue && isDue(item)).map((item) => pendingOf(item, now))),
    sending: (item, owner) =>
      asked((now) => {
        const row = itemOf(item.id);
        if (row === undefined || row.deliveredAs !== null || queues.get(row.queue)?.owner !== owner) return false;
        Object.assign(row, { sendingSince: now, sendingHash: item.desiredHash });
        return true;
      }),
    editing: (item, owner) =>
      asked(() => {
        const row = itemOf(item.id);
        if (row === undefined || row.deliveredAs === null || queues.get(row.queue)?.owner !== owner) return false;
        row.deliveredHash = "";
        return true;
      }),
    delivered: (id, as, hash) =>
      ofItem(id, (row, now) =>
        Object.assign(row, {
          ...{ deliveredAs: as, deliveredHash: hash, deliveredAt: now, sendingSince: null, sendingHash: null },
          ...{ tries: 0, says: null },
        }),
      ),
    failed: (id, says, seconds) =>
      ofItem(id, (row, now) => {
        const later = { tries: row.tries + 1, says, notBefore: now + seconds * 1000 };
        Object.assign(row, { sendingSince: null, sendingHash: null, ...later });
      }),
    giveUp: (id, says) =>
      ofItem(id, (row, now) => {
        Object.assign(row, { sendingSince: null, sendingHash: null, tries: row.tries + 1, says, givenUpAt: now });
      }),
    unclear: (id, says, seconds) =>
      ofItem(id, (row, now) => Object.assign(row, { tries: row.tries + 1, says, notBefore: now + seconds * 1000 })),
    notSent: (id) => ofItem(id, (row) => Object.assign(row, { sendingSince: null, sendingHash: null })),
    wordsOnly: (id) => ofItem(id, (row) => Object.assign(row, { plain: true, sendingSince: null, sendingHash: null })),
    gone: (id) => ofItem(id, (row) => Object.assign(row, { ...UNSHOWN, sendingSince: null })),
    tokens: (queue, pace) =>
      asked((now) => {
        const row = queues.get(queue);
        return row ? tokensOf(row, pace, now) : pace.burst;
      }),
    spend: (queue, pace, least) =>
      asked((now) => {
        const row = queues.get(queue);
        const left = row === undefined ? pace.burst : tokensOf(row, pace, now);
        if (row !== undefined && left < least) return false;
        const spent = row ?? blankQueue(queue, "slack");
        queues.set(queue, Object.assign(spent, { tokens: Math.fround(left - 1), tokensAt: now }));
        return true;
      }),
    placeOf: (stream) => asked(() => own(stream)?.place ?? null),
    streamAt: (place) =>
      asked(() => {
        const row = [...queues.values()].find((one) => one.place === place && !one.borrowed && one.stream !== null);
        const about = row?.stream ? drawn.get(row.stream) : undefined;
        return row?.stream && about ? { stream: row.stream, about: JSON.parse(about.about) } : null;
      }),
    deliveredAs: (stream, keys) =>
      asked(
        () =>
          new Map(
            slackItems().flatMap((row) =>
              row.stream === stream && keys.includes(row.key) && row.deliveredAs !== null
                ? [[row.key, row.deliveredAs] as const]
                : [],
            ),
          ),
      ),
    placesOf: (streams) => asked(() => placesOf((stream) => streams.includes(stream))),
    places: () => asked(() => placesOf(() => true)),
    forget: (stream) =>
      asked(() => {
        const isMeant = (one: string | null) => one !== null && (stream === undefined || one === stream);
        for (const [id, row] of drawn) if (isMeant(id)) row.version = -1;
        for (const row of queues.values())
          if (isMeant(row.stream)) Object.assign(row, { place: null, borrowed: false, makingSince: null, shown: "{}" });
        for (const item of slackItems()) if (isMeant(item.stream)) Object.assign(item, { ...UNSHOWN, sendingSince: 0 });
      }),
    opened: (reader) => asked((now) => void pages.set(reader, { openedAt: now, shownHash: null })),
    readers: (seconds) =>
      asked((now) =>
        [...pages].flatMap(([reader, { openedAt, shownHash }]) =>
          openedAt > now - seconds * 1000 ? [{ reader, shownHash }] : [],
        ),
      ),
    pageShown: (reader, hash) =>
      asked(() => {
        const row = pages.get(reader);
        if (row) row.shownHash = hash;
      }),
  };

  function own(stream: string): QueueRow | undefined {
    return [...queues.values()].find((row) => row.stream === stream && !row.borrowed);
  }

  function placesOf(isMeant: (stream: string) => boolean): ReadonlyMap<string, string> {
    return new Map(
      [...queues.values()].flatMap(({ stream, place, borrowed }) =>
        stream !== null && place !== null && !borrowed && isMeant(stream) ? [[stream, place] as const] : [],
      ),
    );
  }

  function pendingOf(row: ItemRow, now: number): Item {
    const root = row.under === null ? undefined : slackItem(row.stream, row.under);
    return {
      ...{ id: String(row.id), stream: row.stream, key: row.key, under: row.under, rootAs: root?.deliveredAs ?? null },
      ...{ priority: row.priority, broadcast: row.broadcast, once: row.once, desired: JSON.parse(row.desired) },
      ...{ desiredHash: row.desiredHash, deliveredAs: row.deliveredAs, deliveredHash: row.deliveredHash },
      deliveredAgoMs: row.deliveredAt === null ? null : now - row.deliveredAt,
      sendingSince: row.sendingSince === null ? null : new Date(row.sendingSince),
      ...{ sendingHash: row.sendingHash, plain: row.plain, tries: row.tries },
      waitMs: row.notBefore === NEVER ? 0 : row.notBefore - now,
    };
  }
}

function queueOf(row: QueueRow, now: number): Queue {
  return {
    ...{ queue: row.queue, stream: row.stream, place: row.place, placeName: row.placeName, borrowed: row.borrowed },
    ...{ says: row.says, makingSince: row.makingSince === null ? null : new Date(row.makingSince) },
    wanted: row.wanted === null ? null : JSON.parse(row.wanted),
    shown: JSON.parse(row.shown),
    setupDue: needsSetup(row) && row.setupAt <= now,
    ...{ setupFailures: row.setupFailures, tokens: row.tokens },
    tokensAgoMs: row.tokensAt === NEVER ? 0 : now - row.tokensAt,
    waitMs: row.notBefore === NEVER ? 0 : row.notBefore - now,
    failures: row.failures,
  };
}

function isDue(row: ItemRow): boolean {
  return row.deliveredHash !== row.desiredHash && row.givenUpAt === null && !(row.once && row.deliveredAs !== null);
}

function isClosed(row: QueueRow, now: number): boolean {
  return row.stream === null && row.borrowed && row.place === null && row.notBefore > now;
}

function needsSetup({ stream, borrowed, wanted, shown }: QueueRow): boolean {
  if (stream === null || borrowed || wanted === null) return false;
  return wanted !== wantedIn(shown);
}

/** As jsonb compares: whatever the order of names. */
function textOf(value: unknown): string {
  return canonicalOf(JSON.stringify(value ?? null));
}

/** The same texts are asked about again and again: a queue with each look for work, a message with each desired state. */
const canonicalOf = remembered((json: string) => serialize(JSON.parse(json)) ?? "null");
const hashed = remembered((text: string) => sha256(text));
const wantedIn = remembered((shown: string) => {
  const { wanted } = JSON.parse(shown) as { wanted?: unknown };
  return wanted === undefined ? null : textOf(wanted);
});

function writtenOf(desired: unknown): { desired: string; desiredHash: string } {
  const text = textOf(desired);
  return { desired: text, desiredHash: hashed(text) };
}

/** A pure function of a text that keeps its last answers. */
function remembered<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= 2000) known.clear();
    const answer = work(text);
    known.set(text, answer);
    return answer;
  };
}
