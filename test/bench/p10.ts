import { hash } from "node:crypto";
import type { Pool } from "pg";
import { noHash } from "../../src/timeline/chain.ts";
import type { Store } from "../../src/timeline/index.ts";
import { event } from "../support/postgres.ts";
import type { Figure } from "./figure.ts";
import { median } from "./statistics.ts";

const APPENDS = 400;
const ROUNDS = 5;
const WRITERS = 8;
const TO_VERIFY = 60_000;
const BATCH = 500;

const data = { step: "promote", attempt: 1, says: "The standby takes writes.", facts: [], rpo: null, seconds: 3.2 };

/** The same columns and keys as the timeline's, without a chain, a head or a lock. */
const plainTable = `create table plain_event (
  stream text not null, version integer not null, key text not null, run text, type text not null, data jsonb not null,
  actor jsonb not null, at timestamptz(3) not null, previous_hash text not null, hash text not null,
  primary key (stream, version), unique (stream, key))`;
/** The head of a stream, as someone keeps it who writes the chain by hand. */
const handTable = "create table hand_stream (id text primary key, version integer not null, head_hash text not null)";
const handLock = "select version, head_hash as head from hand_stream where id = $1 for update";
const handHead = "update hand_stream set version = $2, head_hash = $3 where id = $1";
const plainInsert = "insert into plain_event values ($1, $2, $3, null, $4, $5, $6, now(), $7, $8)";

export const p10: Figure = {
  name: "p10",
  title: "Appending with the hash chain, and verifying it",
  async measure(around) {
    const store = await around.store();
    const plain = await plainPool(store, around.later.bind(around));
    const ratios: Record<"one" | "many" | "oneHand" | "manyHand", number[]> = {
      ...{ one: [], many: [], oneHand: [], manyHand: [] },
    };
    const rates: Record<"chained" | "plain" | "hand", number[]> = { chained: [], plain: [], hand: [] };
    for (let round = 0; round <= ROUNDS; round++) {
      const one = await perSecond(1, (w, i) => append(store, `a${round}-${w}`, i));
      const onePlain = await perSecond(1, (w, i) => insert(plain, `a${round}-${w}`, i));
      const many = await perSecond(WRITERS, (w, i) => append(store, `b${round}-${w}`, i));
      const manyPlain = await perSecond(WRITERS, (w, i) => insert(plain, `b${round}-${w}`, i));
      const oneHand = await perSecond(1, (w, i) => byHand(plain, `c${round}-${w}`, i));
      const manyHand = await perSecond(WRITERS, (w, i) => byHand(plain, `d${round}-${w}`, i));
      if (round === 0) continue;
      ratios.one.push(one / onePlain);
      ratios.many.push(many / manyPlain);
      ratios.oneHand.push(one / oneHand);
      ratios.manyHand.push(many / manyHand);
      rates.chained.push(one);
      rates.plain.push(onePlain);
      rates.hand.push(oneHand);
    }
    return [
      { what: "appends, one writer, median", value: median(rates.chained), unit: "/s" },
      { what: "plain inserts, one writer, median", value: median(rates.plain), unit: "/s" },
      { what: "the chain in hand-written SQL, one writer, median", value: median(rates.hand), unit: "/s" },
      { what: "to hand-written SQL, one writer", value: median(ratios.oneHand), unit: "×", goal: { atLeast: 0.8 } },
      {
        what: `to hand-written SQL, ${WRITERS} writers on ${WRITERS} incidents`,
        value: median(ratios.manyHand),
        unit: "×",
        goal: { atLeast: 0.8 },
      },
      { what: "to plain inserts, one writer", value: median(ratios.one), unit: "×", goal: { atLeast: 0.8 } },
      {
        what: `to plain inserts, ${WRITERS} writers on ${WRITERS} incidents`,
        value: median(ratios.many),
        unit: "×",
        goal: { atLeast: 0.8 },
      },
      { what: "events verified, median", value: await verifyRate(store), unit: "/s", goal: { atLeast: 100_000 } },
    ];
  },
};

function append(store: Store, stream: string, i: number): Promise<unknown> {
  const what = event("step.verified", { data, key: `k${i}` });
  return store.timeline.decide(stream, () => ({ events: [what], value: null }));
}

function insert(pool: Pool, stream: string, i: number): Promise<unknown> {
  const values = [stream, i + 1, `k${i}`, "step.verified", JSON.stringify(data), '{"kind":"bot"}', noHash, noHash];
  return pool.query({ name: "plain", text: plainInsert, values });
}

/** What a person would have written for a chain, and no more: lock the head, write what follows it, move the head; two round trips, as ours. */
async function byHand(pool: Pool, stream: string, i: number): Promise<void> {
  if (i === 0) await pool.query("insert into hand_stream values ($1, 0, $2)", [stream, noHash]);
  const client = await pool.connect();
  try {
    const [, { rows }] = await Promise.all([
      client.query("begin"),
      client.query<{ version: number; head: string }>({ name: "hand-lock", text: handLock, values: [stream] }),
    ]);
    const { version = 0, head = noHash } = rows[0] ?? {};
    const text = JSON.stringify(data);
    const next = hash("sha256", `${head}${version + 1}k${i}${text}`);
    const event = [stream, version + 1, `k${i}`, "step.verified", text, '{"kind":"bot"}', head, next];
    await Promise.all([
      client.query({ name: "plain", text: plainInsert, values: event }),
      client.query({ name: "hand-head", text: handHead, values: [stream, version + 1, next] }),
      client.query("commit"),
    ]);
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function perSecond(writers: number, write: (writer: number, i: number) => Promise<unknown>): Promise<number> {
  const each = APPENDS / writers;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let i = 0; i < each; i++) await write(writer, i);
    }),
  );
  return (APPENDS * 1000) / (performance.now() - began);
}

async function plainPool(store: Store, later: (undo: () => Promise<unknown>) => void): Promise<Pool> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ connectionString: store.url, max: 10, ...{ pipeline: true } });
  pool.on("error", () => {});
  later(() => pool.end());
  await pool.query(plainTable);
  await pool.query(handTable);
  return pool;
}

async function verifyRate(store: Store): Promise<number> {
  for (let i = 0; i < TO_VERIFY / BATCH; i++) {
    const batch = Array.from({ length: BATCH }, (_, n) => event("step.verified", { data, key: `v${i}-${n}` }));
    await store.timeline.decide(`verify-${i % 20}`, () => ({ events: batch, value: null }));
  }
  const rates: number[] = [];
  for (let round = 0; round < 4; round++) {
    const began = performance.now();
    const { ok, events } = await store.timeline.verify();
    if (!ok) throw new Error("The chain does not hold.");
    if (round > 0) rates.push((events * 1000) / (performance.now() - began));
  }
  return median(rates);
}
