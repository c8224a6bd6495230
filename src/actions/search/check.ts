import { z } from "zod";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";
import {
  answers,
  answersFact,
  type Cluster,
  clusterInput,
  get,
  getIfThere,
  type Look,
  lookAt,
  repositoryName,
} from "./cluster.ts";
import { ageSeconds, newestComplete, readSnapshots, type SnapshotView, usable } from "./snapshots.ts";

const input = z.strictObject({
  cluster: clusterInput,
  repository: repositoryName,
  /** Names, or `name-*` where exactly one index of a snapshot carries a version. */
  indices: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9._-]*\*?$/))
    .min(1)
    .max(100),
  maxAgeSeconds: z.number().int().positive().default(3600),
  freeDiskMin: z.number().min(0).max(1).default(0.15),
});
type Input = z.infer<typeof input>;

interface Found {
  readonly version: string;
  readonly health: string;
  readonly nodes: number;
  readonly freeDisk: number | null;
  readonly repositoryThere: boolean;
  readonly newest: SnapshotView | null;
  /** The newest of all when it is not complete. */
  readonly broken: { readonly name: string; readonly state: string } | null;
  readonly lookedAt: number;
}
type Seen = Look<Found>;

/** Whether a search cluster is well, and whether there is a snapshot young enough to go back to. */
export const check = defineLook<Input, Seen>({
  id: "search.check",
  summary: "See whether a search cluster is well and has a complete, young snapshot",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  observe: look,
  facts: factsOf,
  checks: checksOf,
  where: ({ cluster }) => cluster.name,
  says(seen, { cluster }) {
    const newest = seen.answers ? seen.newest : null;
    const age = newest && seen.answers ? ageSeconds(newest, seen.lookedAt) : "unknown";
    return `${cluster.name} is ${seen.answers ? seen.health : "unknown"}; ${newest?.name ?? "no snapshot"} is ${age} s old.`;
  },
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const { cluster, repository, indices } = given;
  return await lookAt(ctx, cluster, async () => {
    const [info, health, freeDisk, there] = await Promise.all([
      get<{ version: { number: string; distribution?: string } }>(ctx, cluster, "/"),
      get<{ status: string; number_of_data_nodes: number }>(ctx, cluster, "/_cluster/health"),
      freeDiskOf(ctx, cluster),
      getIfThere<object>(ctx, cluster, `/_snapshot/${repository}`),
    ]);
    const snapshots = there === null ? [] : ((await readSnapshots(ctx, cluster, repository)) ?? []);
    const [last] = snapshots;
    return {
      version: `${info.version.distribution ?? "elasticsearch"} ${info.version.number}`,
      health: health.status,
      nodes: health.number_of_data_nodes,
      freeDisk,
      repositoryThere: there !== null,
      newest: newestComplete(snapshots, indices),
      broken: last && /PARTIAL|FAILED/.test(last.state) ? { name: last.name, state: last.state } : null,
      lookedAt: Date.now(),
    };
  });
}

/** Of the data node with the least. */
async function freeDiskOf(ctx: ReadContext, cluster: Cluster): Promise<number | null> {
  interface Stats {
    readonly nodes: Readonly<
      Record<string, { fs?: { total?: { total_in_bytes?: number; available_in_bytes?: number } } }>
    >;
  }
  const { nodes } = await get<Stats>(ctx, cluster, "/_nodes/stats/fs");
  const free = Object.values(nodes).flatMap(({ fs }) => {
    const { total_in_bytes: total = 0, available_in_bytes: available = 0 } = fs?.total ?? {};
    return total > 0 ? [available / total] : [];
  });
  return free.length === 0 ? null : Math.round(Math.min(...free) * 1000) / 1000;
}

function factsOf(seen: Seen, { cluster }: Input): Fact[] {
  const found = seen.answers ? seen : null;
  const age = found?.newest ? ageSeconds(found.newest, found.lookedAt) : null;
  return [
    answersFact(seen, cluster),
    { id: "health", label: "Health", value: found?.health ?? null, material: false },
    { id: "snapshot", label: "Newest complete snapshot", value: found?.newest?.name ?? null, material: false },
    { id: "snapshotAgeSeconds", label: "Its age in seconds", value: age, material: false },
    { id: "freeDisk", label: "Free disk of the fullest node", value: found?.freeDisk ?? null, material: false },
  ];
}

function checksOf(seen: Seen, given: Input): Check[] {
  const { cluster, indices, maxAgeSeconds, freeDiskMin, repository } = given;
  if (!seen.answers) return [answers(seen, cluster)];
  const { newest, lookedAt: now, broken, freeDisk } = seen;
  const roomy = freeDisk !== null && freeDisk >= freeDiskMin;
  return [
    answers(seen, cluster),
    {
      id: "cluster.health",
      level: "block",
      ok: seen.health !== "red",
      says: `${cluster.name} is ${seen.health} with ${seen.nodes} data nodes${seen.health === "red" ? ": some of its data can't be read" : ""}.`,
    },
    {
      id: "repository.there",
      level: "block",
      ok: seen.repositoryThere,
      says: `${cluster.name} ${seen.repositoryThere ? "knows" : "does not know"} the repository ${repository}.`,
    },
    usable(newest, { indices, maxAgeSeconds, now }),
    {
      id: "snapshot.last",
      level: "warn",
      ok: broken === null,
      says: broken ? `The last snapshot, ${broken.name}, ended as ${broken.state}.` : "The last snapshot did not fail.",
    },
    {
      id: "disk.free",
      level: "block",
      ok: roomy,
      says: `The fullest node has ${freeDisk === null ? "an unknown part" : `${Math.round(freeDisk * 100)} %`} of its disk free; ${Math.round(freeDiskMin * 100)} % are needed.`,
    },
  ];
}
