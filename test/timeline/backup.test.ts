import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Fleet, openFleet } from "../../practice/environment/fleet.ts";
import { createDebianHost, type DebianHost } from "../../practice/targets/pgbackrest/debian-host.ts";
import type { Plan } from "../../src/catalog/types.ts";
import { hashOf } from "../../src/lib/canonical.ts";
import { built } from "../support/built.ts";
import { describeWith } from "../support/describe-with.ts";
import { away, EngineScenario, engineOn, folder, go, ledgerStep, planOf } from "../support/engine-harness.ts";
import { complaints } from "../support/independent-verifier.ts";
import { ledger } from "../support/ledger-actions.ts";
import { asSuperuser, event, storeOn, until } from "../support/postgres.ts";
import { testKeySettings } from "../support/record-keys.ts";

const describe = await describeWith(["postgres", "pg_dump", "pg_restore"], ["postgresql"]);
const run = promisify(execFile);
const OWNER = "owner";
const BOT = "bot";

/** The commands of docs/operations/backup.md, run as they stand there, from one server to another. */
describe("a store that is dumped and restored", () => {
  let fleet: Fleet;
  let before: DebianHost;
  let after: DebianHost;
  let dir: string;
  /** What the bot's host has seen. */
  let state: string;
  let nothingSeen: string;

  const urlOf = (host: DebianHost, user: string) => `postgres://${user}:${user}@127.0.0.1:${host.port}/lifeboat`;
  const settingsOn = (host: DebianHost, seen: string) => ({
    PATH: process.env.PATH ?? "",
    ...testKeySettings,
    DATABASE_URL: urlOf(host, BOT),
    DATABASE_OWNER_URL: urlOf(host, OWNER),
    LIFEBOAT_DATA: seen,
    LIFEBOAT_STATE: seen,
  });
  /** `lifeboat …` as an operator runs it on the bot's host; what it prints, and how it ends. */
  const lifeboat = (host: DebianHost, ...words: readonly string[]) => lifeboatAt(state, host, words);
  /** The same where nothing was seen of this store before. */
  const elsewhere = (host: DebianHost, ...words: readonly string[]) => lifeboatAt(nothingSeen, host, words);
  async function lifeboatAt(seen: string, host: DebianHost, words: readonly string[]) {
    const program = [await built("src/cli.ts"), ...words];
    return run(process.execPath, program, { env: settingsOn(host, seen) }).then(
      ({ stdout }) => ({ code: 0, says: stdout }),
      ({ code, stdout, stderr }) => ({ code: code as number, says: `${stdout}${stderr}` }),
    );
  }
  const openOn = (host: DebianHost) =>
    storeOn(urlOf(host, BOT), { ownerUrl: urlOf(host, OWNER), stateFolder: state, production: true });

  /** The newest signed heads, in a file beside the store. */
  async function headsOf(host: DebianHost, name: string): Promise<string> {
    const { code, says } = await lifeboat(host, "verify", "--heads");
    expect(code).toBe(0);
    const file = join(dir, name);
    await writeFile(file, says);
    return file;
  }
  /** One life of a bot on the server of before. */
  async function worked(work: (scenario: EngineScenario) => Promise<unknown>, plan?: Plan): Promise<void> {
    const store = await openOn(before);
    const engine = engineOn(store);
    engine.start();
    const scenario = new EngineScenario(store);
    if (plan !== undefined) scenario.plans.set(hashOf(plan), plan);
    await work(scenario);
    await engine.stop();
    await store.close();
  }

  beforeAll(async () => {
    fleet = await openFleet("backup");
    const hosts = ["store-a", "store-b"].map(async (name) => {
      const passwords = { owner: "superuser", replicator: "unused" };
      const host = await createDebianHost(fleet, { name, passwords, settings: {} });
      await host.create();
      await host.start();
      for (const role of [`${OWNER} login createrole`, `${BOT} login`])
        await asSuperuser(host.url("postgres"), `create role ${role} password '${role.split(" ")[0]}'`);
      await asSuperuser(host.url("postgres"), `create database lifeboat owner ${OWNER}`);
      return host;
    });
    [before, after] = (await Promise.all(hosts)) as [DebianHost, DebianHost];
    dir = await folder();
    [state = "", nothingSeen = ""] = await Promise.all(
      ["state", "elsewhere"].map((name) => mkdtemp(join(tmpdir(), `lifeboat-${name}-`))),
    );
  }, 120_000);
  afterAll(async () => {
    await fleet?.stop();
    await away(dir);
    for (const folder of [state, nothingSeen]) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  test("is whole, says what the backup doesn't have, changes nothing until a person accepts that, and goes on", async () => {
    expect(await lifeboat(before, "migrate")).toMatchObject({ code: 0 });
    const plan = planOf([[go()], [ledgerStep(dir, "put", "done after the backup")]]);
    // A bot that leaves signs what it wrote.
    await worked(async (scenario) => {
      await scenario.requested(plan, "run-1");
      await scenario.untilApprovalRequested();
    });
    const kept = await headsOf(before, "kept.jsonl");
    const dump = join(dir, "lifeboat.dump");
    await run("pg_dump", ["--format=custom", `--file=${dump}`, urlOf(before, OWNER)]);
    await worked(async (scenario) => {
      await scenario.approve();
      await scenario.until(({ status }) => status === "verified");
    }, plan);
    const later = await headsOf(before, "later.jsonl");
    await before.stop();

    await asSuperuser(after.url("postgres"), "create role lifeboat_app");
    await asSuperuser(after.url("postgres"), `grant lifeboat_app to ${OWNER} with admin option`);
    await run("pg_restore", ["--exit-on-error", "--no-owner", `--dbname=${urlOf(after, OWNER)}`, dump]);
    expect(await lifeboat(after, "migrate")).toMatchObject({ code: 0 });
    expect(await elsewhere(after, "verify", "--against", kept)).toMatchObject({ code: 0 });
    // Heads of after the backup tell what it lacks, and so does the bot's own host.
    const isShorter = { code: 1, says: expect.stringMatching(/^inc-1 \d+: /) };
    expect(await elsewhere(after, "verify", "--against", later)).toMatchObject(isShorter);
    expect(await lifeboat(after, "verify")).toMatchObject(isShorter);

    const again = await openOn(after);
    try {
      expect(again.timeline.doubt()).toMatchObject({ code: "store-went-back" });
      const change = again.timeline.decide("inc-2", () => ({ events: [event("declared")], value: null }));
      await expect(change).rejects.toMatchObject({ problem: { code: "store-went-back" } });
      const missing = await lifeboat(after, "accept-store");
      expect(missing).toMatchObject({ code: 1, says: expect.stringMatching(/inc-1 ends at event \d+, and event \d+/) });
      expect(await lifeboat(after, "accept-store", "--reason", "Restored from the dump")).toMatchObject({
        code: 0,
        says: expect.stringContaining("Paused: run-1"),
      });
      await until(() => again.timeline.doubt() === null, 20);
      const goesOn = engineOn(again);
      goesOn.start();
      const resumed = new EngineScenario(again);
      resumed.plans.set(hashOf(plan), plan);
      const run1 = await resumed.until(({ stuck }) => stuck !== null);
      expect(run1.stuck).toMatchObject({ code: "store-went-back" });
      expect(ledger(dir)).toEqual(["put done after the backup"]);
      await again.timeline.decide("inc-2", () => ({ events: [event("declared")], value: null }));
      await goesOn.stop();
    } finally {
      await again.close();
    }
    expect(await lifeboat(after, "verify")).toMatchObject({ code: 0, says: expect.stringContaining("whole") });
    expect(await complaints(urlOf(after, OWNER))).toEqual([]);
  }, 180_000);
});
