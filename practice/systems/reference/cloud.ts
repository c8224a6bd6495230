import { soon } from "../../environment/patience.ts";
import { type Aws, createAws, type RecordSet } from "../../targets/aws/index.ts";
import { createCluster, type PracticeCluster } from "../../targets/kubernetes/index.ts";

/** Names and addresses of the company, as its zone has them. The addresses are only ever looked up, never connected to. */
export const NAMES = {
  zone: "Z0REFERENCE",
  publicName: "www.reference.test",
  balancedName: "api.reference.test",
  east: "127.0.1.1",
  west: "127.0.2.1",
  /** Probes the entrance of us-east-1. */
  healthCheck: "hc-us-east-1",
  /** On the PRIMARY record: healthy while the entrance is and the routing control is on. */
  recordCheck: "hc-primary",
  controlCheck: "hc-control",
  control: "arn:aws:route53-recovery-control::111122223333:controlpanel/reference/routingcontrol/primary",
} as const;
export const REPLICAS = { east: 3, west: 1, all: 4 };
const SCALE = 0.005;
/** Namespaces a restore may have made. */
const RESTORED = "production-dr";

/** Two Kubernetes clusters and AWS. */
export interface Cloud {
  readonly aws: Aws;
  readonly east: PracticeCluster;
  readonly west: PracticeCluster;
  /** As the document describes it, whatever was before. */
  whole(): Promise<void>;
  /** The application runs in us-east-1 again; nothing else changes. */
  revive(): Promise<void>;
  /** All of the balanced traffic leads to us-west-2. */
  evacuate(): void;
  close(): Promise<void>;
}

export async function createCloud(): Promise<Cloud> {
  const [aws, east, west] = await Promise.all([
    createAws({ scale: SCALE }),
    createCluster({ name: "us-east-1", nodes: ["east-1", "east-2", "east-3"] }),
    createCluster({ name: "us-west-2", nodes: ["west-1", "west-2", "west-3"] }),
  ]);
  const sets = recordSets();
  aws.state.zones.set(NAMES.zone, { id: NAMES.zone, records: sets, served: sets, protections: [], busyUntil: 0 });
  const check = { id: NAMES.healthCheck, version: 1, disabled: false, inverted: false, endpointUp: true };
  const { healthCheck, controlCheck, recordCheck, control } = NAMES;
  aws.state.healthChecks.set(healthCheck, check);
  aws.state.healthChecks.set(controlCheck, { ...check, id: controlCheck, routingControl: control });
  aws.state.healthChecks.set(recordCheck, { ...check, id: recordCheck, children: [healthCheck, controlCheck] });
  aws.state.controls.set(control, "On");
  for (const cluster of [east, west]) populate(cluster, cluster === east ? REPLICAS.east : REPLICAS.west);
  return {
    aws,
    east,
    west,
    async whole() {
      aws.faults.clear();
      const zone = aws.state.zones.get(NAMES.zone);
      if (zone) Object.assign(zone, { records: recordSets(), served: recordSets() });
      const one = aws.state.healthChecks.get(NAMES.healthCheck);
      aws.state.controls.set(control, "On");
      if (one) Object.assign(one, { disabled: false, inverted: false, endpointUp: true, version: one.version + 1 });
      for (const cluster of [east, west]) cluster.faults.clear();
      tidy(east, REPLICAS.east);
      tidy(west, REPLICAS.west);
      await Promise.all([
        available(east, REPLICAS.east),
        available(west, REPLICAS.west),
        backedUp(east, REPLICAS.east),
        backedUp(west, REPLICAS.west),
      ]);
    },
    async revive() {
      tidy(east, REPLICAS.east);
      await available(east, REPLICAS.east);
    },
    evacuate() {
      const zone = aws.state.zones.get(NAMES.zone);
      const weights: Readonly<Record<string, number>> = { "us-east-1": 0, "us-west-2": 100 };
      const records = recordSets().map((one) => {
        const weight = one.name === NAMES.balancedName ? weights[one.setIdentifier ?? ""] : undefined;
        return weight === undefined ? one : { ...one, weight };
      });
      if (zone) Object.assign(zone, { records, served: records });
    },
    async close() {
      await Promise.all([aws.close(), east.close(), west.close()]);
    },
  };
}

function recordSets(): RecordSet[] {
  const { publicName, balancedName, east, west, recordCheck: healthCheck } = NAMES;
  const record = { type: "A", ttl: 60 };
  return [
    { ...record, name: publicName, setIdentifier: "primary", failover: "PRIMARY", healthCheck, values: [east] },
    { ...record, name: publicName, setIdentifier: "secondary", failover: "SECONDARY", values: [west] },
    { ...record, name: balancedName, setIdentifier: "us-east-1", weight: 50, values: [east] },
    { ...record, name: balancedName, setIdentifier: "us-west-2", weight: 50, values: [west] },
  ];
}

function populate(cluster: PracticeCluster, replicas: number): void {
  cluster.put("backupstoragelocations", "velero", {
    metadata: { name: "default" },
    status: { phase: "Available" },
  });
  cluster.put("configmaps", "entrance", { metadata: { name: "entrance" }, data: { NAMESPACE: "production" } });
  runApplication(cluster, replicas);
}

function runApplication(cluster: PracticeCluster, replicas: number): void {
  const labels = { app: "api" };
  cluster.put("deployments", "production", {
    metadata: { name: "api", labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "api", image: "api:1" }] } },
    },
  });
  if (cluster.get("services", "production", "api")) return;
  cluster.put("services", "production", {
    metadata: { name: "api" },
    spec: { selector: labels, ports: [{ port: 80 }] },
  });
}

/** With everything it made: no one collects that here. */
export function removeApplication(cluster: PracticeCluster, namespace: string): void {
  for (const plural of ["deployments", "replicasets", "pods"]) {
    for (const { metadata } of cluster.list(plural, namespace)) cluster.remove(plural, namespace, metadata.name);
  }
}

function tidy(cluster: PracticeCluster, replicas: number): void {
  for (const plural of ["services", "configmaps"]) {
    for (const { metadata } of cluster.list(plural, RESTORED)) cluster.remove(plural, RESTORED, metadata.name);
  }
  removeApplication(cluster, RESTORED);
  cluster.edit("configmaps", "entrance", "entrance", (one) => {
    one.data = { NAMESPACE: "production" };
  });
  if (!cluster.get("deployments", "production", "api")) {
    runApplication(cluster, replicas);
    return;
  }
  cluster.edit("deployments", "production", "api", (one) => {
    one.spec = { ...one.spec, replicas };
    one.metadata = { ...one.metadata, annotations: {} };
  });
}

async function available(cluster: PracticeCluster, replicas: number): Promise<void> {
  await soon(`${cluster.name} running the application`, async () => {
    const status = cluster.get("deployments", "production", "api")?.status;
    return status?.availableReplicas === replicas && status.replicas === replicas;
  });
}

/** Velero's daily backup, made as soon as there is something to keep. */
async function backedUp(cluster: PracticeCluster, replicas: number): Promise<void> {
  await available(cluster, replicas);
  const name = "daily-backup-1";
  if (!cluster.get("backups", "velero", name)) {
    const labels = { "velero.io/schedule-name": "daily-backup" };
    cluster.put("backups", "velero", { metadata: { name, labels }, spec: { includedNamespaces: ["production"] } });
  }
  await soon("the daily backup", async () => cluster.get("backups", "velero", name)?.status?.phase === "Completed");
}
