import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { asOwner } from "../../src/timeline/database.ts";
import { migrate } from "../../src/timeline/migrate.ts";
import { dumpSchema } from "../../src/timeline/schema.ts";
import { asSuperuser, event, quiet, storeOn, type TestServer, testServer } from "../support/postgres.ts";
import { testKeyring } from "../support/record-keys.ts";

const page = join(projectRoot(), "src", "timeline", "schema.sql");

describe("the schema", () => {
  let on: TestServer;
  beforeAll(async () => {
    on = await testServer();
  });
  afterAll(() => on.close());

  test("as committed is what the migrations make", async () => {
    const url = await on.database();
    await migrate(url, url, quiet, testKeyring);
    const made = await asOwner(url, "dump", dumpSchema);
    if (process.env.UPDATE_PAGES) await writeFile(page, made);
    expect(made).toBe(await readFile(page, "utf8"));
  });

  test("is made once by many that start together", async () => {
    const url = await on.database();
    await Promise.all(Array.from({ length: 5 }, () => migrate(url, url, quiet, testKeyring)));
    const applied = await asSuperuser<{ name: string }>(url, "select name from lifeboat.migration order by name");
    expect(applied.map((row) => row.name)).toContain("0001-timeline.sql");
    expect(new Set(applied.map((row) => row.name)).size).toBe(applied.length);
  });

  test("refuses a migration that was edited after it was applied, and leaves newer ones alone", async () => {
    const url = await on.database();
    await migrate(url, url, quiet, testKeyring);
    await asSuperuser(url, "insert into lifeboat.migration values ('9999-from-the-future.sql', 'x')");
    await migrate(url, url, quiet, testKeyring);
    await asSuperuser(url, "update lifeboat.migration set checksum = 'other' where name = '0001-timeline.sql'");
    await expect(migrate(url, url, quiet, testKeyring)).rejects.toThrow("changed after it was applied");
  });

  test("gives what was declared before numbers its number, in that order and once", async () => {
    const url = await on.database();
    const store = await storeOn(url);
    for (const [n, stream] of ["inc-z", "inc-a", "workspace", "inc-m"].entries()) {
      const type = stream === "workspace" ? "command.refused" : "incident.declared";
      await store.timeline.decide(stream, () => ({ events: [event(type, { key: `k${n}` })], value: null }));
    }
    await store.close();
    await asSuperuser(url, "drop table lifeboat.stream_number");
    await asSuperuser(url, "delete from lifeboat.migration where name = '0120-number.sql'");
    await migrate(url, url, quiet, testKeyring);
    const numbers = "select stream, number from lifeboat.stream_number order by number";
    const given = [
      { stream: "inc-z", number: 1 },
      { stream: "inc-a", number: 2 },
      { stream: "inc-m", number: 3 },
    ];
    expect(await asSuperuser(url, numbers)).toEqual(given);
    await migrate(url, url, quiet, testKeyring);
    expect(await asSuperuser(url, numbers)).toEqual(given);
  });

  test("lets an ordinary user work as the application once the owner migrated", async () => {
    const url = await on.database();
    const database = new URL(url).pathname.slice(1);
    await asSuperuser(url, "create user bot password 'bot'");
    const botUrl = on.server.url("bot", database, "bot");
    await expect(storeOn(botUrl)).rejects.toMatchObject({ problem: { code: "store-migrate" } });
    const store = await storeOn(botUrl, { ownerUrl: url });
    const [who] = (await store.pool.query("select current_user as role, session_user as login")).rows;
    expect(who).toEqual({ role: "lifeboat_app", login: "bot" });
    await store.close();
  });

  test("refuses to work with a connection that could change the timeline", async () => {
    const url = await on.database();
    const asked = storeOn(url, { production: true });
    await expect(asked).rejects.toMatchObject({
      problem: { code: "store-role", what: expect.stringMatching("owner could") },
    });
    const powers = ["createrole", "in role owner", "in role pg_write_all_data"];
    for (const [i, power] of powers.entries()) {
      const login = `strong_${i}`;
      await asSuperuser(url, `create role ${login} login password 'x' noinherit ${power}`);
      const given = on.server.url(login, new URL(url).pathname.slice(1), "x");
      await expect(storeOn(given, { ownerUrl: url, production: true })).rejects.toMatchObject({
        problem: { code: "store-role" },
      });
    }
  });

  test("makes a login of its own in practice, which can't become the owner", async () => {
    const url = await on.database();
    const store = await storeOn(url);
    await expect(store.pool.query("set role owner")).rejects.toThrow(/permission denied/);
    const free = await store.pool.connect();
    await free.query("set role none");
    const change = "update lifeboat.event set type = 'x'";
    await expect(free.query(change)).rejects.toThrow(/permission denied/);
    free.release(true);
    await store.close();
  });
});
