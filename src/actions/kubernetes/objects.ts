import { isDeepStrictEqual } from "node:util";
import { ApiRefusal, type Cluster, type ClusterTarget, statusOf } from "../kubernetes-client.ts";
import type { Wished } from "../manifests.ts";

/** One object of a manifest, held against the cluster. Plain JSON. */
export interface ObjectView {
  /** `deployment/api` */
  readonly ref: string;
  /** Absent: it is of the whole cluster. */
  readonly namespace?: string;
  readonly there: boolean;
  /** Applying it would change something, by the API server's own dry run. */
  readonly differs: boolean;
  /** Why the API server would refuse it; null: it would not. */
  readonly refused: string | null;
  /** What these manifests make first: without it the API server can't be asked. Absent: it was asked. */
  readonly needs?: string;
  /** What it would overwrite, field by field as the manifest names them; null: nothing is there. */
  readonly previous: unknown;
}

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export function refOf({ kind, metadata }: Wished): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}

/** The path of an object by what the API server says of its kind. Null: it knows no such kind. */
export async function pathOf(
  cluster: Cluster,
  target: ClusterTarget,
  object: Wished,
): Promise<{ path: string; namespaced: boolean } | null> {
  const base = object.apiVersion.includes("/") ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  try {
    const { resources } = await cluster.get<{ resources: readonly ApiResource[] }>(base);
    const found = resources.find(({ kind, name }) => kind === object.kind && !name.includes("/"));
    if (!found) return null;
    const scope = found.namespaced ? `/namespaces/${object.metadata.namespace ?? target.namespace}` : "";
    return { path: `${base}${scope}/${found.name}/${object.metadata.name}`, namespaced: found.namespaced };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** Namespaces, then definitions of kinds, then everything else: the rest is refused without them, in whatever order files have it. */
export function inOrder(wishes: readonly Wished[]): readonly Wished[] {
  const rank = ({ kind }: Wished) => ["Namespace", "CustomResourceDefinition"].indexOf(kind);
  const first = (wanted: number) => wishes.filter((one) => rank(one) === wanted);
  return [...first(0), ...first(1), ...first(-1)];
}

interface Definition {
  readonly group: string;
  readonly scope: string;
  readonly names: { readonly kind: string };
  readonly versions: readonly { readonly name: string; readonly served?: boolean }[];
}

/** The definition among these that makes the API server know this object's kind. */
export function definitionOf(wishes: readonly Wished[], object: Wished): { ref: string; namespaced: boolean } | null {
  for (const wish of wishes) {
    if (wish.kind !== "CustomResourceDefinition") continue;
    const { group, scope, names, versions } = wish.spec as Definition;
    const served = versions.some(({ name, served = true }) => served && object.apiVersion === `${group}/${name}`);
    if (served && names.kind === object.kind) return { ref: refOf(wish), namespaced: scope === "Namespaced" };
  }
  return null;
}

export interface Applying {
  readonly fieldManager: string;
  readonly force: boolean;
}

export function applyQuery({ fieldManager, force }: Applying, dry: boolean): Readonly<Record<string, string>> {
  return { fieldManager, force: String(force), ...(dry ? { dryRun: "All" } : {}) };
}

const LOOKS = 3;

/** Asks the API server what applying would do. That it would refuse is an answer. */
export async function holdAgainst(cluster: Cluster, path: string, object: Wished, how: Applying): Promise<ObjectView> {
  const ref = refOf(object);
  for (let looks = 1; ; looks++) {
    const current = await find(cluster, path);
    const previous = current === null ? null : overlap(current, { ...object, apiVersion: undefined, kind: undefined });
    try {
      const after = await cluster.patch<object>(path, "apply", object, applyQuery(how, true));
      const differs = current === null || !isDeepStrictEqual(bare(current), bare(after));
      // A controller may have written between the two: that is no difference of ours.
      if (differs && looks < LOOKS && versionOf(await find(cluster, path)) !== versionOf(current)) continue;
      return { ref, there: current !== null, differs, refused: null, previous };
    } catch (error) {
      if (!(error instanceof ApiRefusal) || !isVerdict(error)) throw error;
      return { ref, there: current !== null, differs: true, refused: error.problem.what, previous };
    }
  }
}

/** What the schema doesn't know, and a value of another type, Kubernetes refuses with 500 (seen of 1.36.3): it is the manifest's fault for all that. */
const NOT_OF_SCHEMA = "failed to create typed patch object";

/** Refused for what the manifest says, and not because the server can't answer now. */
function isVerdict({ status, problem }: ApiRefusal): boolean {
  if (status === 500) return problem.what.includes(NOT_OF_SCHEMA);
  return status < 500 && status !== 429;
}

function versionOf(object: object | null): string | undefined {
  return (object as { metadata?: { resourceVersion?: string } } | null)?.metadata?.resourceVersion;
}

async function find(cluster: Cluster, path: string): Promise<object | null> {
  try {
    return await cluster.get<object>(path);
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** Without what every write moves, and without what only controllers write. */
function bare(object: object): unknown {
  const { status: _status, metadata = {}, ...rest } = object as { status?: unknown; metadata?: object };
  const { managedFields: _m, resourceVersion: _v, generation: _g, ...kept } = metadata as Record<string, unknown>;
  return { ...rest, metadata: kept };
}

/** Those fields of `there` that `named` names; a list is one value. */
function overlap(there: unknown, named: unknown): unknown {
  if (!isTree(there) || !isTree(named)) return there;
  return Object.fromEntries(
    Object.entries(named).flatMap(([key, value]) =>
      value === undefined || !Object.hasOwn(there, key) ? [] : [[key, overlap(there[key], value)]],
    ),
  );
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
