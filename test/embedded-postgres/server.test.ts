import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { postgresBinaries } from "../../src/embedded-postgres/binaries.ts";
import { initCluster } from "../../src/embedded-postgres/cluster.ts";
import { adoptServer, startServer } from "../../src/embedded-postgres/server.ts";
import { freePort } from "../../src/lib/port.ts";
import { asSuperuser, tempFolder, until } from "../support/postgres.ts";

describe("a PostgreSQL server from npm", () => {
  let folder: string;
  let dir: string;
  let port: number;
  beforeAll(async () => {
    folder = await tempFolder();
    dir = join(folder, "pg");
    port = await freePort();
    await initCluster(dir, { user: "sailor", password: "it's a pass/word", sync: false });
  });
  afterAll(async () => {
    await (await adoptServer(dir))?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (at = port) => startServer({ dir, port: at, settings: { cluster_name: "it's ours", work_mem: "5MB" } });
  const show = async (url: string, name: string) =>
    (await asSuperuser<Record<string, string>>(url, `show ${name}`))[0]?.[name];

  test("never runs as root", async () => {
    const { uid } = await postgresBinaries();
    expect(uid).not.toBe(0);
    expect(uid === undefined).toBe(process.getuid?.() !== 0);
  });

  test("starts with its settings, writes through to disk, and listens on loopback only", async () => {
    const server = await start();
    expect(server.url()).toContain(`@127.0.0.1:${port}/postgres`);
    expect(await show(server.url(), "cluster_name")).toBe("it's ours");
    expect(await show(server.url(), "fsync")).toBe("on");
    expect(await show(server.url(), "listen_addresses")).toBe("127.0.0.1");
    expect(await show(server.url(), "unix_socket_directories")).toBe("");
    await server.stop("fast");
    await server.stop("fast");
    await server.exited;
    expect(await adoptServer(dir)).toBeNull();
  });

  test("is found by a process that did not start it, and stopped by it", async () => {
    const server = await start();
    const adopted = await adoptServer(dir);
    expect(adopted).toMatchObject({ port: server.port, pid: server.pid, dir: server.dir });
    await adopted?.stop("immediate");
    await server.exited;
  });

  test("is found once it has a connection left: those of a process that was killed may be taken for a moment", async () => {
    const settings = { max_connections: 4, superuser_reserved_connections: 0, max_wal_senders: 0 };
    const server = await startServer({ dir, port, settings });
    const taken = Array.from({ length: 4 }, () => new pg.Client({ connectionString: server.url() }));
    for (const client of taken) await client.connect();
    const adopting = adoptServer(dir);
    await until(async () => (await readFile(join(dir, "server.log"), "utf8")).includes("too many clients"), 30);
    await Promise.all(taken.map((client) => client.end()));
    expect(await adopting).toMatchObject({ port: server.port, pid: server.pid });
    await server.stop();
  });

  test("keeps what was committed when its power is cut", async () => {
    const server = await start();
    await asSuperuser(server.url(), "create table kept (n int); insert into kept values (7)");
    await server.kill();
    const again = await start();
    expect(await asSuperuser(again.url(), "select n from kept")).toEqual([{ n: 7 }]);
    await again.stop();
  });

  test("says why it could not start", async () => {
    const server = await start();
    await expect(start(await freePort())).rejects.toMatchObject({
      problem: { code: "server-start", what: expect.stringContaining("postmaster.pid") },
    });
    await server.stop();
    await expect(adoptServer(join(folder, "nowhere"))).resolves.toBeNull();
  });
});
