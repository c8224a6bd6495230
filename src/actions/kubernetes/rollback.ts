import { z } from "zod";
import { hashOf } from "../../lib/canonical.ts";
import { LifeboatError } from "../../lib/errors.ts";
import { type Check, defineAction } from "../contract.ts";
import {
  answersFact,
  type Cluster,
  type ClusterTarget,
  clusterChecks,
  clusterInput,
  dnsName,
  type Look,
  lookAtCluster,
  namespaceResource,
  openCluster,
  statusOf,
} from "../kubernetes-client.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";
import { kubernetesPermissions } from "./permissions.ts";
import { canRoll } from "./restart.ts";
import {
  type PodTemplate,
  REVISION,
  readWorkload,
  sayEnding,
  untilRolledOut,
  type WorkloadView,
  withoutHash,
  workloadPath,
} from "./workload.ts";

const input = z.strictObject({
  cluster: clusterInput,
  deployment: dnsName,
  /** `kubectl rollout history`. Always named: going back "one" twice comes forward again. */
  toRevision: z.number().int().min(1),
});
type Input = z.infer<typeof input>;

interface SetView {
  readonly name: string;
  readonly revision: string;
  readonly images: readonly string[];
}
type Seen = Look<{
  readonly workload: WorkloadView | null;
  /** The ReplicaSet in use. */
  readonly current: SetView | null;
  /** The ReplicaSet that has the wanted revision. Its revision grows when it is used again; its name stays. */
  readonly wanted: SetView | null;
}>;

interface ApiSet {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly spec: { readonly template: PodTemplate };
}

/** Puts the pod template of one pinned revision back, if the deployment still stands at the revision that was seen. */
export const rollback = defineAction<Input, Seen>({
  id: "kubernetes.rollback",
  summary: "Put a deployment back to a pinned revision",
  input,
  risk: "disruptive",
  service: "restores",
  repeat: "guarded",
  budget: { typicalSeconds: 30, warnSeconds: 180, failSeconds: 600 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.rollback"](given), async (cluster) => {
      const { cluster: target, deployment, toRevision } = given;
      const workload = await readWorkload(cluster, target, `deployment/${deployment}`);
      const sets = workload === null ? [] : await setsOf(cluster, target, workload);
      const wanted = viewOf(sets.find((set) => revisionOf(set) === String(toRevision)));
      return { workload, current: workload && currentOf(sets, workload), wanted };
    }),
  facts: (seen, { cluster, deployment, toRevision }) => [
    answersFact(seen, cluster),
    {
      id: "revision",
      label: `${deployment} revision`,
      value: seen.answers ? (seen.current?.revision ?? null) : null,
      material: true,
    },
    {
      id: "wantedImages",
      label: `Images of revision ${toRevision}`,
      value: seen.answers ? (seen.wanted?.images.join(", ") ?? null) : null,
      material: true,
    },
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers ? [canRoll(seen.workload, `deployment/${given.deployment}`), kept(seen.wanted, given)] : []),
  ],
  done(seen, _input, before) {
    if (!seen.answers) return "unknown";
    const goal = (before?.answers ? before.wanted : null) ?? seen.wanted;
    if (goal === null || seen.current === null) return "unknown";
    if (seen.current.name === goal.name) return "yes";
    const from = before?.answers ? before.current : null;
    return from !== null && from.name !== seen.current.name ? "partial" : "no";
  },
  async apply(ctx, { cluster: target, deployment }, seen) {
    const cluster = await openCluster(ctx, target);
    if (!seen.answers || seen.wanted === null || seen.current === null) throw nothingToGoBackTo(deployment);
    const path = `/apis/apps/v1/namespaces/${target.namespace}/replicasets/${seen.wanted.name}`;
    const { spec } = await cluster.get<ApiSet>(path);
    try {
      await cluster.patch(workloadPath(target, `deployment/${deployment}`), "json", [
        { op: "test", path: `/metadata/annotations/${REVISION.replace("/", "~1")}`, value: seen.workload?.revision },
        { op: "replace", path: "/spec/template", value: withoutHash(spec.template) },
      ]);
      return { replicaSet: seen.wanted.name };
    } catch (error) {
      if (statusOf(error) !== 422) throw error;
      return { replicaSet: seen.wanted.name, refused: "the deployment had moved already" };
    }
  },
  async verify(ctx, { cluster: target, deployment, toRevision }, before) {
    const goal = before.answers ? before.wanted : null;
    const [view] = await untilRolledOut(ctx, target, [`deployment/${deployment}`], () => true);
    const cluster = await openCluster(ctx, target);
    const sets = view ? await setsOf(cluster, target, view) : [];
    const current = view ? currentOf(sets, view) : null;
    if (goal === null || current?.name !== goal.name) {
      throw new LifeboatError({
        code: "other-revision",
        where: deployment,
        what: `It runs ${current?.name ?? "nothing known"} and not ${goal?.name ?? "the pinned revision"}`,
        stateNow: `${deployment} stands at revision ${current?.revision ?? "unknown"} (${current?.images.join(", ") ?? "?"})`,
        next: "Find out who changes it, then retry",
      });
    }
    return {
      says: `${deployment} runs what revision ${toRevision} ran (${current.images.join(", ")}), now as revision ${current.revision}.${await sayEnding(ctx, target, [`deployment/${deployment}`])}`,
      facts: [
        { id: "revision", label: `${deployment} revision`, value: current.revision, material: false },
        { id: "images", label: `${deployment} images`, value: current.images.join(", "), material: false },
      ],
    };
  },
  undo: undoneBy((before, { cluster, deployment }) => {
    const former = before.answers ? before.current : null;
    const toRevision = Number(former?.revision);
    if (former === null || !Number.isInteger(toRevision)) return byHand("What it ran before was not seen.");
    const says = `Put ${deployment} back to revision ${toRevision} (${former.images.join(", ")})`;
    return inverse("kubernetes.rollback", { cluster, deployment, toRevision }, says);
  }),
});

async function setsOf(
  cluster: Cluster,
  { namespace }: ClusterTarget,
  { uid }: WorkloadView,
): Promise<readonly ApiSet[]> {
  const sets = await cluster.list<ApiSet>(`/apis/apps/v1/namespaces/${namespace}/replicasets`);
  return sets.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
}

function currentOf(sets: readonly ApiSet[], { template }: WorkloadView): SetView | null {
  return viewOf(sets.find((set) => hashOf(withoutHash(set.spec.template)) === template));
}

function revisionOf({ metadata }: ApiSet): string | null {
  return metadata.annotations?.[REVISION] ?? null;
}

function viewOf(set: ApiSet | undefined): SetView | null {
  if (!set) return null;
  const images = set.spec.template.spec.containers.map(({ image }) => image);
  return { name: set.metadata.name, revision: revisionOf(set) ?? "?", images };
}

function kept(wanted: SetView | null, { deployment, toRevision }: Input): Check {
  const ok = wanted !== null;
  const says = ok
    ? `Revision ${toRevision} of ${deployment} is kept by ${wanted.name}.`
    : `${deployment} keeps no revision ${toRevision}.`;
  return {
    id: "revision.kept",
    level: "block",
    ok,
    says,
    next: "It may run already, under a new number. See kubectl rollout history.",
  };
}

function nothingToGoBackTo(deployment: string): LifeboatError {
  return new LifeboatError({
    code: "revision-gone",
    where: deployment,
    what: "The revision was not seen",
    stateNow: "Nothing was changed",
  });
}
