import { z } from "zod";
import { type Check, defineAction } from "../contract.ts";
import {
  answersFact,
  clusterChecks,
  clusterInput,
  type Look,
  lookAtCluster,
  namespaceResource,
  openCluster,
} from "../kubernetes-client.ts";
import { nothingToUndo } from "../undo.ts";
import { type ConfigRead, configChecks, isStale, readConfig, readsInput } from "./config-read.ts";
import { kubernetesPermissions } from "./permissions.ts";
import {
  CONFIG_READ,
  RESTARTED,
  readWorkload,
  sayEnding,
  untilRolledOut,
  type WorkloadView,
  workloadInput,
  workloadPath,
} from "./workload.ts";

const input = z.strictObject({
  cluster: clusterInput,
  workload: workloadInput,
  /** ConfigMaps its pods read at their start: nothing is restarted where they were made for those as they are now. */
  reads: readsInput,
});
type Input = z.infer<typeof input>;

type Seen = Look<{
  readonly workload: WorkloadView | null;
  /** RFC 3339. Becomes the mark of the restart, and is on the timeline before it. */
  readonly lookedAt: string;
  readonly config: ConfigRead;
}>;

/** Replaces every pod of a workload, as `kubectl rollout restart` does. The mark is the moment of the intent. */
export const restart = defineAction<Input, Seen>({
  id: "kubernetes.restart",
  summary: "Replace every pod of a workload by a new one, without a gap",
  input,
  risk: "disruptive",
  service: "restores",
  repeat: "safe",
  budget: { typicalSeconds: 30, warnSeconds: 180, failSeconds: 600 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.restart"](given), async (cluster) => ({
      workload: await readWorkload(cluster, given.cluster, given.workload),
      lookedAt: new Date().toISOString(),
      config: await readConfig(cluster, given.cluster, given.reads),
    })),
  facts: (seen, { cluster, workload }) => [
    answersFact(seen, cluster),
    { id: "present", label: `${workload} is there`, value: seen.answers && seen.workload !== null, material: true },
    {
      id: "available",
      label: `${workload} available replicas`,
      value: seen.answers ? (seen.workload?.available ?? null) : null,
      material: false,
    },
    {
      id: "restartedAt",
      label: `${workload} restarted last`,
      value: seen.answers ? (seen.workload?.restartedAt ?? null) : null,
      material: false,
    },
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers ? [canRoll(seen.workload, given.workload), ...configChecks(given.reads, seen.config)] : []),
  ],
  done(seen, _input, before) {
    if (!seen.answers) return "unknown";
    if (seen.workload !== null && seen.config.mark !== null && !isStale(seen.workload, seen.config)) return "yes";
    return before?.answers && isSince(seen.workload?.restartedAt ?? null, before.lookedAt) ? "yes" : "no";
  },
  async apply(ctx, { cluster: target, workload }, seen) {
    const restartedAt = seen.answers ? seen.lookedAt : new Date().toISOString();
    const cluster = await openCluster(ctx, target);
    const mark = seen.answers ? seen.config.mark : null;
    const annotations = { [RESTARTED]: restartedAt, ...(mark === null ? {} : { [CONFIG_READ]: mark }) };
    await cluster.patch(workloadPath(target, workload), "strategic-merge", {
      spec: { template: { metadata: { annotations } } },
    });
    return { restartedAt };
  },
  async verify(ctx, { cluster, workload }, before) {
    const since = before.answers ? before.lookedAt : "";
    const config = (before.answers ? before.config : null) ?? { mark: null, missing: [] };
    const [view] = await untilRolledOut(ctx, cluster, [workload], (now) =>
      config.mark === null ? isSince(now.restartedAt, since) : !isStale(now, config),
    );
    const read = config.mark === null ? "" : ` They read ${config.mark}.`;
    const done = isSince(view?.restartedAt ?? null, since) ? "was restarted" : "needed no restart";
    return {
      says: `${workload} ${done}: ${view?.available} of ${view?.replicas} pods are available.${read}${await sayEnding(ctx, cluster, [workload])}`,
      facts: [{ id: "restartedAt", label: `${workload} restarted`, value: view?.restartedAt ?? null, material: false }],
    };
  },
  undo: nothingToUndo(() => "The pods run what they ran before."),
});

function isSince(restartedAt: string | null, moment: string): boolean {
  return restartedAt !== null && Date.parse(restartedAt) >= Date.parse(moment);
}

export function canRoll(view: WorkloadView | null, ref: string): Check {
  const id = "workload.rolls";
  if (view === null) return { id, level: "block", ok: false, says: `There is no ${ref}.` };
  if (view.paused)
    return { id, level: "block", ok: false, says: `${ref} is paused.`, next: "Resume its rollout first." };
  const { heldBack = 0, replicas } = view;
  if (heldBack === 0 || replicas === 0) return { id, level: "block", ok: true, says: `${ref} can roll.` };
  const kept = heldBack >= replicas ? "none of its pods (OnDelete)" : `not all of its pods (partition ${heldBack})`;
  const says = `A new template of ${ref} replaces ${kept}.`;
  return { id, level: "block", ok: false, says, next: "Delete the pods one by one, or change its update strategy." };
}
