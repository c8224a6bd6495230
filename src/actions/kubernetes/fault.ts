import { z } from "zod";
import type { Check } from "../contract.ts";
import { type Cluster, type ClusterTarget, clusterInput, namespaceResource, statusOf } from "../kubernetes-client.ts";

/**
 * What drills break in a cluster, and how it ends without Lifeboat: a Job with `activeDeadlineSeconds` ends by the cluster's own clock, is deleted
 * at once (`ttlSecondsAfterFinished: 0`), and what it owns goes with it. Sources: kubernetes.io/docs/concepts/workloads/controllers/job,
 * /ttlafterfinished and /concepts/architecture/garbage-collection.
 */

/** On everything that a drill has made or marked; its value is the fault's name. */
export const FAULT = "lifeboat.dev/fault";
export const ZONE = "topology.kubernetes.io/zone";

export const faultName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/);

/** What every break takes. */
export const faultInput = z.strictObject({
  cluster: clusterInput,
  /** Tells the faults of a cluster apart, and is what `kubernetes.lift_fault` is told. */
  fault: faultName,
  /** It ends after this, whatever becomes of the run. */
  seconds: z.number().int().min(30).max(7200).default(1800),
});

/** Name of the Job and of the NetworkPolicy. */
export function objectOf(fault: string): string {
  return `lifeboat-fault-${fault}`;
}

export function jobsPath({ namespace }: ClusterTarget): string {
  return `/apis/batch/v1/namespaces/${namespace}/jobs`;
}

export function policiesPath({ namespace }: ClusterTarget): string {
  return `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;
}

/** One fault of a namespace begins or ends at a time. */
export function faultResource(cluster: ClusterTarget): string {
  return namespaceResource(cluster);
}

/** Nodes are the whole cluster's. */
export function zoneResource({ clusterUid }: ClusterTarget): string {
  return `kubernetes:${clusterUid}/zones`;
}

export interface Kept {
  readonly uid: string;
  /** It has ended, or is being deleted: the cluster removes it. */
  readonly ending: boolean;
}

interface ApiKept {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** A Job or NetworkPolicy of ours; null: it isn't there. */
export async function readKept(cluster: Cluster, path: string): Promise<Kept | null> {
  try {
    const { metadata, status } = await cluster.get<ApiKept>(path);
    const over = (status?.conditions ?? []).some(
      ({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True",
    );
    return { uid: metadata.uid, ending: over || metadata.deletionTimestamp !== undefined };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** Creates it, or finds that an attempt before this one did: names are the fault's own. */
export async function createOnce(
  cluster: Cluster,
  path: string,
  body: { metadata: { name: string } },
): Promise<string> {
  try {
    return (await cluster.create<ApiKept>(path, body)).metadata.uid;
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    return (await cluster.get<ApiKept>(`${path}/${body.metadata.name}`)).metadata.uid;
  }
}

/** Deletes it where it is there still. A 409 means that another object has its name by now. */
export async function removeKept(cluster: Cluster, path: string, kept: Kept | null): Promise<void> {
  if (kept === null) return;
  await cluster.remove(path, kept.uid).catch((error) => {
    const status = statusOf(error);
    if (status !== 404 && status !== 409) throw error;
  });
}

export interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly cpu: string;
  readonly memory: string;
}

/** A Job of so many pods that ends after `seconds` and leaves nothing. Its pods may do nothing but use what they are given. */
export function jobOf(fault: string, seconds: number, pods: number, { image, command, cpu, memory }: Container) {
  const labels = { [FAULT]: fault, "app.kubernetes.io/managed-by": "lifeboat" };
  const amount = { cpu, memory };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: objectOf(fault), labels },
    spec: {
      parallelism: pods,
      completions: pods,
      backoffLimit: 0,
      activeDeadlineSeconds: seconds,
      ttlSecondsAfterFinished: 0,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 0,
          securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              name: "fault",
              image,
              ...(command && { command }),
              resources: { requests: amount, limits: amount },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
            },
          ],
        },
      },
    },
  };
}

/** One of an earlier drill that is on its way out has the name still. */
export function nameFree(kept: Kept | null, fault: string): Check {
  const ok = kept?.ending !== true;
  const says = ok ? `No earlier fault is called ${fault}.` : `An earlier fault called ${fault} is still being removed.`;
  return { id: "fault.free", level: "block", ok, says };
}
