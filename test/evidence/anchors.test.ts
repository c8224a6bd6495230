import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type AnchorParts, createAnchorWorker } from "../../src/evidence/anchors.ts";
import { ANCHORS } from "../../src/incident/anchors.ts";
import type { DataOf } from "../../src/incident/events.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { signedHeads } from "../../src/timeline/checkpoints.ts";
import type { Store } from "../../src/timeline/index.ts";
import { quiet, storeOn, type TestServer, testServer, until } from "../support/postgres.ts";
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
