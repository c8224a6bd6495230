import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { searchCovered } from "../../../practice/targets/search/index.ts";
import { type ActionHarness, actionHarness, blockedBy } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { begin, DOCS, restoreOf, type SearchFixture, snapshotOf, suite, taken, west } from "./failure-cases.ts";

await runFailureSuite(suite);

describe.each(["elasticsearch", "opensearch"] as const)("%s", (distribution) => {
  let search: SearchFixture;
  let harness: ActionHarness;
  beforeEach(async () => {
    search = await begin(distribution);
    harness = actionHarness({ ...search.secrets });
  });
  afterEach(() => search.close());

  test("from a snapshot in one cluster to an alias in the other, and what is lost is the snapshot's age", async () => {
    await harness.perform("snapshot", "search.snapshot", snapshotOf(search));
    search.cluster("east").state.indices.get("packages-v3")?.docs.set("late", {});
    search.faults.down("east");
    const checked = await harness.perform("check", "search.check", {
      cluster: west(search),
      repository: "backups",
      indices: ["packages-*"],
    });
    expect(checked.facts).toMatchObject({ health: "green", snapshot: "packages-lifeboat-1", freeDisk: 0.6 });
    const restored = await harness.perform("restore", "search.restore", restoreOf(search));
    expect(restored.evidence.says).toBe(
      "packages-lifeboat-1 is restored from packages-lifeboat-1 and holds 40 documents, and had 40 when the snapshot was taken.",
    );
    expect(restored.evidence.rpo?.seconds).toBeLessThan(5);
    const swapped = await harness.perform("swap", "search.swap_alias", {
      cluster: west(search),
      alias: "packages",
      toNewestOf: "packages",
      after: "restore",
    });
    expect(swapped.facts).toEqual({ index: "packages-lifeboat-1", count: 40 });
    expect(search.ledger.of("CreateSnapshot").map((entry) => entry.region)).toEqual(["east"]);
  });
});

describe("what search.* says before it is too late", () => {
  let search: SearchFixture;
  let harness: ActionHarness;
  beforeEach(async () => {
    search = await taken();
    harness = actionHarness({ ...search.secrets });
  });
  afterEach(() => search.close());
  const check = (more: object = {}) =>
    harness.look("search.check", { cluster: west(search), repository: "backups", indices: ["packages-v3"], ...more });

  test.each<[string, (search: SearchFixture) => void, string[]]>([
    [
      "a snapshot that is too old",
      (s) => void Object.assign(s.repository.snapshots.get("nightly") ?? {}, { startedAt: Date.now() - 7_200_000 }),
      ["snapshot.usable"],
    ],
    [
      "only a partial one",
      (s) => void Object.assign(s.repository.snapshots.get("nightly") ?? {}, { state: "PARTIAL" }),
      ["snapshot.usable"],
    ],
    ["a red cluster", (s) => void Object.assign(s.cluster("west").state, { health: "red" }), ["cluster.health"]],
    ["a full disk", (s) => void Object.assign(s.cluster("west").state.disk, { available: 0 }), ["disk.free"]],
    ["no repository", (s) => s.cluster("west").state.repositories.clear(), ["repository.there", "snapshot.usable"]],
    ["nobody there", (s) => s.faults.down("west"), ["cluster.answers"]],
    ["all well", () => {}, []],
  ])("%s", async (_what, make, blocks) => {
    make(search);
    expect(blockedBy((await check()).checks)).toEqual(blocks);
  });

  test("a snapshot is chosen by its name, or by what it was taken before, and may then be old", async () => {
    const old = search.repository.snapshots.get("nightly");
    Object.assign(old ?? {}, { startedAt: Date.now() - 7_200_000 });
    const look = async (more: object) => await harness.look("search.restore", { ...restoreOf(search), ...more });
    const newest = await look({ snapshot: "newest" });
    expect([newest.facts.snapshot, newest.facts.snapshotsThere]).toEqual(["nightly", "nightly"]);
    expect(blockedBy(newest.checks)).toEqual(["snapshot.usable"]);
    for (const more of [{ snapshot: "nightly" }, { before: new Date().toISOString() }])
      expect(blockedBy((await look(more)).checks)).toEqual([]);
    const early = await look({ before: new Date(Date.now() - 8_000_000).toISOString() });
    expect(early.checks.find(({ id }) => id === "snapshot.usable")).toMatchObject({
      level: "block",
      says: expect.stringContaining("There are: nightly."),
    });
  });

  test("what an earlier step takes is restored, and no older one is shown for it", async () => {
    search.repository.snapshots.clear();
    const given = { ...restoreOf(search), after: "take" };
    const before = await harness.look("search.restore", given);
    expect([before.facts.snapshot, before.facts.counted]).toEqual(["the newest when step take is done", null]);
    expect(before.checks.filter(({ ok }) => !ok)).toMatchObject([
      { id: "evidence.snapshot.usable", madeSoBy: { steps: ["take"] } },
    ]);
    await harness.perform("take", "search.snapshot", snapshotOf(search));
    expect(blockedBy((await harness.look("search.restore", given)).checks)).toEqual([]);
    // Nothing is lost with it: its age would be told as if it were.
    expect((await harness.perform("restore", "search.restore", given)).evidence.rpo).toBeUndefined();
    const { evidence } = await harness.perform("again", "search.restore", restoreOf(search));
    expect(evidence.rpo).toMatchObject({ method: "age of the snapshot when it was restored" });
  });

  test("a wrong key is said, and shown nowhere", async () => {
    const stranger = actionHarness({ SEARCH_PASSWORD: "x", WEST_KEY: "c2VjcmV0" });
    const looked = await stranger.look("search.check", {
      cluster: west(search),
      repository: "backups",
      indices: ["packages-v3"],
    });
    expect(looked.checks[0]?.says).toContain("401");
    expect(JSON.stringify(looked)).not.toContain("c2VjcmV0");
  });

  test("a standby that knows the repository read-only takes no snapshot", async () => {
    search.cluster("west").addIndex("packages", DOCS);
    const looked = await harness.look("search.snapshot", { ...snapshotOf(search), cluster: west(search) });
    expect(blockedBy(looked.checks)).toEqual(["repository.writable"]);
  });

  test("a snapshot that ends as FAILED is not one, and one that lost documents is not put in use", async () => {
    search.repository.coming.push("FAILED");
    await expect(harness.perform("s", "search.snapshot", snapshotOf(search))).rejects.toMatchObject({
      problem: { code: "snapshot-failed" },
    });
    (
      search.repository.snapshots.get("nightly")?.contents.get("packages-v3") as Map<string, unknown> | undefined
    )?.clear();
    await expect(harness.perform("r", "search.restore", restoreOf(search))).rejects.toMatchObject({
      problem: { code: "restore-incomplete" },
    });
  });

  test("killed for real right after the restore was requested: the successor waits for that one", async () => {
    const died = await performAndDie("search.restore", restoreOf(search), { secrets: { ...search.secrets } });
    expect(died.applied).toBe(true);
    const { way, evidence } = await recoverFrom(harness, "search.restore", restoreOf(search), died.before);
    expect([way, evidence?.says]).toEqual(["verify", expect.stringContaining("holds 40 documents")]);
    expect(search.ledger.of("RestoreSnapshot")).toHaveLength(1);
  });
});

test("what the stand-in covers is what its table answers", () => {
  expect(searchCovered().join(" ")).toMatchInlineSnapshot(
    `"CloseIndex ClusterHealth Count CreateIndex CreateSnapshot DeleteIndex DeleteSnapshot GetAlias GetIndex GetRepository GetSnapshot IndexDocument Info NodesStats OpenIndex Recovery Refresh RestoreSnapshot Search UpdateAliases VerifyRepository"`,
  );
});
