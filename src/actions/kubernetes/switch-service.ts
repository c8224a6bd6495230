import { z } from "zod";
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
import { until } from "../poll.ts";
import { inverse, undoneBy } from "../undo.ts";
import { kubernetesPermissions } from "./permissions.ts";

const input = z
  .strictObject({
    cluster: clusterInput,
    service: dnsName,
    /** The label of the Service's selector that tells the two sides apart: `color`. */
    label: z.string().min(1).max(317),
    from: z.string().min(1).max(63),
    to: z.string().min(1).max(63),
    /** So many pods of the other side have to be ready. */
    readyAtLeast: z.number().int().min(1).max(1000).default(1),
  })
  .refine(({ from, to }) => from !== to, { path: ["to"], message: "has to differ from from" });
type Input = z.infer<typeof input>;

type Seen = Look<{
  readonly value: string | null;
  readonly present: boolean;
  /** Ready pods of the side that is switched to. */
  readonly ready: number;
}>;

/** Lets a Service lead to the other side: one patch that tests the side it is on and changes it, or nothing. */
export const switchService = defineAction<Input, Seen>({
  id: "kubernetes.switch_service",
  summary: "Let a Service lead to the other side",
  input,
  risk: "disruptive",
  service: "restores",
  leads: true,
  endsFence: true,
  repeat: "guarded",
  budget: { typicalSeconds: 2, warnSeconds: 20, failSeconds: 60 },
  resources: ({ cluster }) => [namespaceResource(cluster)],
  observe: (ctx, given) =>
    lookAtCluster(ctx, given.cluster, kubernetesPermissions["kubernetes.switch_service"](given), (cluster) =>
      look(cluster, given),
    ),
  facts: (seen, { cluster, service, label, to }) => [
    answersFact(seen, cluster),
    { id: "selected", label: `${service} leads to ${label}`, value: seen.answers ? seen.value : null, material: true },
    { id: "ready", label: `Ready pods with ${label} ${to}`, value: seen.answers ? seen.ready : null, material: false },
  ],
  ready: (seen, given) => [
    ...clusterChecks(seen, given.cluster),
    ...(seen.answers ? [onOneSide(seen.value, seen.present, given), podsReady(seen.ready, given)] : []),
  ],
  done(seen, { from, to }) {
    if (!seen.answers) return "unknown";
    if (seen.value === to) return "yes";
    return seen.value === from ? "no" : "partial";
  },
  async apply(ctx, { cluster: target, service, label, from, to }) {
    const path = `/spec/selector/${label.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const cluster = await openCluster(ctx, target);
    try {
      await cluster.patch(servicePath(target, service), "json", [
        { op: "test", path, value: from },
        { op: "replace", path, value: to },
      ]);
      return {};
    } catch (error) {
      if (statusOf(error) !== 422) throw error;
      return { refused: "it did not lead there any more" };
    }
  },
  async verify(ctx, given) {
    const { cluster: target, service, label, to, readyAtLeast } = given;
    let state = `${service} was not seen`;
    const what = `${service} to lead to ${readyAtLeast} ready pods of ${to}`;
    return await until(
      { what, seconds: 45, everyMilliseconds: 200, signal: ctx.signal, stateNow: () => state },
      async () => {
        const cluster = await openCluster(ctx, target);
        const [seen, leads] = await Promise.all([look(cluster, given), endpointsOf(cluster, given)]);
        state = `${service} leads to ${label} ${seen.value}, ${leads.right} pods of ${to} and ${leads.wrong} others`;
        if (seen.value !== to || leads.right < readyAtLeast || leads.wrong > 0) return null;
        return {
          says: `${service} leads to ${leads.right} ready pods with ${label} ${to}, and to no others.`,
          facts: [
            { id: "selected", label: `${service} leads to ${label}`, value: to, material: false },
            { id: "endpoints", label: `${service} ready endpoints`, value: leads.right, material: false },
          ],
        };
      },
    );
  },
  undo: undoneBy((_before, given) => {
    const { service, from, to } = given;
    const says = `Let ${service} lead from ${to} back to ${from}`;
    return inverse("kubernetes.switch_service", { ...given, from: to, to: from }, says);
  }),
});

interface ApiService {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> };
}
interface ApiPod {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}
interface ApiSlice {
  readonly endpoints?: readonly {
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly name?: string };
  }[];
}

async function look(cluster: Cluster, { cluster: target, service, label, to }: Input) {
  let found: ApiService;
  try {
    found = await cluster.get<ApiService>(servicePath(target, service));
  } catch (error) {
    if (statusOf(error) === 404) return { value: null, present: false, ready: 0 };
    throw error;
  }
  const selector = found.spec?.selector ?? {};
  const pods = await podsOf(cluster, target, { ...selector, [label]: to });
  return { value: selector[label] ?? null, present: true, ready: pods.filter(isReady).length };
}

async function podsOf(cluster: Cluster, { namespace }: ClusterTarget, labels: Readonly<Record<string, string>>) {
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return await cluster.list<ApiPod>(`/api/v1/namespaces/${namespace}/pods`, { labelSelector });
}

/** What the Service's traffic really reaches now: the slices follow the selector a little later. */
async function endpointsOf(cluster: Cluster, { cluster: target, service, label, to }: Input) {
  const [pods, slices] = await Promise.all([
    podsOf(cluster, target, { [label]: to }),
    cluster.list<ApiSlice>(`/apis/discovery.k8s.io/v1/namespaces/${target.namespace}/endpointslices`, {
      labelSelector: `kubernetes.io/service-name=${service}`,
    }),
  ]);
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  const ready = slices.flatMap(({ endpoints = [] }) =>
    endpoints.filter(({ conditions }) => conditions?.ready !== false),
  );
  const right = ready.filter(({ targetRef }) => names.has(targetRef?.name ?? "")).length;
  return { right, wrong: ready.length - right };
}

function isReady({ status }: ApiPod): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
}

function servicePath({ namespace }: ClusterTarget, service: string): string {
  return `/api/v1/namespaces/${namespace}/services/${service}`;
}

function onOneSide(value: string | null, present: boolean, { service, label, from, to }: Input): Check {
  const ok = value === from || value === to;
  const found = present ? `leads to ${label} ${value ?? "nothing"}` : "is not there";
  return {
    id: "service.side",
    level: "block",
    ok,
    says: ok ? `${service} ${found}.` : `${service} ${found}, and not to ${from}.`,
  };
}

function podsReady(ready: number, { cluster, label, to, readyAtLeast }: Input): Check {
  const ok = ready >= readyAtLeast;
  const says = `${ready} pods with ${label} ${to} are ready${ok ? "" : `; ${readyAtLeast} are needed`}.`;
  // A pod is ready when the program in it is: the one who starts, promotes or restores that one makes it so.
  const madeSoBy = { resources: [namespaceResource(cluster)], actions: ["postgres.promote", "script.run"] };
  return { id: "evidence.ready", level: "block", ok, says, madeSoBy };
}
