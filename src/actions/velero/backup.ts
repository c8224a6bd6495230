import { z } from "zod";
import { defineAction } from "../contract.ts";
import {
  answersFact,
  clusterChecks,
  clusterInput,
  dnsName,
  type Look,
  lookAtCluster,
  namespaceResource,
} from "../kubernetes-client.ts";
import { nothingToUndo } from "../undo.ts";
import { veleroPermissions } from "./permissions.ts";
import {
  availableLocations,
  doneBy,
  nextName,
  type RequestView,
  readRequests,
  request,
  untilCompleted,
} from "./request.ts";

const input = z.strictObject({
  /** The target's namespace is Velero's own. */
  cluster: clusterInput,
  /** What its backups are called: `shop` gives `shop-lifeboat-1`. */
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/),
  namespaces: z.array(dnsName).min(1).max(100),
  keepHours: z.number().int().positive().max(100_000).default(720),
});
type Input = z.infer<typeof input>;

type Seen = Look<{
  readonly locations: readonly string[];
  readonly ours: readonly RequestView[];
  readonly next: string;
}>;

/** Makes one backup of namespaces now, and waits until it is complete without an error. */
export const backup = defineAction<Input, Seen>({
  id: "velero.backup",
  summary: "Back up namespaces now, and wait until the backup is complete",
  input,
  risk: "reversible",
  service: "aside",
  copies: true,
  repeat: "guarded",
  budget: { typicalSeconds: 120, warnSeconds: 900, failSeconds: 3600 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, veleroPermissions["velero.backup"](given), async (cluster) => {
      const { cluster: target, name } = given;
      const [locations, ours] = await Promise.all([
        availableLocations(cluster, target),
        readRequests(cluster, target, "backups", name),
      ]);
      return { locations, ours, next: nextName(name, ours) };
    }),
  facts: (seen, { cluster }) => [
    answersFact(seen, cluster),
    { id: "next", label: "Backup to be made", value: seen.answers ? seen.next : null, material: false },
  ],
  ready: (seen, { cluster }) => [
    ...clusterChecks(seen, cluster),
    ...(seen.answers
      ? [
          {
            id: "velero.location",
            level: "block" as const,
            ok: seen.locations.length > 0,
            says:
              seen.locations.length > 0
                ? "Backups can be kept."
                : "Velero has no backup storage location that is Available.",
          },
        ]
      : []),
  ],
  done(seen, _input, before) {
    if (!seen.answers) return "unknown";
    const done = doneBy(seen.ours, before?.answers ? before.next : null);
    // A backup that ended badly left nothing to take care of.
    return done === "partial" ? "no" : done;
  },
  apply: (ctx, { cluster, name, namespaces, keepHours }, seen) =>
    request(ctx, cluster, name, {
      plural: "backups",
      kind: "Backup",
      name: seen.answers ? seen.next : name,
      spec: { includedNamespaces: namespaces, ttl: `${keepHours}h0m0s` },
    }),
  async verify(ctx, { cluster }, before) {
    const made = await untilCompleted(ctx, cluster, "backups", before.answers ? before.next : "");
    return {
      says: `${made.name} is complete: ${made.items ?? "unknown"} items, no errors, ${made.warnings} warnings.`,
      facts: [{ id: "backup", label: "Backup", value: made.name, material: false }],
    };
  },
  undo: nothingToUndo(({ keepHours }) => `It adds a backup that expires after ${keepHours} h.`),
});
