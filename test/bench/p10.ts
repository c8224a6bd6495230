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
const plainInsert = "insert into plain_event values ($1, $2, $3, null, $4, $5, $6, now(), $7, $7)";

export const p10: Figure = {
  name: "p10",
  title: "Appending with the hash chain, and verifying it",
  async measure(around) {
    const store = await around.store();
    const plain = await plainPool(store, around.later.bind(around));
    const ratios: { one: number[]; many: number[] } = { one: [], many: [] };
    const rates: { chained: number[]; plain: number[] } = { chained: [], plain: [] };
    for (let round = 0; round <= ROUNDS; round++) {
      const one = await perSecond(1, (w, i) => append(store, `a${round}-${w}`, i));
      const onePlain = await perSecond(1, (w, i) => insert(plain, `a${round}-${w}`, i));
      const many = await perSecond(WRITERS, (w, i) => append(store, `b${round}-${w}`, i));
      const manyPlain = await perSecond(WRITERS, (w, i) => insert(plain, `b${round}-${w}`, i));
      if (round === 0) continue;
      ratios.one.push(one / onePlain);
      ratios.many.push(many / manyPlain);
      rates.chained.push(one);
      rates.plain.push(onePlain);
    }
    return [
      { what: "appends, one writer, median", value: median(rates.chained), unit: "/s" },
      { what: "plain inserts, one writer, median", value: median(rates.plain), unit: "/s" },
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
  const values = [stream, i + 1, `k${i}`, "step.verified", JSON.stringify(data), '{"kind":"bot"}', noHash];
  return pool.query({ name: "plain", text: plainInsert, values });
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
  const pool = new pg.Pool({ connectionString: store.url, max: 10 });
  pool.on("error", () => {});
  later(() => pool.end());
  await pool.query(plainTable);
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
