import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createS3, type S3 } from "../../../practice/targets/s3/index.ts";
import type { ApplyContext } from "../../../src/actions/contract.ts";
import { BYTES_AT_ONCE, bytesHeld, partBytesOf, patienceFor, roomFor } from "../../../src/actions/s3/copy.ts";
import { type ActionHarness, actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { soon } from "../../support/database-fixture.ts";
import { holdTheWire, testAllSeen } from "../../support/held.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import { NAMESPACE, openKubernetesFixture } from "../../support/kubernetes-fixture.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { type AwsFixture, begin, destination, parity, source, suite } from "./failure-cases.ts";

holdPermissions(["s3.check_replication", "s3.switch_active", "s3.sync"]);

const MEBIBYTE = 1024 * 1024;

const wire = holdTheWire();
await runFailureSuite(suite);

describe("s3.sync", () => {
  let fixture: AwsFixture;
  let harness: ActionHarness;
  beforeEach(async () => {
    fixture = await begin();
    harness = actionHarness({});
  });
  afterEach(() => fixture.close());

  test("parts, metadata and what is more there; a second run copies nothing", async () => {
    fixture.s3.put("media-west", "own.txt", "only here");
    const etag = '"0123456789abcdef0123456789abcdef-2"';
    fixture.s3.put("media-east", "video/a.mp4", Buffer.alloc(17 * 1024 * 1024, 7), { etag });
    const first = await harness.perform("sync", "s3.sync", { source, destination });
    expect(first.evidence.says).toBe(
      "media-west (us-west-2) has all 4 objects of media-east (us-east-1); 4 were missing before, and it has 1 more of its own.",
    );
    expect(fixture.s3.buckets.get("media-west")?.objects.get("img/2.png")?.headers).toMatchObject({
      "content-type": "image/png",
      "x-amz-meta-by": "me",
    });
    expect(fixture.ledger.of("UploadPart", "accepted")).toHaveLength(2);
    fixture.ledger.clear();
    expect((await harness.perform("again", "s3.sync", { source, destination })).applied).toBe(false);
    expect(fixture.ledger.of("PutObject")).toHaveLength(0);
    expect(fixture.ledger.of("CreateMultipartUpload")).toHaveLength(0);
  });

  test.each([
    [
      "one large object that was put in one request, in buckets without checksums",
      (): object => {
        for (const one of fixture.s3.buckets.values()) one.noChecksums = true;
        return {};
      },
    ],
    [
      "… with the checksum today's SDKs send, to a bucket that keeps another kind",
      (): object => ({ checksums: { crc32: "AAAAAA==" } }),
    ],
  ])("%s is there after it was copied in parts", async (_what, more) => {
    const big = Buffer.alloc(17 * 1024 * 1024, 7);
    fixture.s3.put("media-east", "video/a.mp4", big, { ...more(), at: new Date(Date.now() - 60_000) });
    await harness.perform("sync", "s3.sync", { source, destination });
    expect(fixture.s3.buckets.get("media-west")?.objects.get("video/a.mp4")?.etag).toMatch(/-2"$/);
    expect(parity(fixture)).toBe(true);
    expect((await harness.perform("again", "s3.sync", { source, destination })).applied).toBe(false);
    fixture.s3.put("media-east", "video/a.mp4", Buffer.alloc(big.length, 8), { at: new Date(Date.now() + 60_000) });
    expect((await harness.perform("changed", "s3.sync", { source, destination })).applied).toBe(true);
    expect(parity(fixture)).toBe(true);
  });

  test("what was begun in parts and fails leaves no parts behind, no matter who stops it", async () => {
    const uploads = () => fixture.s3.buckets.get("media-west")?.uploads.size;
    fixture.s3.put("media-east", "video/a.mp4", Buffer.alloc(17 * 1024 * 1024, 7));
    fixture.faults.next("UploadPart", "fail");
    await expect(harness.perform("fails", "s3.sync", { source, destination })).rejects.toThrow();
    expect([fixture.ledger.of("AbortMultipartUpload", "accepted").length, uploads()]).toEqual([1, 0]);
    fixture.faults.next("UploadPart", "hang");
    const leaving = new AbortController();
    const stopped = actionHarness({}, { signal: leaving.signal }).perform("stopped", "s3.sync", {
      source,
      destination,
    });
    const ended = expect(stopped).rejects.toThrow();
    await soon("a part under way", async () => fixture.ledger.of("UploadPart", "dropped").length === 1);
    leaving.abort();
    await ended;
    await soon("the clean-up", async () => fixture.ledger.of("AbortMultipartUpload", "accepted").length === 2);
    expect(uploads()).toBe(0);
  });

  test("a bucket under a key of KMS, whose ETags say nothing of what they hold", async () => {
    const west = fixture.s3.buckets.get("media-west");
    if (west) west.kms = true;
    await harness.perform("sync", "s3.sync", { source, destination });
    expect(parity(fixture)).toBe(true);
    expect((await harness.perform("again", "s3.sync", { source, destination })).applied).toBe(false);
    fixture.s3.put("media-east", "img/1.png", "PICTURE 1", { at: new Date(Date.now() + 60_000) });
    expect((await harness.perform("changed", "s3.sync", { source, destination })).applied).toBe(true);
    expect(parity(fixture)).toBe(true);
  });

  test("any checksum both sides have shows that two are the same, in whatever order they name them", async () => {
    const sums = { crc64nvme: "AAAAAAAAAAA=", sha256: "c2FtZQ==" };
    const put = (bucket: string, etag: string, checksums: Record<string, string>) =>
      fixture.s3.put(bucket, "both", "same bytes", { etag: `"${etag}-2"`, checksums });
    put("media-east", "1".repeat(32), sums);
    put("media-west", "2".repeat(32), { sha256: sums.sha256 });
    for (const n of [1, 2, 3]) fixture.s3.buckets.get("media-east")?.objects.delete(`img/${n}.png`);
    expect((await harness.look("s3.sync", { source, destination })).facts.missing).toBe(0);
    put("media-west", "3".repeat(32), { sha256: "b3RoZXI=", crc64nvme: sums.crc64nvme });
    expect((await harness.look("s3.sync", { source, destination })).facts.missing).toBe(1);
  });

  test("a large object has the time a slow line takes for it, and only so many bytes are on their way at once", () => {
    // 100 Mbit/s, which sixteen share with 12 MiB each: 15 s.
    expect(patienceFor(12 * MEBIBYTE)).toBeGreaterThan(15_000);
    // 10 Mbit/s, which as much as may be on its way shares: 54 s.
    expect(patienceFor(16 * MEBIBYTE)).toBeGreaterThan((BYTES_AT_ONCE / 1_250_000) * 1000);
    expect(patienceFor(0)).toBe(10_000);
  });

  test("an object of any size that S3 holds is copied in no more parts than S3 takes", () => {
    const [gibibyte, tebibyte] = [1024 * MEBIBYTE, 1024 * 1024 * MEBIBYTE];
    expect(partBytesOf({ size: 100 * gibibyte })).toBe(16 * MEBIBYTE);
    for (const size of [157 * gibibyte, 5 * tebibyte]) {
      expect([size, Math.ceil(size / partBytesOf({ size })) <= 10_000]).toEqual([size, true]);
      expect(bytesHeld({ size })).toBe(partBytesOf({ size }));
    }
  });

  test("sixteen large ones at once never hold more bytes than they may", async () => {
    const room = roomFor(10);
    let inside = 0;
    let most = 0;
    const one = async (bytes: number) => {
      const leave = await room(bytes);
      inside += bytes;
      most = Math.max(most, inside);
      await new Promise((later) => setImmediate(later));
      inside -= bytes;
      leave();
    };
    await Promise.all([4, 4, 4, 10, 25, 1, 1, 1].map(one));
    // One that is larger than all of it goes alone.
    expect(most).toBe(25);
    most = 0;
    await Promise.all(Array.from({ length: 16 }, () => one(4)));
    expect(most).toBe(8);
  });

  test("a bucket in use: what was there when it was listed arrives, what is written meanwhile is counted", async () => {
    let n = 0;
    const writing = setInterval(() => fixture.s3.put("media-east", `new/${n++}`, "just now"), 1);
    const { evidence } = await harness.perform("sync", "s3.sync", { source, destination });
    clearInterval(writing);
    expect(n).toBeGreaterThan(3);
    expect(evidence.says).toMatch(/but not \d+ that were written or changed meanwhile/);
    expect(fixture.s3.buckets.get("media-west")?.objects.has("img/2.png")).toBe(true);
  });

  test("nothing to copy from a bucket in use: what is written after that was seen does not count against it", async () => {
    await harness.perform("sync", "s3.sync", { source, destination });
    const { seen, done } = await harness.look("s3.sync", { source, destination });
    expect(done).toBe("yes");
    fixture.s3.put("media-east", "new/late", "just now", { at: new Date(Date.now() + 2000) });
    const action = harness.action("s3.sync");
    const ctx = {
      ...harness.context,
      budget: action.budget,
      progress: () => {},
      launched: async () => {},
      attempt: 1,
    } as unknown as ApplyContext;
    const given = harness.input("s3.sync", { source, destination });
    const { says } = await action.verify(ctx, given, seen, null);
    expect(says).toMatch(/but not 1 that were written or changed meanwhile/);
  });

  test("killed for real in the middle: it goes on with what is missing", async () => {
    for (let n = 0; n < 60; n++) fixture.s3.put("media-east", `many/${n}`, `${n}`);
    const given = { source, destination, atOnce: 1 };
    const some = (async () => {
      while (fixture.ledger.of("PutObject", "accepted").length < 5) await new Promise((later) => setTimeout(later, 2));
    })();
    const died = await performAndDie("s3.sync", given, { when: some });
    const before = fixture.ledger.of("PutObject", "accepted").length;
    expect([died.applied, before < 60]).toEqual([false, true]);
    const { way, evidence } = await recoverFrom(harness, "s3.sync", given, died.before);
    expect([way, evidence?.says]).toEqual(["again", expect.stringContaining("has all 63 objects")]);
    expect(parity(fixture)).toBe(true);
    const puts = fixture.ledger.of("PutObject", "accepted").map((entry) => entry.given.Key);
    // At most the one in progress when it died is put twice.
    expect(puts.length - new Set(puts).size).toBeLessThanOrEqual(1);
  });

  test("a bucket of someone else's, one in another region, and one that is gone are said", async () => {
    const strange = await harness.look("s3.sync", {
      source,
      destination: { ...destination, account: "999988887777" },
    });
    expect(strange.checks.find((check) => !check.ok)?.says).toContain("not of account 999988887777");
    const moved = await harness.look("s3.sync", { source, destination: { ...destination, region: "eu-west-1" } });
    expect(moved.checks.find((check) => !check.ok)?.says).toContain("is not in eu-west-1");
    fixture.faults.down("us-east-1");
    const gone = await harness.look("s3.sync", { source, destination });
    expect([blockedBy(gone.checks), gone.done]).toEqual([["source.answers"], "unknown"]);
  });
});

describe("s3.check_replication", () => {
  let fixture: AwsFixture;
  beforeEach(async () => {
    fixture = await begin();
    const east = fixture.s3.buckets.get("media-east");
    east?.objects.clear();
    east?.rules.push({ id: "dr", destination: "media-west", prefix: "", seconds: 1, enabled: true });
  });
  afterEach(() => fixture.close());
  const given = (more: object = {}) => ({ source, destination, rpoSeconds: 3600, ...more });
  const put = (key: string, secondsAgo = 0) =>
    fixture.s3.put("media-east", key, key, { at: new Date(Date.now() - secondsAgo * 1000) });
  const settled = async () => {
    const all = [...(fixture.s3.buckets.get("media-east")?.objects.values() ?? [])];
    while (all.some((one) => one.replication === "PENDING")) await new Promise((later) => setTimeout(later, 5));
  };

  const copied = async () => {
    put("a");
    await settled();
  };
  const waiting = (seconds: number) => () => {
    fixture.s3.hold();
    put("a", seconds);
  };
  const metric = { metric: { ruleId: "dr", region: "us-west-2" } };
  const slow = () => fixture.state.metrics.set("AWS/S3 ReplicationLatency media-east,media-west,dr", 4000);
  const unruled = () => fixture.s3.buckets.get("media-east")?.rules.splice(0);
  test.each<[string, () => unknown, object, string[]]>([
    ["all copied", copied, {}, []],
    ["one on its way, within the RPO", waiting(60), {}, []],
    ["one on its way for too long", waiting(7200), {}, ["replication.withinRpo"]],
    ["objects that say nothing", () => [unruled(), put("a")], {}, ["replication.ruled", "replication.withinRpo"]],
    ["nothing there that could be lost", () => {}, {}, []],
    ["the source gone", () => fixture.faults.down("us-east-1"), {}, ["source.answers"]],
    ["the source gone, and that is known", () => fixture.faults.down("us-east-1"), { whenUnknown: "warn" }, []],
    ["the destination gone", () => copied().then(() => fixture.faults.down("us-west-2")), {}, ["destination.answers"]],
    ["a metric without data", copied, metric, ["latency.within"]],
    ["a metric beyond it", () => copied().then(slow), metric, ["latency.within"]],
  ])("%s", async (_what, make, more, blocks) => {
    await make();
    expect(blockedBy((await actionHarness({}).look("s3.check_replication", given(more))).checks)).toEqual(blocks);
  });

  test("one that waits is seen behind any number of younger ones, and one that failed is not there either", async () => {
    const east = fixture.s3.buckets.get("media-east");
    put("good");
    await settled();
    if (east) east.fails = (key) => key === "bad";
    put("bad", 30);
    await settled();
    const within = async (more: object) =>
      blockedBy((await actionHarness({}).look("s3.check_replication", given({ sample: 3, ...more }))).checks);
    expect(await within({ rpoSeconds: 3600 })).toEqual([]);
    expect(await within({ rpoSeconds: 0 })).toEqual(["replication.withinRpo"]);
    east?.objects.delete("bad");
    fixture.s3.hold();
    put("waits", 7200);
    // As if copied long ago: no rule of the stand-in touches these.
    const settledPut = (key: string) => {
      const made = fixture.s3.put("media-east", key, "x", { replication: "REPLICA" });
      made.replication = "COMPLETED";
      return made;
    };
    for (let n = 0; n < 8; n++) fixture.s3.buckets.get("media-west")?.objects.set(`new/${n}`, settledPut(`new/${n}`));
    expect(await within({})).toEqual(["replication.withinRpo"]);
    // More that differ than may be asked for: no one knows of the rest.
    for (let n = 0; n < 4; n++) settledPut(`other/${n}`);
    expect(await within({ rpoSeconds: 1e9 })).toEqual(["replication.withinRpo"]);
  });

  test("failed for good is said with its key; unknown loss is unknown", async () => {
    const east = fixture.s3.buckets.get("media-east");
    if (east) east.fails = (key) => key === "bad";
    put("good");
    put("bad");
    await settled();
    const { checks, facts } = await actionHarness({}).look("s3.check_replication", given());
    expect(facts).toMatchObject({ failed: 1, pending: 0 });
    expect(checks.find((check) => check.id === "replication.failed")?.says).toContain("(bad)");
    fixture.faults.down("us-east-1");
    const { evidence } = await actionHarness({}).perform("lag", "s3.check_replication", given({ whenUnknown: "warn" }));
    expect(evidence.says).toContain("what it had not copied is unknown");
  });
});

describe("s3.switch_active", () => {
  let fixture: AwsFixture;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-s3-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    fixture = await begin();
  });
  afterEach(() => fixture.close());

  test("in a ConfigMap, beside what else it says; the probe leaves nothing behind", async () => {
    const clusters = await openKubernetesFixture();
    try {
      clusters.primary.put("configmaps", NAMESPACE, {
        metadata: { name: "app" },
        data: { BUCKET: "media-east", OTHER: "1" },
      });
      const given = {
        from: source,
        to: destination,
        setting: { in: { kind: "configMap", cluster: clusters.target, configMap: "app" }, keys: { bucket: "BUCKET" } },
      };
      const { evidence } = await clusters.harness().perform("switch", "s3.switch_active", given);
      expect(evidence.says).toBe(
        "ConfigMap app of primary names media-west (us-west-2), which took an object, gave it back and let it go.",
      );
      expect(fixture.s3.buckets.get("media-west")?.objects.size).toBe(0);
      expect(fixture.ledger.of("PutObject", "accepted")).toHaveLength(1);
    } finally {
      await clusters.close();
    }
  });

  test("in a file, to a MinIO of its own login; a bucket that lets nothing go is told, and where things are", async () => {
    const minio: S3 = await createS3();
    try {
      minio.store.add("media", "us-east-1");
      const file = join(folder, "app.env");
      await writeFile(file, "# buckets\nMEDIA_BUCKET=media-east\nMEDIA_URL=\nTHEME=dark\n");
      const to = { bucket: "media", endpoint: minio.url, credentialsFrom: "MINIO" };
      const given = {
        from: source,
        to,
        setting: { in: { kind: "file", path: file }, keys: { bucket: "MEDIA_BUCKET", endpoint: "MEDIA_URL" } },
      };
      minio.faults.deny("s3:DeleteObject");
      const harness = actionHarness({ MINIO: "practice:practice" });
      await expect(harness.perform("switch", "s3.switch_active", given)).rejects.toMatchObject({
        problem: { code: "s3-probe", stateNow: expect.stringContaining("names it already") },
      });
      minio.faults.clear();
      expect((await harness.perform("again", "s3.switch_active", given)).applied).toBe(false);
      expect(await readFile(file, "utf8")).toBe(`# buckets\nMEDIA_BUCKET=media\nMEDIA_URL=${minio.url}\nTHEME=dark\n`);
    } finally {
      await minio.close();
    }
  });
});

test("s3.unlisted: what is the system's by its tags and in no runbook is told; the wire is held here", async () => {
  const fixture = await begin();
  try {
    for (const [name, tags] of [
      ["media-east", { System: "shop" }],
      ["exports", { System: "shop" }],
    ] as const) {
      const bucket = fixture.s3.buckets.get(name) ?? fixture.s3.add(name, "us-east-1");
      bucket.tags = tags;
    }
    const { account = "" } = source;
    const given = { account, region: "us-east-1", tags: { System: "shop" }, known: ["media-east"] };
    const { checks } = await actionHarness({}).look("s3.unlisted", given);
    expect(checks.map(({ id }) => id)).toEqual(["drift.bucket/exports"]);
  } finally {
    await fixture.close();
  }
});

testAllSeen(wire.seen, { s3: ["s3"] });
