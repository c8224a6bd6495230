import { createSearch, type Search } from "../../../practice/targets/search/index.ts";
import type { FailureSuite } from "../../support/failure-case.ts";
import { over, type StandInFixture } from "../with-faults.ts";

export const DOCS = Array.from({ length: 40 }, (_, i) => ({ n: i }));
const POLL = { pollSeconds: 0.02 };

export type SearchFixture = Search & StandInFixture;

/** Two clusters; the index of the first is in one complete snapshot, and is gone from it. */
export async function begin(distribution: "elasticsearch" | "opensearch" = "elasticsearch"): Promise<SearchFixture> {
  const search = await createSearch({ scale: 0.002, distribution });
  const east = search.cluster("east");
  east.addIndex("packages-v3", DOCS).aliases.add("packages");
  const secrets = { SEARCH_PASSWORD: east.login.password, WEST_KEY: search.cluster("west").apiKey };
  return { ...search, secrets };
}

export const east = (search: Search) => ({
  name: "east",
  url: search.cluster("east").url,
  clusterUuid: search.cluster("east").state.uuid,
  login: { user: "lifeboat", passwordFrom: "SEARCH_PASSWORD" },
});
export const west = (search: Search) => ({
  name: "west",
  url: search.cluster("west").url,
  clusterUuid: search.cluster("west").state.uuid,
  apiKeyFrom: "WEST_KEY",
});
export const snapshotOf = (search: Search) => ({
  cluster: east(search),
  repository: "backups",
  indices: ["packages"],
  name: "packages",
  ...POLL,
});
export const restoreOf = (search: Search) => ({
  cluster: west(search),
  repository: "backups",
  index: "packages-*",
  as: "packages",
  ...POLL,
});
export const taken = async (): Promise<SearchFixture> => {
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
  void Object.assign(search.cluster(name).state, { uuid: "somebody-elses" });

const snapshot = over<SearchFixture>({
  action: "search.snapshot",
  operation: "CreateSnapshot",
  create: begin,
  input: snapshotOf,
  holds: (search) => search.repository.snapshots.get("packages-lifeboat-1")?.state === "SUCCESS",
  wrong: (search) => search.cluster("east").state.indices.clear(),
  instead: {
    "done by hand": "a snapshot of another name is somebody else's: one of our own, of this moment, was asked for",
  },
  other: otherBehind("east"),
});

const restore = over<SearchFixture>({
  action: "search.restore",
  operation: "RestoreSnapshot",
  create: taken,
  input: restoreOf,
  holds: (search) => search.cluster("west").state.indices.get("packages-lifeboat-1")?.docs.size === 40,
  wrong: (search) => search.repository.snapshots.clear(),
  instead: { "done by hand": "an index of another name is somebody else's, and no alias is switched here" },
  other: otherBehind("west"),
});

const swap = over<SearchFixture>({
  action: "search.swap_alias",
  operation: "UpdateAliases",
  async create() {
    const search = await begin();
    search.cluster("east").addIndex("packages-lifeboat-1", DOCS);
    return search;
  },
  input: (search) => ({ cluster: east(search), alias: "packages", toNewestOf: "packages" }),
  holds: (search) =>
    [...search.cluster("east").state.indices.values()]
      .filter((one) => one.aliases.has("packages"))
      .map((one) => one.name)
      .join() === "packages-lifeboat-1",
  byHand(search) {
    const { indices } = search.cluster("east").state;
    indices.get("packages-v3")?.aliases.clear();
    indices.get("packages-lifeboat-1")?.aliases.add("packages");
  },
  wrong: (search) => void search.cluster("east").state.indices.delete("packages-lifeboat-1"),
  other: otherBehind("east"),
});

const remove = over<SearchFixture>({
  action: "search.delete_index",
  operation: "DeleteIndex",
  async create() {
    const search = await begin();
    search.cluster("east").addIndex("packages-v2", DOCS);
    return search;
  },
  input: (search) => ({ cluster: east(search), index: "packages-v2" }),
  holds: (search) => !search.cluster("east").state.indices.has("packages-v2"),
  byHand: (search) => void search.cluster("east").state.indices.delete("packages-v2"),
  wrong: (search) => void search.cluster("east").state.indices.get("packages-v2")?.aliases.add("packages-old"),
  other: otherBehind("east"),
});

export const suite: FailureSuite = { cases: [snapshot, restore, swap, remove] };
