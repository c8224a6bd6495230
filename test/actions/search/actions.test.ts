import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createSearch, type Search, searchCovered } from "../../../src/practice/estate/search/index.ts";
import { blockedBy, type Conductor, conduct } from "../conductor.ts";
import { performAndDie, recoverFrom } from "../crash.ts";
import { type Stand, survives } from "../survives.ts";

const DOCS = Array.from({ length: 40 }, (_, i) => ({ n: i }));
const POLL = { pollSeconds: 0.02 };

type World = Search & Stand;

/** Two clusters; the index of the first is in one complete snapshot, and is gone from it. */
async function begin(distribution: "elasticsearch" | "opensearch" = "elasticsearch"): Promise<World> {
  const search = await createSearch({ scale: 0.002, distribution });
  const east = search.cluster("east");
  east.addIndex("packages-v3", DOCS).aliases.add("packages");
  const secrets = { SEARCH_PASSWORD: east.login.password, WEST_KEY: search.cluster("west").apiKey };
  return { ...search, secrets };
}

const east = (search: Search) => ({
  name: "east",
  url: search.cluster("east").url,
  clusterUuid: search.cluster("east").world.uuid,
  login: { user: "lifeboat", passwordFrom: "SEARCH_PASSWORD" },
});
const west = (search: Search) => ({
  name: "west",
  url: search.cluster("west").url,
  clusterUuid: search.cluster("west").world.uuid,
  apiKeyFrom: "WEST_KEY",
});
const snapshotOf = (search: Search) => ({
  cluster: east(search),
  repository: "backups",
  indices: ["packages"],
  name: "packages",
  ...POLL,
});
const restoreOf = (search: Search) => ({
  cluster: west(search),
  repository: "backups",
  index: "packages-*",
  as: "packages",
  ...POLL,
});
const taken = async (): Promise<World> => {
  const search = await begin();
  const counts = { "packages-v3": 40, packages: 40 };
  search.repository.snapshots.set("nightly", {
    name: "nightly",
    uuid: "u",
    contents: new Map([["packages-v3", new Map(DOCS.map((doc, i) => [String(i), doc]))]]),
    startedAt: Date.now() - 60_000,
    endedAt: Date.now() - 30_000,
    state: "SUCCESS",
    metadata: { lifeboat: { counts } },
  });
  return search;
};
const otherBehind = (name: string) => (search: Search) =>
  void Object.assign(search.cluster(name).world, { uuid: "somebody-elses" });

survives<World>({
  action: "search.snapshot",
  operation: "CreateSnapshot",
  create: begin,
  input: snapshotOf,
  holds: (search) => search.repository.snapshots.get("packages-lifeboat-1")?.state === "SUCCESS",
  wrong: (search) => search.cluster("east").world.indices.clear(),
  other: otherBehind("east"),
});

survives<World>({
  action: "search.restore",
  operation: "RestoreSnapshot",
  create: taken,
  input: restoreOf,
  holds: (search) => search.cluster("west").world.indices.get("packages-lifeboat-1")?.docs.size === 40,
  wrong: (search) => search.repository.snapshots.clear(),
  other: otherBehind("west"),
});

survives<World>({
  action: "search.swap_alias",
  operation: "UpdateAliases",
  async create() {
    const search = await begin();
    search.cluster("east").addIndex("packages-lifeboat-1", DOCS);
    return search;
  },
  input: (search) => ({ cluster: east(search), alias: "packages", toNewestOf: "packages" }),
  holds: (search) =>
    [...search.cluster("east").world.indices.values()]
      .filter((one) => one.aliases.has("packages"))
      .map((one) => one.name)
      .join() === "packages-lifeboat-1",
  byHand(search) {
    const { indices } = search.cluster("east").world;
    indices.get("packages-v3")?.aliases.clear();
    indices.get("packages-lifeboat-1")?.aliases.add("packages");
  },
  wrong: (search) => void search.cluster("east").world.indices.delete("packages-lifeboat-1"),
  other: otherBehind("east"),
});

survives<World>({
  action: "search.delete_index",
  operation: "DeleteIndex",
  async create() {
    const search = await begin();
    search.cluster("east").addIndex("packages-v2", DOCS);
    return search;
  },
  input: (search) => ({ cluster: east(search), index: "packages-v2" }),
  holds: (search) => !search.cluster("east").world.indices.has("packages-v2"),
  byHand: (search) => void search.cluster("east").world.indices.delete("packages-v2"),
  wrong: (search) => void search.cluster("east").world.indices.get("packages-v2")?.aliases.add("packages-old"),
  other: otherBehind("east"),
});

describe.each(["elasticsearch", "opensearch"] as const)("%s", (distribution) => {
  let search: World;
  let conductor: Conductor;
  beforeEach(async () => {
    search = await begin(distribution);
    conductor = conduct({ ...search.secrets });
  });
  afterEach(() => search.close());

  test("from a snapshot in one cluster to an alias in the other, and what is lost is the snapshot's age", async () => {
    await conductor.perform("snapshot", "search.snapshot", snapshotOf(search));
    search.cluster("east").world.indices.get("packages-v3")?.docs.set("late", {});
    search.weather.down("east");
    const checked = await conductor.perform("check", "search.check", {
      cluster: west(search),
      repository: "backups",
      indices: ["packages-*"],
    });
    expect(checked.facts).toMatchObject({ health: "green", snapshot: "packages-lifeboat-1", freeDisk: 0.6 });
    const restored = await conductor.perform("restore", "search.restore", restoreOf(search));
    expect(restored.evidence.says).toBe(
      "packages-lifeboat-1 is restored from packages-lifeboat-1 and holds 40 documents, and had 40 when the snapshot was taken.",
    );
    expect(restored.evidence.rpo?.seconds).toBeLessThan(5);
    const swapped = await conductor.perform("swap", "search.swap_alias", {
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
  let search: World;
  let conductor: Conductor;
  beforeEach(async () => {
    search = await taken();
    conductor = conduct({ ...search.secrets });
  });
  afterEach(() => search.close());
  const check = (more: object = {}) =>
    conductor.look("search.check", { cluster: west(search), repository: "backups", indices: ["packages-v3"], ...more });

  test.each<[string, (search: Search) => void, string[]]>([
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
    ["a red cluster", (s) => void Object.assign(s.cluster("west").world, { health: "red" }), ["cluster.health"]],
    ["a full disk", (s) => void Object.assign(s.cluster("west").world.disk, { available: 0 }), ["disk.free"]],
    ["no repository", (s) => s.cluster("west").world.repositories.clear(), ["repository.there", "snapshot.usable"]],
    ["nobody there", (s) => s.weather.down("west"), ["cluster.answers"]],
    ["all well", () => {}, []],
  ])("%s", async (_what, make, blocks) => {
    make(search);
    expect(blockedBy((await check()).checks)).toEqual(blocks);
  });

  test("a wrong key is said, and shown nowhere", async () => {
    const stranger = conduct({ SEARCH_PASSWORD: "x", WEST_KEY: "c2VjcmV0" });
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
    const looked = await conductor.look("search.snapshot", { ...snapshotOf(search), cluster: west(search) });
    expect(blockedBy(looked.checks)).toEqual(["repository.writable"]);
  });

  test("a snapshot that ends as FAILED is not one, and one that lost documents is not put in use", async () => {
    search.repository.coming.push("FAILED");
    await expect(conductor.perform("s", "search.snapshot", snapshotOf(search))).rejects.toMatchObject({
      problem: { code: "snapshot-failed" },
    });
    (
      search.repository.snapshots.get("nightly")?.contents.get("packages-v3") as Map<string, unknown> | undefined
    )?.clear();
    await expect(conductor.perform("r", "search.restore", restoreOf(search))).rejects.toMatchObject({
      problem: { code: "restore-incomplete" },
    });
  });

  test("killed for real right after the restore was asked for: the successor waits for that one", async () => {
    const died = await performAndDie("search.restore", restoreOf(search), { secrets: { ...search.secrets } });
    expect(died.applied).toBe(true);
    const { way, evidence } = await recoverFrom(conductor, "search.restore", restoreOf(search), died.before);
    expect([way, evidence?.says]).toEqual(["verify", expect.stringContaining("holds 40 documents")]);
    expect(search.ledger.of("RestoreSnapshot")).toHaveLength(1);
  });
});

test("what the stand-in covers is what its table answers", () => {
  expect(searchCovered().join(" ")).toMatchInlineSnapshot(
    `"CloseIndex ClusterHealth Count CreateIndex CreateSnapshot DeleteIndex DeleteSnapshot GetAlias GetIndex GetRepository GetSnapshot IndexDocument Info NodesStats OpenIndex Recovery Refresh RestoreSnapshot Search UpdateAliases VerifyRepository"`,
  );
});
