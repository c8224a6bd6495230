import { z } from "zod";
import { type Check, defineAction } from "../contract.ts";
import { type Answered, askOnce, expectation } from "../expectation.ts";
import { answersFact, clusterChecks, type Look, lookAtCluster, openCluster } from "../kubernetes-client.ts";
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
  policiesPath,
  readKept,
} from "./fault.ts";
import { kubernetesPermissions } from "./permissions.ts";

const input = faultInput.extend({
  /** Labels of the pods that are cut off. */
  pods: z
    .record(z.string().min(1).max(317), z.string().max(63))
    .refine(
      (labels) => Object.keys(labels).length > 0,
      "needs a label: without one it would be every pod of the namespace",
    ),
  /** What others reach them by: it has to answer before, and must not while they are cut off. */
  probe: expectation,
  /** Of the Job that ends it. It runs nothing; an image that can't be pulled ends it just the same. */
  timerImage: z.string().min(1).max(300).default("registry.k8s.io/pause:3.10"),
});
type Input = z.infer<typeof input>;

type Seen = Look<{
  readonly policy: Kept | null;
  readonly timer: Kept | null;
  /** Pods with these labels. */
  readonly pods: number;
  readonly answer: Answered;
}>;

/**
 * Cuts pods off from everything: a NetworkPolicy that allows nothing in and nothing out, owned by a Job that ends it by the cluster's clock. That
 * it has an effect is looked at from outside, because a cluster without a network plugin for policies keeps them and does nothing.
 */
export const isolate = defineAction<Input, Seen>({
  id: "kubernetes.isolate",
  summary: "Drill: cut pods off the network, until it is lifted or its time is over",
  input,
  risk: "disruptive",
  service: "interrupts",
  repeat: "safe",
  breaks: { liftedBy: "kubernetes.lift_fault", forSeconds: ({ seconds }) => seconds },
  budget: { typicalSeconds: 10, warnSeconds: 30, failSeconds: 120 },
  resources: ({ cluster }) => [faultResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.isolate"](given), async (cluster) => {
      const { cluster: target, fault, pods: labels, probe } = given;
      const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
      const [policy, timer, pods, answer] = await Promise.all([
        readKept(cluster, `${policiesPath(target)}/${objectOf(fault)}`),
        readKept(cluster, `${jobsPath(target)}/${objectOf(fault)}`),
        cluster.list(`/api/v1/namespaces/${target.namespace}/pods`, { labelSelector: selector.join(",") }),
        askOnce(ctx, probe),
      ]);
      return { policy, timer, pods: pods.length, answer: { ...answer, milliseconds: null } };
    }),
  facts: (seen, { cluster, probe }) => [
    answersFact(seen, cluster),
    {
      id: "cutOff",
      label: "Pods cut off",
      value: seen.answers ? (isCutOff(seen) ? seen.pods : 0) : null,
      material: false,
    },
    { id: "reached", label: `${probe.url} answers`, value: seen.answers ? seen.answer.met : null, material: false },
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers
      ? [
          nameFree(seen.timer, given.fault),
          nameFree(seen.policy, given.fault),
          selected(seen.pods, given),
          reached(seen, given),
        ]
      : []),
  ],
  done(seen) {
    if (!seen.answers) return "unknown";
    return isCutOff(seen) ? "yes" : "no";
  },
  async apply(ctx, { cluster: target, fault, pods, seconds, timerImage }) {
    const cluster = await openCluster(ctx, target);
    // First what ends it, then what it ends: a death in between leaves a Job that goes by itself.
    const timer = jobOf(fault, seconds, 1, { image: timerImage, cpu: "1m", memory: "8Mi" });
    const uid = await createOnce(cluster, jobsPath(target), timer);
    await createOnce(cluster, policiesPath(target), {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: {
        ...{ name: objectOf(fault), labels: timer.metadata.labels },
        ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: timer.metadata.name, uid }],
      },
      spec: { podSelector: { matchLabels: pods }, policyTypes: ["Ingress", "Egress"] },
    } as { metadata: { name: string } });
    return { job: uid };
  },
  async verify(ctx, { cluster: target, fault, probe, seconds }) {
    const name = objectOf(fault);
    return await until(
      {
        what: `${probe.url} to be out of reach`,
        seconds: ctx.budget.failSeconds / 2,
        everyMilliseconds: 500,
        signal: ctx.signal,
        stateNow: () => "It answers still: the cluster's network plugin may not enforce NetworkPolicies",
      },
      async () => {
        const cluster = await openCluster(ctx, target);
        const [policy, timer] = await Promise.all([
          readKept(cluster, `${policiesPath(target)}/${name}`),
          readKept(cluster, `${jobsPath(target)}/${name}`),
        ]);
        // Without the Job that ends it, the cluster collects the policy soon.
        if (!isCutOff({ policy, timer })) return null;
        const answer = await askOnce(ctx, { ...probe, timeoutSeconds: Math.min(2, probe.timeoutSeconds) });
        if (answer.met) return null;
        return {
          says: `${probe.url} ${answer.says}: the pods are cut off, for ${seconds} s at most.`,
          facts: [{ id: FAULT, label: "Fault", value: fault, material: false }],
        };
      },
    );
  },
  undo: undoneBy((_before, { cluster, fault }) =>
    inverse("kubernetes.lift_fault", { cluster, fault, kind: "partition" }, `Lift the partition ${fault}`),
  ),
});

function isCutOff({ policy, timer }: { readonly policy: Kept | null; readonly timer: Kept | null }): boolean {
  return policy !== null && !policy.ending && timer !== null && !timer.ending;
}

function selected(pods: number, { pods: labels }: Input): Check {
  const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const ok = pods > 0;
  const says = ok ? `${pods} pods have ${named.join(", ")}.` : `No pod has ${named.join(", ")}.`;
  return { id: "pods.selected", level: "block", ok, says };
}

/** What doesn't answer before can't show that it was cut off. */
function reached(seen: Extract<Seen, { answers: true }>, { probe }: Input): Check {
  const ok = seen.answer.met || seen.policy !== null;
  return { id: "probe.answers", level: "block", ok, says: `${probe.url} ${seen.answer.says}.` };
}
