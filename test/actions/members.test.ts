import { createSocket, type Socket } from "node:dgram";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ReadContext } from "../../src/actions/contract.ts";
import { memberKinds } from "../../src/actions/members.ts";
import { rolesCheck, rolesLook } from "../../src/actions/roles-check.ts";
import { TARGET_KINDS } from "../../src/catalog/targets.ts";
import { createLog } from "../../src/lib/log.ts";
import { type DatabaseFixture, type NodeInput, openDatabaseFixture } from "../support/database-fixture.ts";
import { holdPermissions } from "../support/hold-permissions.ts";

holdPermissions([]);

let databases: DatabaseFixture;
beforeAll(async () => {
  databases = await openDatabaseFixture();
}, 60_000);
afterAll(() => databases.environment.stop(), 30_000);

const secrets = (): Record<string, string> => databases.environment.environment();
const ctx = (): ReadContext => ({
  signal: AbortSignal.timeout(20_000),
  log: createLog("silent"),
  secret: (name) => {
    const value = secrets()[name];
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
  },
  practice: true,
  kind: "real",
  evidenceOf: () => null,
});

interface Looked {
  readonly target: string;
  readonly title: string;
  readonly kind: string;
  readonly members: { id: string; site: string; input: unknown }[];
}

function database(b: NodeInput = databases.b): Looked {
  const members = [
    { id: "orders-a", site: "practice-a", input: databases.a },
    { id: "orders-b", site: "practice-b", input: b },
  ];
  return { target: "database", title: "Orders database", kind: "postgres", members };
}

async function check(active: string, basis: "seen" | "said" = "seen", target = database()) {
  const input = { targets: [{ ...target, active, basis }] };
  const seen = await rolesCheck.observe(ctx(), input);
  const [found] = rolesCheck.ready(seen, input, { evidenceOf: () => null });
  return { ok: found?.ok, says: found?.says, active: rolesCheck.facts(seen, input)[0]?.value };
}

async function look(target = database()) {
  const seen = await rolesLook.observe(ctx(), { target });
  return Object.fromEntries(rolesLook.facts(seen, { target }).map(({ id, value }) => [id, value]));
}

test("every kind with roles has a look, and no look is of a kind no one can write", () => {
  const withRoles = Object.entries(TARGET_KINDS).filter(([, { roles }]) => roles);
  expect([...memberKinds.keys()].sort()).toEqual(withRoles.map(([kind]) => kind).sort());
});

describe("who is active, by the servers themselves", () => {
  test("a pair that is well", async () => {
    expect(await check("orders-a")).toMatchObject({ ok: true, active: "orders-a" });
    expect(await look()).toEqual({ active: "orders-a", activeAnswers: true, hasStandby: true });
  });

  test("the active one says how many follow it", async () => {
    const active = await memberKinds.get("postgres")?.look(ctx(), databases.a);
    expect(active).toMatchObject({ state: "active", followers: 1 });
    // The same server by another name is the same; the other member of its cluster is not.
    const renamed = await memberKinds
      .get("postgres")
      ?.look(ctx(), { ...databases.a, name: "drill-a", host: "localhost" });
    const other = await memberKinds.get("postgres")?.look(ctx(), databases.b);
    expect([renamed?.process, other?.cluster]).toEqual([active?.process, active?.cluster]);
    expect(other?.process).not.toBe(active?.process);
  });

  test("a plan for the other side is stopped, with what is so now", async () => {
    expect(await check("orders-b")).toEqual({
      ok: false,
      active: "orders-a",
      says: "Orders database: the plan was made for orders-b being active. Now: orders-a takes writes.",
    });
  });

  test("a server whose login we get wrong is never taken for lost", async () => {
    const wrong = database({ ...databases.b, passwordFrom: "ORDERS_APP_PASSWORD" });
    expect(await check("orders-a", "seen", wrong)).toMatchObject({ ok: false, active: null });
    const unset = database({ ...databases.b, passwordFrom: "NOT_SET" });
    expect(await look(unset)).toEqual({ active: null, activeAnswers: null, hasStandby: null });
  });

  test("with the primary killed it is inferred; what said otherwise does not hold", async () => {
    await databases.host(databases.a).kill();
    expect(await look()).toEqual({ active: "orders-a", activeAnswers: false, hasStandby: true });
    expect(await check("orders-a")).toMatchObject({ ok: true, active: "orders-a" });
    await databases.host(databases.b).kill();
    expect(await check("orders-a")).toMatchObject({ ok: false, active: null });
    expect(await check("orders-a", "said")).toMatchObject({ ok: true, active: "orders-a" });
  });
});

describe("where a name leads, by its own name server", () => {
  let server: Socket;
  let address = "192.0.2.1";
  let port = 0;
  beforeAll(async () => {
    server = createSocket("udp4");
    server.on("message", (query, from) => server.send(answerTo(query, address), from.port, from.address));
    await new Promise<void>((bound) => server.bind(0, "127.0.0.1", bound));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise<void>((closed) => server.close(() => closed())));

  const name = () => {
    const input = (value: string, at = port) => ({
      name: "shop.example",
      values: [value],
      nameServers: [{ host: "127.0.0.1", port: at }],
    });
    const members = (at?: number) => [
      { id: "east", site: "east", input: input("192.0.2.1", at) },
      { id: "west", site: "west", input: input("192.0.2.2", at) },
    ];
    return (at?: number) => ({ target: "front", title: "Public name", kind: "dns", members: members(at) });
  };

  test("to the side whose address it answers", async () => {
    expect(await look(name()())).toMatchObject({ active: "east", activeAnswers: true });
    address = "192.0.2.2";
    expect(await look(name()())).toMatchObject({ active: "west" });
  });

  test("nowhere that anyone knows: to none", async () => {
    address = "192.0.2.9";
    expect(await look(name()())).toMatchObject({ active: null });
  });

  test("a name server that says nothing is no word about the sites", async () => {
    expect(await look(name()(9))).toMatchObject({ active: null, activeAnswers: null });
  });
});

describe("which bucket an application uses, by its setting", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-setting-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const media = (path: string) => {
    const setting = { in: { kind: "file", path }, keys: { bucket: "MEDIA_BUCKET", endpoint: "MEDIA_ENDPOINT" } };
    const input = (bucket: string) => ({ setting, bucket: { bucket, endpoint: "http://127.0.0.1:9" } });
    const members = [
      { id: "minio", site: "home", input: input("media") },
      { id: "copy", site: "away", input: input("media-copy") },
    ];
    return { target: "media", title: "Media", kind: "s3-setting", members };
  };

  test("the one it names, whether that one answers or not; none, where it names another or can't be read", async () => {
    const file = join(folder, "media.env");
    const named = (bucket: string) => writeFile(file, `MEDIA_BUCKET=${bucket}\nMEDIA_ENDPOINT=http://127.0.0.1:9\n`);
    await named("media");
    expect(await look(media(file))).toMatchObject({ active: "minio", activeAnswers: true, hasStandby: true });
    await named("media-copy");
    expect(await look(media(file))).toMatchObject({ active: "copy" });
    await named("media-of-somebody");
    expect(await look(media(file))).toMatchObject({ active: null });
    expect(await look(media(join(folder, "none.env")))).toMatchObject({ active: null, activeAnswers: null });
  });
});

/** One A record with a TTL of a minute (RFC 1035, section 4). */
function answerTo(query: Buffer, address: string): Buffer {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const head = Buffer.from([0, 0, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
  query.copy(head, 0, 0, 2);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split(".").map(Number)]);
  return Buffer.concat([head, question, record]);
}
