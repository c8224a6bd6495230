import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, defineAction } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  clusterChecks,
  dnsName,
  type Look,
  lookAtCluster,
  namespaceResource,
} from "../kubernetes-client.ts";
import { always, byHand } from "../undo.ts";
import { veleroPermissions } from "./permissions.ts";
import {
  availableLocations,
  doneBy,
  newestBackup,
  nextName,
  type RequestView,
  readRequests,
  request,
  untilCompleted,
} from "./request.ts";
import { oneSource, type SourceView, sourceChecks, sourceShape } from "./source.ts";

const input = z
  .strictObject({
    ...sourceShape,
    /** What its restores are called: `shop` gives `shop-lifeboat-1`. */
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/),
    namespaces: z.array(dnsName).min(1).max(100),
    /** Where a namespace is restored to when not to itself: `shop: shop-dr`. */
    into: z.record(dnsName, dnsName).default({}),
    /** `update`: what is there already is changed to what the backup holds. Left out: it has to be empty. */
    overwrite: z.enum(["never", "update"]).default("never"),
  })
  .refine(oneSource, { message: "needs either backup or schedule" });
type Input = z.infer<typeof input>;

type Seen = Look<
  SourceView & {
    readonly ours: readonly RequestView[];
    readonly next: string;
    /** What stands already where it is restored to: Velero would leave every one of these as it is, and say nothing. */
    readonly inTheWay: readonly string[];
  }
>;

/** Restores namespaces from one backup, once, and waits until it is complete without an error. */
export const restore = defineAction<Input, Seen>({
  id: "velero.restore",
  summary: "Restore namespaces from a backup, and wait until it is complete",
  input,
  risk: "disruptive",
  service: "restores",
  opens: () => true,
  repeat: "guarded",
  budget: { typicalSeconds: 300, warnSeconds: 1800, failSeconds: 3600 },
  resources: ({ cluster, namespaces, into }) => [
    namespaceResource(cluster),
    ...namespaces.map((one) => namespaceResource({ ...cluster, namespace: into[one] ?? one })),
  ],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, veleroPermissions["velero.restore"](given), (cluster) => look(cluster, given)),
  facts: (seen, { cluster }) => [
    answersFact(seen, cluster),
    { id: "backup", label: "Backup", value: seen.answers ? (seen.newest?.name ?? null) : null, material: true },
    {
      id: "inTheWay",
      label: "Objects there already",
      value: seen.answers ? seen.inTheWay.length : null,
      material: false,
    },
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers ? [...sourceChecks(seen, given.maxAgeHours), roomFor(seen.inTheWay, given)] : []),
  ],
  done(seen, _input, before) {
    if (!seen.answers) return "unknown";
    return doneBy(seen.ours, before?.answers ? before.next : null);
  },
  async apply(ctx, { cluster, name, namespaces, into, overwrite }, seen) {
    if (!seen.answers || seen.newest === null) {
      throw new LifeboatError({
        code: "backup-gone",
        where: name,
        what: "No backup was seen",
        stateNow: "Nothing was asked of Velero",
      });
    }
    return await request(ctx, cluster, name, {
      plural: "restores",
      kind: "Restore",
      name: seen.next,
      spec: {
        backupName: seen.newest.name,
        includedNamespaces: namespaces,
        namespaceMapping: into,
        existingResourcePolicy: overwrite === "never" ? "none" : "update",
      },
    });
  },
  async verify(ctx, { cluster }, before) {
    const made = await untilCompleted(ctx, cluster, "restores", before.answers ? before.next : "");
    if (made.items === 0) {
      throw new LifeboatError({
        code: "nothing-restored",
        where: made.name,
        what: "Velero says Completed, and restored nothing",
        stateNow: "What was there is as it was",
        next: "Look whether the backup holds these namespaces",
      });
    }
    return {
      says: `${made.name} is complete: ${made.items ?? "unknown"} items, no errors, ${made.warnings} warnings.`,
      facts: [
        { id: "restore", label: "Restore", value: made.name, material: false },
        { id: "warnings", label: "Warnings", value: made.warnings, material: false },
      ],
    };
  },
  undo: always(({ namespaces, into, overwrite }) =>
    overwrite === "update"
      ? {
          kind: "never",
          says: `What was there in ${namespaces.map((one) => into[one] ?? one).join(", ")} is overwritten.`,
        }
      : byHand(`Delete what was restored into ${namespaces.map((one) => into[one] ?? one).join(", ")}.`),
  ),
});

async function look(cluster: Cluster, given: Input) {
  const { cluster: target, name, namespaces, into } = given;
  const [locations, backups, ours, standing] = await Promise.all([
    availableLocations(cluster, target),
    readRequests(cluster, target, "backups"),
    readRequests(cluster, target, "restores", name),
    Promise.all(namespaces.map((one) => standingIn(cluster, into[one] ?? one))),
  ]);
  const newest = newestBackup(backups, given);
  return { locations, newest, lookedAt: Date.now(), ours, next: nextName(name, ours), inTheWay: standing.flat() };
}

async function standingIn(cluster: Cluster, namespace: string): Promise<readonly string[]> {
  const kinds = ["deployments", "statefulsets"];
  const lists = await Promise.all(
    kinds.map((kind) => cluster.list<{ metadata: { name: string } }>(`/apis/apps/v1/namespaces/${namespace}/${kind}`)),
  );
  return lists.flatMap((items, i) => items.map(({ metadata }) => `${namespace}/${kinds[i]}/${metadata.name}`));
}

/** Velero never overwrites by itself: a restore over what is there ends as Completed and changes nothing. */
function roomFor(inTheWay: readonly string[], { overwrite }: Input): Check {
  const ok = inTheWay.length === 0 || overwrite === "update";
  const says = ok
    ? "Nothing stands in the way of the restore."
    : `${inTheWay.slice(0, 5).join(", ")} ${inTheWay.length > 5 ? "and others " : ""}would be left as they are.`;
  return {
    id: "restore.room",
    level: "block",
    ok,
    says,
    next: "Restore into another namespace, or say overwrite: update.",
  };
}
