import { readFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { after, awaited } from "../awaited.ts";
import { type Check, type Done, defineAction, type Fact, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import { type ArchiveView, lookAtArchive, sha256 } from "./archive.ts";
import {
  answersFact,
  answersWithLeader,
  type ClusterView,
  clusterInput,
  contentsOf,
  type Look,
  lookAt,
  resourceOf,
  send,
} from "./cluster.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** On Lifeboat's own host, as `consul.snapshot` wrote it. */
  file: z.string().max(1000).refine(isAbsolute, "has to be an absolute path"),
  /** The step that writes it. */
  after,
  /** Go on although the datacenter holds services or keys: all of them are replaced. */
  replacesWhatIsThere: z.boolean().default(false),
  pollSeconds: z.number().min(0.02).max(10).default(1),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly cluster: Look<ClusterView>;
  /** SHA-256 of all keys with their values; null: not known. Steps of 0.1 have none. */
  readonly contents?: string | null;
  readonly file: ArchiveView;
}

/** Consul's own warning: a low-level operation of Raft, for a fresh datacenter of the same version. */
export const restore = defineAction<Input, Seen>({
  id: "consul.restore",
  summary: "Restore Consul from a snapshot into a fresh datacenter of the same version",
  input,
  risk: "irreversible",
  service: "restores",
  repeat: "destructive",
  budget: { typicalSeconds: 10, warnSeconds: 60, failSeconds: 300 },
  resources: ({ cluster }) => [resourceOf(cluster)],
  observe: look,
  facts: factsOf,
  ready: (seen, given, evidence) => [
    ...answersWithLeader(seen.cluster, given.cluster),
    ...(seen.cluster.answers ? [fresh(seen.cluster, given)] : []),
    ...awaited(archiveChecks(seen, given), given.after, evidence),
  ],
  done: isDone,
  async apply(ctx, { cluster, file }, seen) {
    const bytes = await readFile(file);
    if (!seen.file.there || sha256(bytes) !== seen.file.sha256) {
      throw new LifeboatError({
        code: "snapshot-changed",
        where: file,
        what: "It is not the snapshot that was looked at",
        stateNow: "Nothing was sent",
      });
    }
    const now = await lookAt(ctx, cluster);
    if (!now.answers || !seen.cluster.answers || now.version !== seen.cluster.version) {
      throw new LifeboatError({
        code: "consul-changed",
        where: cluster.name,
        what: "It is not as it was when it was looked at",
        stateNow: "Nothing was sent",
      });
    }
    await send(ctx, cluster, { method: "PUT", path: "/v1/snapshot", bytes, seconds: 60 });
    return { sha256: seen.file.sha256 };
  },
  async verify(ctx, given, before) {
    let state = "It has not been seen";
    const seen = await until(
      {
        what: `${given.cluster.name} to have a leader and to know what the snapshot holds`,
        seconds: ctx.budget.failSeconds * 0.9,
        everyMilliseconds: given.pollSeconds * 1000,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const now = await look(ctx, given);
        if (now.cluster.answers) {
          state = `It has ${now.cluster.leader === "" ? "no leader" : "a leader"}, ${now.cluster.services.length} services and ${now.cluster.keys} keys`;
        }
        return now.cluster.answers && now.cluster.leader !== "" && isDone(now, given, before) === "yes"
          ? now.cluster
          : null;
      },
    );
    return {
      says: `${given.cluster.name} knows ${seen.services.length} services and ${seen.keys} keys again.`,
      facts: [
        { id: "services", label: "Services", value: seen.services.length, material: false },
        { id: "keys", label: "Keys", value: seen.keys, material: false },
      ],
    };
  },
  undo: neverUndone(
    ({ cluster }) => `What ${cluster.name} knew before is replaced; only a snapshot of it could bring it back.`,
  ),
});

async function look(ctx: ReadContext, { cluster, file }: Input): Promise<Seen> {
  const [found, archive] = await Promise.all([lookAt(ctx, cluster), lookAtArchive(file)]);
  return { cluster: found, contents: found.answers ? await contentsOf(ctx, cluster) : null, file: archive };
}

/**
 * It knows what the snapshot holds. Before the intent that may be so by chance, and then there is nothing to restore: but as many keys as in
 * the snapshot may hold anything, so their values decide, and a snapshot of 0.1 that has keys says nothing of them. After the intent a fresh
 * one has it from the snapshot, whatever its users wrote since.
 */
function isDone({ cluster, contents = null, file }: Seen, given: Input, before: Seen | null): Done {
  if (!cluster.answers || !file.there || file.label === null) return before === null ? "no" : "unknown";
  const { services, keys, contents: wanted } = file.label;
  const all = services.every((name) => cluster.services.includes(name)) && cluster.keys >= keys;
  if (before === null) return all && (wanted === undefined ? keys === 0 : contents === wanted) ? "yes" : "no";
  const same = !given.replacesWhatIsThere || wanted === undefined || contents === wanted;
  if (all && same) return "yes";
  if (cluster.services.length === 0 && cluster.keys === 0) return "no";
  return given.replacesWhatIsThere && contents !== null && contents === before.contents ? "no" : "unknown";
}

function factsOf({ cluster, file }: Seen, given: Input): Fact[] {
  const label = file.there ? file.label : null;
  return [
    answersFact(cluster, given.cluster),
    {
      id: "services",
      label: "Services there now",
      value: cluster.answers ? cluster.services.length : null,
      material: true,
    },
    // Not material: an earlier step of the same run may be what writes it.
    {
      id: "snapshotOf",
      label: "Snapshot of",
      value: label ? new Date(label.takenAt).toISOString() : null,
      material: false,
    },
    {
      id: "holds",
      label: "It holds",
      value: label ? `${label.services.length} services, ${label.keys} keys` : null,
      material: false,
    },
  ];
}

function fresh(cluster: ClusterView, { replacesWhatIsThere, cluster: { name } }: Input): Check {
  const empty = cluster.services.length === 0 && cluster.keys === 0;
  const holds = `${name} holds ${cluster.services.length} services and ${cluster.keys} keys`;
  const says = empty
    ? `${name} is fresh.`
    : replacesWhatIsThere
      ? `${holds}; all of it is replaced.`
      : `${holds}. A snapshot is for a fresh datacenter; say replacesWhatIsThere to lose what is there.`;
  const ok = empty || replacesWhatIsThere;
  return { id: "cluster.fresh", level: "block", ok, says, ...(!ok && { notNeeded: true as const }) };
}

function archiveChecks({ cluster, file }: Seen, given: Input): readonly Check[] {
  if (!file.there) {
    return [{ id: "snapshot.whole", level: "block", ok: false, says: `${given.file} can't be read: ${file.why}.` }];
  }
  const labelled = file.label?.sha256 === file.sha256;
  const whole = file.intact && labelled;
  const version = file.label?.version ?? null;
  const same = cluster.answers && version === cluster.version;
  return [
    {
      id: "snapshot.whole",
      level: "block",
      ok: whole,
      says: whole
        ? `${given.file} is whole, and the one its label speaks of.`
        : `${given.file} is ${file.intact ? "not the one its label speaks of" : "not whole"}.`,
    },
    {
      id: "snapshot.version",
      level: "block",
      ok: same,
      says: `It was taken from Consul ${version ?? "of an unknown version"}; this is ${cluster.answers ? cluster.version : "unknown"}.`,
    },
  ];
}
