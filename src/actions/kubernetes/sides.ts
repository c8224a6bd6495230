import { X509Certificate } from "node:crypto";
import { type Cluster, type ClusterTarget, statusOf } from "../kubernetes-client.ts";
import { type ApiWorkload, workloadPath } from "./workload.ts";

/** What a cluster has for some workloads, to be held against another: images, what their pods name, room. Read only; no content of a secret is kept. */

export interface Side {
  readonly workloads: readonly SideWorkload[];
  /** Refs of those that aren't there. */
  readonly missing: readonly string[];
  /** Null: the login may not read them. */
  readonly configMapsMissing: readonly string[] | null;
  /** Null: the login may not read secrets, so no one can tell. */
  readonly secrets: readonly SecretView[] | null;
  /** What its ready nodes give to pods; null: they don't say, or the login may not list them. */
  readonly gives: Amount | null;
  /** What is left of the namespace's quota; null: it has none, or the login may not list them. */
  readonly quotaLeft: Partial<Amount> | null;
}

export interface SideWorkload {
  readonly ref: string;
  readonly images: readonly string[];
  readonly replicas: number;
  /** What one pod asks for. */
  readonly asks: Amount;
}

export interface SecretView {
  readonly name: string;
  readonly present: boolean;
  /** Of the certificate in a `kubernetes.io/tls` secret, ISO 8601; null: it holds none that can be read. */
  readonly expiresAt: string | null;
}

export interface Amount {
  /** Thousandths of a core. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
  readonly pods: number;
}

interface Container {
  readonly name?: string;
  readonly image: string;
  readonly resources?: { readonly requests?: Quantities };
  readonly env?: readonly { readonly valueFrom?: { secretKeyRef?: Named; configMapKeyRef?: Named } }[];
  readonly envFrom?: readonly { readonly secretRef?: Named; readonly configMapRef?: Named }[];
}
type Named = { readonly name?: string; readonly optional?: boolean };
type Quantities = Readonly<Record<string, string>>;
interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly imagePullSecrets?: readonly Named[];
  readonly volumes?: readonly {
    readonly secret?: { readonly secretName?: string; readonly optional?: boolean };
    readonly configMap?: Named;
  }[];
}

export async function readSide(cluster: Cluster, target: ClusterTarget, refs: readonly string[]): Promise<Side> {
  const found = await Promise.all(refs.map((ref) => orNull(cluster.get<ApiWorkload>(workloadPath(target, ref)))));
  const specs = found.flatMap((one) => (one === null ? [] : [one.spec.template.spec as PodSpec]));
  const names = (kind: keyof ReturnType<typeof namedIn>) => [...new Set(specs.flatMap((spec) => namedIn(spec)[kind]))];
  const base = `/api/v1/namespaces/${target.namespace}`;
  const [configMapsMissing, secrets, gives, quotaLeft] = await Promise.all([
    ifAllowed(missingOf(cluster, `${base}/configmaps`, names("configMaps"))),
    ifAllowed(readSecrets(cluster, base, names("secrets"))),
    ifAllowed(readGives(cluster)),
    ifAllowed(readQuotaLeft(cluster, base)),
  ]);
  return {
    workloads: found.flatMap((one, i) => (one === null ? [] : [workloadOf(refs[i] as string, one)])),
    missing: refs.filter((_, i) => found[i] === null),
    ...{ configMapsMissing, secrets, gives, quotaLeft },
  };
}

function workloadOf(ref: string, { spec }: ApiWorkload): SideWorkload {
  const pod = spec.template.spec as PodSpec;
  const images = [...(pod.initContainers ?? []), ...pod.containers].map(({ image }) => image);
  const asked = (key: "cpu" | "memory") =>
    pod.containers.reduce((sum, { resources }) => sum + quantityOf(resources?.requests?.[key] ?? "0"), 0);
  const asks = { cpu: asked("cpu") * 1000, memory: asked("memory"), pods: 1 };
  return { ref, images, replicas: spec.replicas ?? 1, asks };
}

/** What pods can't start without; what is optional isn't asked for. */
function namedIn({ containers, initContainers = [], imagePullSecrets = [], volumes = [] }: PodSpec) {
  const all = [...initContainers, ...containers];
  const refs = all.flatMap(({ env = [], envFrom = [] }) => [
    ...env.map(({ valueFrom }) => ({ secret: valueFrom?.secretKeyRef, configMap: valueFrom?.configMapKeyRef })),
    ...envFrom.map(({ secretRef, configMapRef }) => ({ secret: secretRef, configMap: configMapRef })),
  ]);
  const needed = (one: Named | undefined) => (one?.name === undefined || one.optional === true ? [] : [one.name]);
  return {
    secrets: [
      ...refs.flatMap(({ secret }) => needed(secret)),
      ...imagePullSecrets.flatMap(needed),
      ...volumes.flatMap(({ secret }) => needed(secret && { name: secret.secretName ?? "", ...secret })),
    ],
    configMaps: [
      ...refs.flatMap(({ configMap }) => needed(configMap)),
      ...volumes.flatMap(({ configMap }) => needed(configMap)),
    ],
  };
}

function readSecrets(cluster: Cluster, base: string, names: readonly string[]): Promise<readonly SecretView[]> {
  return Promise.all(
    names.map(async (name): Promise<SecretView> => {
      const secret = await orNull(
        cluster.get<{ data?: Readonly<Record<string, string>> }>(`${base}/secrets/${encodeURIComponent(name)}`),
      );
      const certificate = secret?.data?.["tls.crt"];
      return { name, present: secret !== null, expiresAt: certificate === undefined ? null : expiryOf(certificate) };
    }),
  );
}

/** @param base64 PEM, of which the first certificate counts */
function expiryOf(base64: string): string | null {
  try {
    return new Date(new X509Certificate(Buffer.from(base64, "base64")).validTo).toISOString();
  } catch {
    return null;
  }
}

interface ApiNode {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly allocatable?: Quantities;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

async function readGives(cluster: Cluster): Promise<Amount | null> {
  const nodes = (await cluster.list<ApiNode>("/api/v1/nodes")).filter(
    ({ spec, status }) =>
      spec?.unschedulable !== true &&
      (status?.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True"),
  );
  const all = nodes.flatMap(({ status }) => (status?.allocatable === undefined ? [] : [status.allocatable]));
  if (all.length < nodes.length || all.length === 0) return null;
  const given = (one: Quantities, key: keyof Amount) => quantityOf(one[key] ?? "Infinity");
  const sum = (key: keyof Amount) => all.reduce((total, one) => total + given(one, key), 0);
  return { cpu: sum("cpu") * 1000, memory: sum("memory"), pods: sum("pods") };
}

interface ApiQuota {
  readonly spec?: { readonly hard?: Quantities };
  readonly status?: { readonly hard?: Quantities; readonly used?: Quantities };
}

/** The tightest of several. */
async function readQuotaLeft(cluster: Cluster, base: string): Promise<Partial<Amount> | null> {
  const quotas = await cluster.list<ApiQuota>(`${base}/resourcequotas`);
  if (quotas.length === 0) return null;
  const left = (names: readonly string[]) =>
    Math.min(
      ...quotas.flatMap(({ spec, status }) =>
        names.flatMap((name) => {
          const hard = status?.hard?.[name] ?? spec?.hard?.[name];
          return hard === undefined ? [] : [quantityOf(hard) - quantityOf(status?.used?.[name] ?? "0")];
        }),
      ),
    );
  const found = {
    cpu: left(["requests.cpu", "cpu"]) * 1000,
    memory: left(["requests.memory", "memory"]),
    pods: left(["pods", "count/pods"]),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => Number.isFinite(value)));
}

const SUFFIX: Readonly<Record<string, number>> = {
  ...{ m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50 },
};

/** Kubernetes' quantities: `250m`, `1.5`, `512Mi`. What can't be read is nothing. */
export function quantityOf(text: string): number {
  if (text === "Infinity") return Number.POSITIVE_INFINITY;
  const [, number = "0", suffix = ""] = /^([0-9.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  return Number(number) * (SUFFIX[suffix] ?? 1);
}

async function missingOf(cluster: Cluster, path: string, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => orNull(cluster.get(`${path}/${encodeURIComponent(name)}`))));
  return names.filter((_, i) => found[i] === null);
}

/** Null: the login may not. What only this look asks for keeps nothing from being looked at. */
async function ifAllowed<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (statusOf(error) === 403) return null;
    throw error;
  }
}

async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}
