import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { storeOn, type TestServer, testServer } from "../support/postgres.ts";
import type { Write } from "./writes.ts";

interface Played {
  readonly writes: readonly Write[];
  readonly streams: readonly { readonly id: string; readonly events: readonly Readonly<Record<string, unknown>>[] }[];
  readonly complaints: readonly unknown[];
}

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
}, 60_000);
afterAll(() => server.close());

async function played(seed: number): Promise<Played> {
  const args = [await built("test/simulation/index.ts"), "--core", "--seed", String(seed), "--writes"];
  const env = { ...process.env, NODE_OPTIONS: "" };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: projectRoot(), env, maxBuffer: 1e9 });
  return JSON.parse(stdout) as Played;
}

test.each([2, 12, 19])(
  "each write of seed %i has the same outcome on PostgreSQL, and leaves the same timelines",
  async (seed) => {
    const { writes, streams, complaints } = await played(seed);
    expect(complaints).toEqual([]);
    expect(writes.length).toBeGreaterThan(30);
    const store = await storeOn(await server.database());
    try {
      const outcomes: unknown[] = [];
      for (const { stream, events, runs, ended } of writes) {
        const decided = await store.timeline.decide(stream, (before) => ({
          ...{ events, ended, value: before.length },
          runs: runs.map(({ plan, ...run }) => ({ ...run, planBytes: Buffer.from(plan, "base64") })),
        }));
        outcomes.push(
          decided.kind === "written"
            ? { stream, version: decided.value, outcome: "written" }
            : decided.kind === "held" && { stream, outcome: { held: decided.resource, by: decided.run } },
        );
      }
      expect(outcomes).toEqual(
        writes.map(({ stream, version, outcome }) => ({ stream, ...(outcome === "written" && { version }), outcome })),
      );
      for (const { id, events } of streams) {
        const kept = await store.timeline.read(id);
        expect(
          kept.map(({ version, type, key, run, data, actor }) => ({ version, type, key, run, data, actor })),
        ).toEqual(events);
      }
      expect(await store.timeline.verify()).toMatchObject({ ok: true, streams: streams.length });
    } finally {
      await store.close();
    }
  },
  60_000,
);
