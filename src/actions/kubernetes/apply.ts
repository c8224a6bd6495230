import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import {
  answersFact,
  type Cluster,
  clusterChecks,
  clusterInput,
  type Look,
  lookAtCluster,
  namespaceResource,
  openCluster,
} from "../cluster.ts";
import { type Check, type Done, defineAction, type Fact, type ReadContext } from "../contract.ts";
import { manifestInput, readObjects, type Wished } from "../manifests.ts";
import { until } from "../poll.ts";
import { byHand, nothing } from "../undo.ts";
import { applyQuery, holdAgainst, type ObjectView, pathOf, refOf } from "./objects.ts";
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
});
type Input = z.infer<typeof input>;

type Seen = Look<{
  readonly objects: readonly ObjectView[];
  /** Why they can not be applied as they are. */
  readonly faults: readonly string[];
}>;

/** Applies manifests of the system's own folder, server side, one request an object, after the server's own dry run. */
export const apply = defineAction<Input, Seen>({
  id: "kubernetes.apply",
  summary: "Apply manifests of the system to a cluster, and wait until what they describe runs",
  input,
  risk: "disruptive",
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
    const due = new Set((seen.answers ? seen.objects : []).filter(({ differs }) => differs).map(({ ref }) => ref));
    const applied: string[] = [];
    for (const object of await readObjects(given.manifests)) {
      const ref = refOf(object);
      const at = await pathOf(cluster, given.cluster, object);
      if (!due.has(ref) || at === null) continue;
      ctx.progress(`${ref}: applying`);
      await cluster.patch(at.path, "apply", placed(object, given, at.namespaced), applyQuery(given, false));
      applied.push(ref);
    }
    return { applied };
  },
  async verify(ctx, given) {
    await untilSo(ctx, given, ctx.budget.failSeconds / 3);
    const refs = (await readObjects(given.manifests)).map(refOf).filter((ref) => workloadInput.safeParse(ref).success);
    const views = refs.length === 0 ? [] : await untilRolledOut(ctx, given.cluster, refs, () => true);
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
    wishes = await readObjects(given.manifests);
  } catch (error) {
    return { objects, faults: [messageOf(error)] };
  }
  for (const wish of wishes) {
    const ref = refOf(wish);
    // What a Secret holds would be on the timeline, as what it overwrites.
    if (wish.kind === "Secret") faults.push(`${ref}: secrets are not applied from files`);
    const at = await pathOf(cluster, given.cluster, wish);
    if (at === null) faults.push(`${ref}: the cluster knows no ${wish.apiVersion} ${wish.kind}`);
    else if (!given.beyondNamespace && isBeyond(wish, given, at.namespaced)) {
      faults.push(`${ref} is not of namespace ${given.cluster.namespace}: say beyondNamespace where that is meant`);
    } else if (wish.kind !== "Secret") {
      objects.push(await holdAgainst(cluster, at.path, placed(wish, given, at.namespaced), given));
    }
  }
  return { objects, faults };
}

function isBeyond({ metadata }: Wished, { cluster }: Input, namespaced: boolean): boolean {
  return !namespaced || (metadata.namespace ?? cluster.namespace) !== cluster.namespace;
}

/** In the plan's namespace, where the file says none. */
function placed(object: Wished, { cluster }: Input, namespaced: boolean): Wished {
  if (!namespaced) return object;
  return { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? cluster.namespace } };
}

async function untilSo(ctx: ReadContext, given: Input, seconds: number): Promise<void> {
  let state = "Nothing was seen yet";
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
      const due = seen.objects.filter(({ differs }) => differs);
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

function checksOf(seen: Seen, given: Input): readonly Check[] {
  const checks = clusterChecks(seen, given.cluster);
  if (!seen.answers) return checks;
  const refused = seen.objects.flatMap(({ ref, refused: why }) => (why === null ? [] : [`${ref}: ${why}`]));
  return [
    ...checks,
    block("manifests", seen.faults, "Every manifest is as it was planned, and of this namespace."),
    block("dryRun", refused, "The API server would take them."),
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
