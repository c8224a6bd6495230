import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { adoptServer } from "../../src/embedded-postgres/server.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { openStore, type Store } from "../../src/timeline/index.ts";
import { built } from "../support/built.ts";
import { event, quiet, tempFolder, until } from "../support/postgres.ts";

describe("a store in a data folder", () => {
  let folder: string;
  let data: string;
  beforeEach(async () => {
    folder = await tempFolder();
    data = join(folder, "data");
  });
  afterEach(async () => {
    await (await adoptServer(join(data, "postgres")))?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const open = () => openStore({ dataFolder: data, log: quiet });
  const server = () => adoptServer(join(data, "postgres"));
  const note = (store: Store) =>
    store.timeline.decide("inc-1", (events) => ({ events: [event("noted")], value: events.length }));

  test("is one, however many open it at once; the last one out stops the server", async () => {
    const [first, second] = await Promise.all([open(), open()]);
    expect(first.url).toBe(second.url);
    expect(first.replica).not.toBe(second.replica);
    await note(first);
    expect(await note(second)).toMatchObject({ value: 1 });
    await first.close();
    expect(await note(second)).toMatchObject({ value: 2 });
    await second.close();
    expect(await server()).toBeNull();

    const again = await open();
    expect(again.url).toBe(first.url);
    expect(await again.timeline.verify()).toMatchObject({ ok: true, events: 3 });
    await again.close();
  });

  test("outlives a process that is killed, and is joined by the next", async () => {
    const victim = spawn(process.execPath, [await built("test/timeline/holder.ts"), data], {
      cwd: projectRoot(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(createInterface({ input: victim.stdout }), "line");
    const before = await server();
    victim.kill("SIGKILL");
    await once(victim, "exit");
    const store = await open();
    expect((await server())?.pid).toBe(before?.pid);
    await note(store);
    await store.close();
    expect(await server()).toBeNull();
  });

  test("is started again when its server dies under those who work with it", async () => {
    const [first, second] = await Promise.all([open(), open()]);
    await note(first);
    await (await server())?.kill();
    expect(await note(first)).toMatchObject({ kind: "written", value: 1 });
    expect(await note(second)).toMatchObject({ kind: "written", value: 2 });
    expect((await server())?.url()).toBe(first.url.replace(/lifeboat$/, "postgres"));
    await Promise.all([first.close(), second.close()]);
    await until(async () => (await server()) === null);
  });

  test("is never replaced by an empty one when its files are damaged", async () => {
    const store = await open();
    await store.close();
    await rm(join(data, "postgres", "PG_VERSION"));
    await expect(open()).rejects.toMatchObject({ problem: { code: "store-damaged" } });
    await expect(access(join(data, "postgres", "postgresql.conf"))).resolves.toBeUndefined();
  });
});
