import { jsonOf, type Route } from "../../kit/plain.ts";
import { Refusal } from "../../kit/refusal.ts";
import { addIndex, RESTORE_SECONDS, type SearchClusterState, SNAPSHOT_SECONDS, type Snapshot, uuid } from "./state.ts";

/** The repository and snapshot APIs of Elasticsearch and OpenSearch: made, listed, restored. */
export function snapshotRoutes(state: SearchClusterState): readonly Route[] {
  const repositoryOf = (name: string) => {
    const found = state.repositories.get(name);
    if (!found) throw new Refusal("repository_missing_exception", `[${name}] missing`, 404);
    return found;
  };
  const snapshotOf = (repository: string, name: string) => {
    const found = repositoryOf(repository).repository.snapshots.get(name);
    if (!found) throw new Refusal("snapshot_missing_exception", `[${repository}:${name}] is missing`, 404);
    return found;
  };
  return [
    {
      operation: "GetRepository",
      method: "GET",
      path: /^\/_snapshot\/([^/]+)$/,
      act({ parts: [name = ""] }) {
        const { readonly } = repositoryOf(name);
        return {
          body: {
            [name]: { type: "s3", settings: { bucket: "snapshots", ...(readonly ? { readonly: "true" } : {}) } },
          },
        };
      },
    },
    {
      operation: "VerifyRepository",
      method: "POST",
      path: /^\/_snapshot\/([^/]+)\/_verify$/,
      act({ parts: [name = ""] }) {
        repositoryOf(name);
        return { body: { nodes: { "node-1": { name: `${state.name}-1` } } } };
      },
    },
    {
      operation: "GetSnapshot",
      method: "GET",
      path: /^\/_snapshot\/([^/]+)\/([^/]+)$/,
      act({ parts: [repository = "", name = ""] }) {
        const { snapshots } = repositoryOf(repository).repository;
        const found = name === "_all" || name === "*" ? [...snapshots.values()] : [snapshotOf(repository, name)];
        return { body: { snapshots: found.map((one) => described(state, one)), total: found.length, remaining: 0 } };
      },
    },
    {
      operation: "CreateSnapshot",
      method: "PUT",
      path: /^\/_snapshot\/([^/]+)\/([^/]+)$/,
      act(call) {
        const [repository = "", name = ""] = call.parts;
        const known = repositoryOf(repository);
        if (known.readonly) {
          throw new Refusal(
            "repository_exception",
            `[${repository}] cannot create snapshot in a readonly repository`,
            500,
          );
        }
        if (known.repository.snapshots.has(name)) {
          const says = `[${repository}:${name}] Invalid snapshot name [${name}], snapshot with the same name already exists`;
          throw new Refusal("invalid_snapshot_name_exception", says);
        }
        const { indices, metadata = null } = jsonOf(call);
        const wanted = listed(indices);
        const taken = [...state.indices.values()].filter(
          (one) => wanted.length === 0 || wanted.some((name) => named(one.name, one.aliases, name)),
        );
        return { body: { accepted: true }, effect: () => begin(state, known.repository, name, taken, metadata) };
      },
    },
    {
      operation: "DeleteSnapshot",
      method: "DELETE",
      path: /^\/_snapshot\/([^/]+)\/([^/]+)$/,
      act({ parts: [repository = "", name = ""] }) {
        snapshotOf(repository, name);
        return {
          body: { acknowledged: true },
          effect: () => void repositoryOf(repository).repository.snapshots.delete(name),
        };
      },
    },
    {
      operation: "RestoreSnapshot",
      method: "POST",
      path: /^\/_snapshot\/([^/]+)\/([^/]+)\/_restore$/,
      act(call) {
        const [repository = "", name = ""] = call.parts;
        const snapshot = snapshotOf(repository, name);
        const { indices, rename_pattern, rename_replacement } = jsonOf(call) as Record<string, string>;
        if (snapshot.state === "IN_PROGRESS" || snapshot.state === "FAILED") {
          throw new Refusal(
            "snapshot_restore_exception",
            `[${repository}:${name}] unsupported snapshot state [${snapshot.state}]`,
            500,
          );
        }
        const wanted = listed(indices);
        const sources = [...snapshot.contents].filter(([index]) => wanted.length === 0 || wanted.includes(index));
        const renamed = (index: string) =>
          rename_pattern === undefined ? index : index.replace(new RegExp(rename_pattern), rename_replacement ?? "");
        for (const [index] of sources) refuseOpen(state, repository, name, renamed(index));
        for (const one of wanted) {
          if (!snapshot.contents.has(one))
            throw new Refusal("index_not_found_exception", `no such index [${one}]`, 404);
        }
        return {
          body: { accepted: true },
          effect() {
            for (const [index, docs] of sources) restore(state, renamed(index), docs, repository, name);
          },
        };
      },
    },
    {
      operation: "Recovery",
      method: "GET",
      path: /^\/([^_/][^/]*)\/_recovery$/,
      act({ parts: [name = ""] }) {
        const index = state.indices.get(name);
        if (!index) throw new Refusal("index_not_found_exception", `no such index [${name}]`, 404);
        const shard = {
          id: 0,
          type: index.restoredFrom ? "SNAPSHOT" : "EMPTY_STORE",
          stage: index.restoring ? "INDEX" : "DONE",
          source: index.restoredFrom ? { snapshot: index.restoredFrom, index: name } : {},
          index: { size: { percent: index.restoring ? "37.5%" : "100.0%" } },
        };
        return { body: { [name]: { shards: [shard] } } };
      },
    },
  ];
}

function begin(
  world: SearchClusterState,
  repository: { readonly snapshots: Map<string, Snapshot>; readonly coming: Snapshot["state"][] },
  name: string,
  taken: readonly { readonly name: string; readonly docs: ReadonlyMap<string, unknown> }[],
  metadata: unknown,
): void {
  const snapshot: Snapshot = {
    name,
    uuid: uuid(),
    contents: new Map(taken.map((one) => [one.name, new Map(one.docs)])),
    startedAt: Date.now(),
    endedAt: null,
    state: "IN_PROGRESS",
    metadata,
  };
  repository.snapshots.set(name, snapshot);
  world.clock.after(SNAPSHOT_SECONDS, () => {
    snapshot.state = repository.coming.shift() ?? "SUCCESS";
    snapshot.endedAt = Date.now();
  });
}

function restore(
  state: SearchClusterState,
  name: string,
  docs: ReadonlyMap<string, unknown>,
  repository: string,
  snapshot: string,
): void {
  const index = addIndex(state, name, { docs: new Map(docs), restoring: { repository, snapshot } });
  state.clock.after(RESTORE_SECONDS, () => {
    index.restoring = null;
  });
}

function refuseOpen(state: SearchClusterState, repository: string, snapshot: string, name: string): void {
  if (!state.indices.get(name)?.open) return;
  const says = `[${repository}:${snapshot}] cannot restore index [${name}] because an open index with same name already exists in the cluster. Either close or delete the existing index or restore the index under a different name by providing a rename pattern and replacement name`;
  throw new Refusal("snapshot_restore_exception", says, 500);
}

function described(world: SearchClusterState, one: Snapshot) {
  const total = Math.max(1, one.contents.size);
  const failed = one.state === "FAILED" ? total : one.state === "PARTIAL" ? 1 : 0;
  return {
    snapshot: one.name,
    uuid: one.uuid,
    version: world.version,
    indices: [...one.contents.keys()],
    include_global_state: false,
    state: one.state,
    start_time_in_millis: one.startedAt,
    end_time_in_millis: one.endedAt ?? 0,
    failures:
      failed === 0 ? [] : [{ index: [...one.contents.keys()][0] ?? "", shard_id: 0, reason: "lost while it was read" }],
    shards: { total, failed, successful: one.state === "IN_PROGRESS" ? 0 : total - failed },
    ...(one.metadata === null ? {} : { metadata: one.metadata }),
  };
}

function listed(indices: unknown): readonly string[] {
  if (Array.isArray(indices)) return indices.map(String);
  return typeof indices === "string" && indices !== "_all" && indices !== "*" ? indices.split(",") : [];
}

function named(name: string, aliases: ReadonlySet<string>, wanted: string): boolean {
  return name === wanted || aliases.has(wanted) || (wanted.endsWith("*") && name.startsWith(wanted.slice(0, -1)));
}
