import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import { after, awaited } from "../awaited.ts";
import {
  type ApplyContext,
  type Check,
  type Done,
  defineAction,
  type Evidences,
  type Fact,
  type ReadContext,
} from "../contract.ts";
import {
  answersFact,
  type Cluster,
  clusterChecks,
  clusterInput,
  type Look,
  lookAtCluster,
  namespaceResource,
  openCluster,
  statusOf,
} from "../kubernetes-client.ts";
import { manifestInput, readObjects, type Wished } from "../manifests.ts";
import { until } from "../poll.ts";
import { byHand, nothing } from "../undo.ts";
import { applyQuery, definitionOf, holdAgainst, inOrder, type ObjectView, pathOf, refOf } from "./objects.ts";
import { sayWorkload, untilRolledOut, workloadInput } from "./workload.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** Names of `manifests` in the system's catalogue, in the order in which they are applied. */
  manifests: z.array(manifestInput).min(1).max(50),
  /** Who these fields belong to from now on. */
  fieldManager: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default("lifeboat"),
  /** Take fields over from another manager (Argo CD, Helm, kubectl) instead of being refused. */
  force: z.boolean().default(false),
  /** Objects beside the namespace, and objects without one (namespaces, roles of the cluster). */
  beyondNamespace: z.boolean().default(false),
  /** Make the plan's namespace first, where it is not there: in a cluster that is new. */
  makesNamespace: z.boolean().default(false),
  /** The step that makes what these need: a definition of their kinds, an admission webhook. */
  after,
});
type Input = z.infer<typeof input>;

const KNOWN_WITHIN_SECONDS = 60;

type Seen = Look<{
  readonly objects: readonly ObjectView[];
  /** Why they can't be applied as they are. */
  readonly faults: readonly string[];
}>;

/** Applies manifests of the system's own folder, server side, one request an object, after the server's own dry run. */
export const apply = defineAction<Input, Seen>({
  id: "kubernetes.apply",
  summary: "Apply manifests of the system to a cluster, and wait until what they describe runs",
  input,
  risk: "disruptive",
  service: "restores",
  repeat: "safe",
  budget: { typicalSeconds: 60, warnSeconds: 300, failSeconds: 900 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) => lookAtCluster(ctx, given.cluster, [], (cluster) => look(cluster, given)),
  facts: factsOf,
  ready: checksOf,
  done(seen): Done {
    if (!seen.answers) return "unknown";
    return seen.faults.length === 0 && seen.objects.every(({ there, differs }) => there && !differs) ? "yes" : "no";
  },
  async apply(ctx, given, seen) {
    const cluster = await openCluster(ctx, given.cluster);
    const due = new Set((seen.answers ? seen.objects : []).filter(({ differs }) => differs).map(keyOf));
    const applied: string[] = [];
    const wishes = await wishesOf(given);
    for (const object of wishes) {
      const ref = refOf(object);
      const at = await knownPathOf(ctx, cluster, given, wishes, object);
      if (at === null || !due.has(keyOf({ ref, namespace: namespaceOf(object, given, at.namespaced) }))) continue;
      ctx.progress(`${ref}: applying`);
      await cluster.patch(at.path, "apply", placed(object, given, at.namespaced), applyQuery(given, false));
      applied.push(ref);
    }
    return { applied };
  },
  async verify(ctx, given) {
    await untilSo(ctx, given, ctx.budget.failSeconds / 3);
    const workloads = (await wishesOf(given))
      .map((wish) => ({ ref: refOf(wish), namespace: wish.metadata.namespace ?? given.cluster.namespace }))
      .filter(({ ref }) => workloadInput.safeParse(ref).success);
    const views = workloads.length === 0 ? [] : await untilRolledOut(ctx, given.cluster, workloads, () => true);
    const objects = given.manifests.map(({ name }) => name).join(", ");
    return {
      says: [`${objects} is applied`, ...views.map(sayWorkload)].join("; ").concat("."),
      facts: given.manifests.map(({ name, sha256 }) => ({
        id: `manifest:${name}`,
        label: name,
        value: sha256,
        material: false,
      })),
    };
  },
  undo: {
    ahead: () => byHand("Apply the manifests of the commit before; delete what this step made."),
    step(before) {
      if (!before.answers) return byHand("What was there before was not seen.");
      const made = before.objects.filter(({ there }) => !there).map(({ ref }) => ref);
      const changed = before.objects.filter(({ there, differs }) => there && differs).map(({ ref }) => ref);
      const ways = [
        ...(made.length > 0 ? [`Delete ${made.join(", ")}.`] : []),
        ...(changed.length > 0
          ? [`Apply what was recorded of ${changed.join(", ")}, or the manifests of the commit before.`]
          : []),
      ];
      return ways.length > 0 ? byHand(ways.join(" ")) : nothing("It was so before.");
    },
  },
});

async function look(
  cluster: Cluster,
  given: Input,
): Promise<{ objects: readonly ObjectView[]; faults: readonly string[] }> {
  const faults: string[] = [];
  const objects: ObjectView[] = [];
  let wishes: readonly Wished[] = [];
  try {
    wishes = await wishesOf(given);
  } catch (error) {
    return { objects, faults: [messageOf(error)] };
  }
  for (const wish of wishes) {
    const ref = refOf(wish);
    // What a Secret holds would be on the timeline, as what it overwrites.
    if (wish.kind === "Secret") faults.push(`${ref}: secrets are not applied from files`);
    const at = await pathOf(cluster, given.cluster, wish);
    const defined = at === null ? definitionOf(wishes, wish) : null;
    const namespaced = at?.namespaced ?? defined?.namespaced ?? true;
    if (at === null && defined === null) {
      faults.push(`${ref}: the cluster knows no ${wish.apiVersion} ${wish.kind}`);
    } else if (!given.beyondNamespace && isBeyond(wish, given, namespaced)) {
      faults.push(`${ref} is not of namespace ${given.cluster.namespace}: say beyondNamespace where that is meant`);
    } else if (wish.kind !== "Secret") {
      const namespace = namespaceOf(wish, given, namespaced);
      const needs = defined?.ref ?? (await missingNamespace(cluster, wishes, namespace));
      const view =
        at === null || needs !== null
          ? { ref, there: false, differs: true, refused: null, previous: null, ...(needs && { needs }) }
          : await holdAgainst(cluster, at.path, placed(wish, given, at.namespaced), given);
      objects.push({ ...view, ...(namespace === undefined ? {} : { namespace }) });
    }
  }
  return { objects, faults };
}

/** What the files ask for, in the order in which it can be made, and the plan's namespace before it where that is meant. */
async function wishesOf(given: Input): Promise<readonly Wished[]> {
  const { makesNamespace, cluster, manifests } = given;
  const wishes = await readObjects(manifests);
  const named = wishes.some((wish) => isPlansNamespace(wish, given));
  const own = { apiVersion: "v1", kind: "Namespace", metadata: { name: cluster.namespace } };
  return inOrder(makesNamespace && !named ? [own, ...wishes] : wishes);
}

/** A namespace that is not there and is made by these manifests; null: it can be asked of the API server. */
async function missingNamespace(
  cluster: Cluster,
  wishes: readonly Wished[],
  namespace: string | undefined,
): Promise<string | null> {
  const made = wishes.some(({ kind, metadata }) => kind === "Namespace" && metadata.name === namespace);
  if (namespace === undefined || !made) return null;
  try {
    await cluster.get(`/api/v1/namespaces/${namespace}`);
    return null;
  } catch (error) {
    if (statusOf(error) === 404) return `namespace/${namespace}`;
    throw error;
  }
}

/** A kind that one of these defines is known only some moments after that. */
async function knownPathOf(
  ctx: ApplyContext,
  cluster: Cluster,
  { cluster: target }: Input,
  wishes: readonly Wished[],
  object: Wished,
): ReturnType<typeof pathOf> {
  if (definitionOf(wishes, object) === null) return await pathOf(cluster, target, object);
  return await until(
    {
      what: `the cluster to know ${object.apiVersion} ${object.kind}`,
      seconds: KNOWN_WITHIN_SECONDS,
      everyMilliseconds: 250,
      signal: ctx.signal,
    },
    async () => await pathOf(cluster, target, object),
  );
}

function namespaceOf({ metadata }: Wished, { cluster }: Input, namespaced: boolean): string | undefined {
  return namespaced ? (metadata.namespace ?? cluster.namespace) : undefined;
}

/** Two namespaces may hold objects of one name. */
function keyOf({ ref, namespace }: { readonly ref: string; readonly namespace?: string | undefined }): string {
  return `${namespace ?? ""} ${ref}`;
}

function isPlansNamespace({ kind, metadata }: Wished, { cluster }: Input): boolean {
  return kind === "Namespace" && metadata.name === cluster.namespace;
}

function isBeyond(wish: Wished, given: Input, namespaced: boolean): boolean {
  if (isPlansNamespace(wish, given)) return false;
  return !namespaced || (wish.metadata.namespace ?? given.cluster.namespace) !== given.cluster.namespace;
}

/** In the plan's namespace, where the file says none. */
function placed(object: Wished, given: Input, namespaced: boolean): Wished {
  const namespace = namespaceOf(object, given, namespaced);
  return namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

async function untilSo(ctx: ReadContext, given: Input, seconds: number): Promise<void> {
  let state = "Nothing was seen yet";
  // Once it is over it is deleted by itself.
  const passing = (await wishesOf(given)).filter(
    ({ kind, spec }) =>
      kind === "Job" && (spec as { ttlSecondsAfterFinished?: number })?.ttlSecondsAfterFinished !== undefined,
  );
  const mayBeOver = ({ ref, there }: ObjectView) => !there && passing.some((one) => refOf(one) === ref);
  await until(
    {
      what: "the manifests to be in force",
      seconds,
      everyMilliseconds: 500,
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const seen = await lookAtCluster(ctx, given.cluster, [], (cluster) => look(cluster, given));
      if (!seen.answers) {
        state = seen.why;
        return null;
      }
      const due = seen.objects.filter((one) => one.differs && !mayBeOver(one));
      state = [...seen.faults, ...due.map(({ ref }) => `${ref} differs`)].join("; ");
      return seen.faults.length === 0 && due.length === 0 ? seen : null;
    },
  );
}

function factsOf(seen: Seen, { cluster, manifests }: Input): readonly Fact[] {
  const objects = seen.answers ? seen.objects : [];
  return [
    answersFact(seen, cluster),
    ...manifests.map(({ name, sha256 }) => ({ id: `manifest:${name}`, label: name, value: sha256, material: true })),
    { id: "toMake", label: "Objects to be made", value: objects.filter(({ there }) => !there).length, material: false },
    {
      id: "toChange",
      label: "Objects to be changed",
      value: objects.filter(({ there, differs }) => there && differs).length,
      material: false,
    },
  ];
}

function checksOf(seen: Seen, given: Input, evidence: Evidences): readonly Check[] {
  const checks = clusterChecks(seen, given.cluster);
  if (!seen.answers) return checks;
  const refused = seen.objects.flatMap(({ ref, refused: why }) => (why === null ? [] : [`${ref}: ${why}`]));
  const later = seen.objects.filter(({ needs }) => needs !== undefined);
  const unasked =
    later.length === 0
      ? ""
      : ` ${later.length} can't be asked for yet: this step makes ${[...new Set(later.map(({ needs }) => needs))].join(", ")} first.`;
  return [
    ...checks,
    ...awaited(
      [
        block("manifests", seen.faults, "Every manifest is as it was planned, and of this namespace."),
        block("dryRun", refused, `The API server would take them.${unasked}`),
      ],
      given.after,
      evidence,
    ),
  ];
}

function block(id: string, faults: readonly string[], otherwise: string): Check {
  return {
    id,
    level: "block",
    ok: faults.length === 0,
    says: faults.length === 0 ? otherwise : `${faults.join(". ")}.`,
  };
}
