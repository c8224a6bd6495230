import { z } from "zod";
import { defineAction } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  clusterChecks,
  type Look,
  lookAtCluster,
  openCluster,
} from "../kubernetes-client.ts";
import { until } from "../poll.ts";
import { inverse, undoneBy } from "../undo.ts";
import {
  createOnce,
  FAULT,
  faultInput,
  faultResource,
  jobOf,
  jobsPath,
  type Kept,
  nameFree,
  objectOf,
  readKept,
} from "./fault.ts";
import { kubernetesPermissions } from "./permissions.ts";

const input = faultInput.extend({
  /** How many pods use it up, each with the amounts below. */
  pods: z.number().int().min(1).max(20),
  /** Of each pod, requested and used: `500m`, `2`. */
  cpu: z.string().regex(/^[1-9]\d{0,5}m?$/),
  /** Of each pod, requested: `256Mi`. */
  memory: z.string().regex(/^[1-9]\d{0,5}(Mi|Gi)$/),
  /** Has a shell: it counts in a loop. */
  image: z.string().min(1).max(300).default("busybox:1.37"),
});
type Input = z.infer<typeof input>;

type Seen = Look<{
  readonly load: Kept | null;
  /** Its pods that run. */
  readonly running: number;
}>;

/** Uses up CPU and memory of a cluster by a Job that its own deadline ends. Limits are its requests, so it takes that much and no more. */
export const exhaust = defineAction<Input, Seen>({
  id: "kubernetes.exhaust",
  summary: "Drill: use up CPU and memory with a bounded load, until it is lifted or its time is over",
  input,
  risk: "disruptive",
  service: "interrupts",
  repeat: "safe",
  breaks: { liftedBy: "kubernetes.lift_fault", forSeconds: ({ seconds }) => seconds },
  budget: { typicalSeconds: 20, warnSeconds: 60, failSeconds: 180 },
  resources: ({ cluster }) => [faultResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.exhaust"](given), (cluster) =>
      look(cluster, given),
    ),
  facts: (seen, { cluster, cpu, memory }) => [
    answersFact(seen, cluster),
    {
      id: "load",
      label: `Pods that use up ${cpu} CPU and ${memory}`,
      value: seen.answers ? seen.running : null,
      material: false,
    },
  ],
  ready: (seen, { cluster, fault }) => [
    ...clusterChecks(seen, cluster),
    ...(seen.answers ? [nameFree(seen.load, fault)] : []),
  ],
  done(seen) {
    if (!seen.answers) return "unknown";
    return seen.load !== null && !seen.load.ending ? "yes" : "no";
  },
  async apply(ctx, { cluster: target, fault, seconds, pods, image, cpu, memory }) {
    const cluster = await openCluster(ctx, target);
    const command = ["sh", "-c", "while :; do :; done"];
    const uid = await createOnce(
      cluster,
      jobsPath(target),
      jobOf(fault, seconds, pods, { image, command, cpu, memory }),
    );
    return { job: uid };
  },
  async verify(ctx, given) {
    const { fault, pods, cpu, memory, seconds } = given;
    let running = 0;
    return await until(
      {
        what: `${pods} pods of ${objectOf(fault)} to run`,
        seconds: ctx.budget.failSeconds / 2,
        everyMilliseconds: 500,
        signal: ctx.signal,
        stateNow: () => `${running} of them run; the others found no room, or their image can't be pulled`,
      },
      async () => {
        const seen = await look(await openCluster(ctx, given.cluster), given);
        running = seen.running;
        if (seen.load === null || running < pods) return null;
        return {
          says: `${pods} pods use up ${cpu} CPU and ${memory} each, for ${seconds} s at most.`,
          facts: [{ id: FAULT, label: "Fault", value: fault, material: false }],
        };
      },
    );
  },
  undo: undoneBy((_before, { cluster, fault }) =>
    inverse("kubernetes.lift_fault", { cluster, fault, kind: "load" }, `Lift the load ${fault}`),
  ),
});

async function look(cluster: Cluster, { cluster: target, fault }: Pick<Input, "cluster" | "fault">) {
  const [load, pods] = await Promise.all([
    readKept(cluster, `${jobsPath(target)}/${objectOf(fault)}`),
    cluster.list<{ status?: { phase?: string } }>(`/api/v1/namespaces/${target.namespace}/pods`, {
      labelSelector: `${FAULT}=${fault}`,
    }),
  ]);
  return { load, running: pods.filter(({ status }) => status?.phase === "Running").length };
}
