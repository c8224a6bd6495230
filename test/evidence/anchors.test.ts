import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createS3 } from "../../practice/targets/s3/index.ts";
import { lockerOf } from "../../src/aws-places.ts";
import { type AnchorParts, createAnchorWorker, type LockedBucket, lockedBucketIn } from "../../src/evidence/anchors.ts";
import { ANCHORS } from "../../src/incident/anchors.ts";
import type { DataOf } from "../../src/incident/events.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { signedHeads } from "../../src/timeline/checkpoints.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createHeadSigner } from "../../src/timeline/sign-heads.ts";
import { asSuperuser, quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
import { testKeyring } from "../support/record-keys.ts";
import { eventsOf, storeWith } from "../support/recorded-store.ts";
import * as stories from "../support/report-stories.ts";
import { exportedFrom } from "./exported.ts";

/** Checkpoints of a real store, stamped by OpenSSL's timestamp authority, and looked at by who knows nothing of how they were made. */

let server: TestServer;
let url: string;
let store: Store;
let folder: string;
let authority: Server;
let asked = 0;
let refuses = true;
const sent: string[] = [];
const [publicKey = ""] = testKeyring.publicKeys.values();

beforeAll(async () => {
  server = await testServer();
  url = await server.database();
  folder = mkdtempSync(join(tmpdir(), "lifeboat-anchors-"));
  const story = stories.drill();
  await storeWith(url, { "inc-drill000": eventsOf(story, -3653) }, story.plans);
  store = await storeOn(url, { signsAfter: ["incident.resolved"] });
  makeAuthority();
  authority = createServer((request, response) => {
    asked += 1;
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (refuses) return response.writeHead(503).end();
      response.writeHead(200, { "content-type": "application/timestamp-reply" }).end(stamped(Buffer.concat(parts)));
    });
  });
  await new Promise<void>((done) => authority.listen(0, "127.0.0.1", done));
}, 60_000);

afterAll(async () => {
  authority.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
  await server.close();
});

const inFolder = (...args: string[]) =>
  execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });

function makeAuthority(): void {
  writeFileSync(
    join(folder, "tsa.cnf"),
    "[req]\ndistinguished_name=dn\n[dn]\n[v3]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n" +
      "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\nsigner_digest=sha256\n" +
      "default_policy=1.2.3.4.1\ndigests=sha256\ncerts=ca.pem\ness_cert_id_alg=sha256\n",
  );
  writeFileSync(join(folder, "serial"), "01\n");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  inFolder("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "3650");
  inFolder(
    "req",
    "-new",
    ...key,
    "-keyout",
    "tsa.key",
    "-out",
    "tsa.csr",
    "-subj",
    "/CN=Test TSA",
    "-config",
    "tsa.cnf",
  );
  inFolder(
    ...["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem"],
    ...["-days", "3650", "-extfile", "tsa.cnf", "-extensions", "v3"],
  );
}

function stamped(query: Buffer): Buffer {
  writeFileSync(join(folder, "query.tsq"), query);
  return inFolder("ts", "-reply", "-queryfile", "query.tsq", "-config", "tsa.cnf");
}

function worker() {
  const { port } = authority.address() as AddressInfo;
  const parts: AnchorParts = {
    settings: { channel: "audit", mail: ["auditor@example.com"], authority: `http://127.0.0.1:${port}/` },
    timeline: store.timeline,
    keyring: store.keyring,
    heads: () => signedHeads(store.pool, store.keyring),
    posted: async () => [{ key: "checkpoint:1", place: "C0AUDIT", reference: "1700000000.000100" }],
    send: async (_version, key) => void sent.push(key),
    log: quiet,
  };
  return createAnchorWorker(parts);
}

const anchored = () => store.timeline.read(ANCHORS);
const checkpoints = async () =>
  (await anchored()).flatMap(({ type, data }) =>
    type === "checkpoint.made" ? [data as DataOf<"checkpoint.made">] : [],
  );

test("a checkpoint is made once, however many processes do so, and placed where each place takes it", async () => {
  await Promise.all([worker().round(), worker().round()]);
  const made = await checkpoints();
  expect(made).toHaveLength(1);
  const sha256 = made[0]?.sha256 ?? "";
  expect(JSON.parse(made[0]?.statement ?? "")).toMatchObject({
    checkpoint: 1,
    previous: null,
    heads: [{ stream: "inc-drill000" }],
  });
  expect(new Set(sent)).toEqual(new Set([`checkpoint-1/${sha256}`]));
  const placed = (await anchored()).filter(({ type }) => type === "anchor.placed").map(({ data }) => data);
  expect(placed).toEqual([
    { checkpoint: 1, sha256, place: "slack", receipt: { at: "C0AUDIT", reference: "1700000000.000100" } },
  ]);
  expect(asked).toBeGreaterThan(0);
});

test("what is on its way is looked at again long before the next round", async () => {
  const own = await server.database();
  const story = stories.drill();
  await storeWith(own, { "inc-drill000": eventsOf(story, -3653) }, story.plans);
  const { timeline, keyring, pool, close } = await storeOn(own, { signsAfter: ["incident.resolved"] });
  let looks = 0;
  const anchors = createAnchorWorker({
    settings: { channel: "audit", mail: [], authority: null },
    ...{ timeline, keyring, heads: () => signedHeads(pool, keyring), send: async () => {}, log: quiet },
    posted: async () => {
      looks += 1;
      return looks < 3 ? [] : [{ key: "checkpoint:1", place: "C0AUDIT", reference: "1700000000.000100" }];
    },
    everyMs: 3_600_000,
  });
  anchors.start();
  await until(async () => (await timeline.read(ANCHORS)).some(({ type }) => type === "anchor.placed"), 60);
  await anchors.stop();
  await close();
  expect(looks).toBe(3);
}, 90_000);

test("an authority that didn't answer is asked again, and its timestamp is checked by who trusts it", async () => {
  refuses = false;
  await worker().round();
  const before = asked;
  await worker().round();
  expect(asked).toBe(before);
  const out = join(folder, "pack");
  await exported(out);
  const { says, status } = verified(out, "--tsa-ca", join(folder, "ca.pem"));
  expect(says).toMatch(/Timestamp of checkpoint 1 .*by CN=Test TSA; an authority you trust/);
  expect(says).toContain("Checkpoints: 1, placed outside: slack: 1, rfc3161: 1");
  expect(status).toBe(0);
  const [made] = await checkpoints();
  expect(verified(out, "--checkpoint", made?.sha256 ?? "").says).toContain("is the one you were given");
  expect(verified(out, "--checkpoint", "0".repeat(64))).toMatchObject({ status: 1 });
  // Another authority's certificate: what it says counts for nothing.
  inFolder("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "x.key", "-out", "x.pem", "-subj", "/CN=Other");
  expect(verified(out, "--tsa-ca", join(folder, "x.pem")).says).toContain(
    "timestamp-authority: timestamp of checkpoint 1",
  );
});

test("nothing new is no checkpoint; an incident that ended is one, and it names the one before", async () => {
  await worker().round();
  expect(await checkpoints()).toHaveLength(1);
  const running = worker();
  running.start();
  try {
    const declared = {
      title: "x",
      system: "orders",
      severity: "P1",
      kind: "real",
      impactStartedAt: null,
      announceIn: null,
    };
    const actor = { kind: "bot" };
    await store.timeline.decide("inc-new00000", () => ({
      events: [
        { type: "incident.declared", data: declared, actor, key: "1" },
        { type: "incident.resolved", data: { summary: null }, actor, key: "2" },
      ],
      value: null,
    }));
    await until(async () => {
      await running.round();
      return (await checkpoints()).length === 2;
    }, 20);
  } finally {
    await running.stop();
  }
  const [first, second] = await checkpoints();
  expect(JSON.parse(second?.statement ?? "")).toMatchObject({ previous: first?.sha256, checkpoint: 2 });
});

test("a checkpoint under a retention lock is placed once the bucket shows it, and its heads find what was cut", async () => {
  const s3 = await createS3();
  const text = `s3://audit-log/lifeboat?region=eu-central-1&endpoint=${s3.url}`;
  const lock = lockedBucketIn(text) as LockedBucket;
  const { objects } = s3.store.add("audit-log", "eu-central-1");
  const parts: AnchorParts = {
    settings: { channel: null, mail: [], authority: null, lock },
    lock: lockerOf(lock, { practice: true, log: quiet }),
    ...{ timeline: store.timeline, keyring: store.keyring, heads: () => signedHeads(store.pool, store.keyring) },
    ...{ posted: async () => [], send: async () => {}, log: quiet },
  };
  const round = () => createAnchorWorker(parts).round();
  const placed = async () =>
    (await anchored()).flatMap(({ type, data }) => {
      const one = data as DataOf<"anchor.placed">;
      return type === "anchor.placed" && one.place === "s3" ? [one] : [];
    });
  try {
    // A bucket that locks nothing takes nothing, and is tried again.
    await round();
    expect(await placed()).toEqual([]);
    Object.assign(s3.store.buckets.get("audit-log") ?? {}, { objectLock: true });
    await Promise.all([round(), round()]);
    const made = await checkpoints();
    const keys = made.map((one) => `lifeboat/checkpoint-${one.checkpoint}-${one.sha256}.json`);
    expect([...objects.keys()].sort()).toEqual(keys.toSorted());
    expect((await placed()).map(({ receipt }) => receipt)).toEqual(
      keys.map((key) => ({ at: `s3://audit-log/${key}`, reference: objects.get(key)?.version })),
    );
    const kept = join(folder, "objects.jsonl");
    writeFileSync(kept, [...objects.values()].map(({ body }) => body.toString()).join(""));
    const out = join(folder, "locked-pack");
    await exported(out);
    expect(verified(out, "--heads", kept)).toMatchObject({ status: 0 });
    writeFileSync(
      kept,
      [...objects.values()].map(({ body }) => body.toString().replace('"text":"{', '"text":"{ ')).join(""),
    );
    expect(verified(out, "--heads", kept).says).toContain("statement-changed: the heads kept outside");
    // The store's last events go, and its own signed heads with them: what was locked away still names them.
    writeFileSync(kept, [...objects.values()].map(({ body }) => body.toString()).join(""));
    const { default: pg } = await import("pg");
    const owner = new pg.Client({ connectionString: url });
    await owner.connect();
    await owner
      .query(
        `set session_replication_role = replica;
         delete from lifeboat.signed_statement where stream = 'inc-drill000';
         delete from lifeboat.event where stream = 'inc-drill000' and version > 5;
         update lifeboat.stream set version = 5, head_hash = (select hash from lifeboat.event where stream = 'inc-drill000' and version = 5)
          where id = 'inc-drill000'`,
      )
      .finally(() => owner.end());
    const cut = join(folder, "cut-pack");
    await exported(cut);
    expect(verified(cut, "--heads", kept).says).toMatch(
      /tail-cut: timelines\/inc-drill000.jsonl: .*and checkpoint \d of .* \(the heads kept outside\) names event/,
    );
  } finally {
    await s3.close();
  }
});

test("a head is signed by the store's clock, in the transaction that keeps it", async () => {
  // Whatever a process takes the time for: an export waits for transactions, and not for processes.
  await asSuperuser(
    url,
    `create or replace function lifeboat.clock() returns timestamptz language sql volatile parallel safe
       as 'select pg_catalog.clock_timestamp() + interval ''3600 seconds'''`,
  );
  const head = { version: 99, hash: "a".repeat(64) };
  const signer = createHeadSigner({
    ...{ pool: store.pool, keyring: testKeyring, log: quiet },
    verifiedHead: async (stream) => (stream === "inc-new00000" ? head : null),
  });
  const before = Date.now();
  signer.added("inc-new00000", true);
  await signer.close();
  const { rows } = await store.pool.query<{ statement: string }>(
    "select statement from lifeboat.signed_statement where stream = 'inc-new00000' and version = 99",
  );
  const ahead = (Date.parse(JSON.parse(rows[0]?.statement ?? "{}").at) - before) / 1000;
  expect(ahead).toBeGreaterThanOrEqual(3_599);
  expect(ahead).toBeLessThan(3_660);
});

function exported(out: string) {
  return exportedFrom(url, { from: new Date("2016-01-01T00:00:00Z"), to: null, system: null, out });
}

function verified(where: string, ...more: string[]) {
  const program = join(projectRoot(), "verifier", "lifeboat-verify.mjs");
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, where, "--key", publicKey, ...more], {
    encoding: "utf8",
  });
  return { says: `${stdout}${stderr}`, status };
}
