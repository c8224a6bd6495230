import { type Aws, anInstance } from "../../../practice/targets/aws/index.ts";
import type { FailureSuite } from "../../support/failure-case.ts";
import { ACCOUNT, EAST, overAws, rdsPlace, type Scenario, WEST } from "./fixture.ts";

const fenced = {
  fence: { says: "orders-a is fenced.", facts: [{ id: "fenced", label: "Fenced", value: true, material: false }] },
};

export const add = (aws: Aws, of: Parameters<typeof anInstance>[0]) => {
  const one = anInstance(of);
  aws.state.instances.set(`${of.region}/${of.id}`, one);
  return one;
};
export const get = (aws: Aws, region: string, id: string) => aws.state.instances.get(`${region}/${id}`);

export const reboot: Scenario = {
  action: "rds.reboot_failover",
  operation: "RebootDBInstance",
  input: () => ({ ...rdsPlace(EAST), instance: "orders", fromZone: "us-east-1a" }),
  prepare: (aws) => void add(aws, { id: "orders", region: EAST, multiAz: true }),
  holds: (aws) => get(aws, EAST, "orders")?.zone === "us-east-1b",
  byHand(aws) {
    const one = get(aws, EAST, "orders");
    if (one) [one.zone, one.secondZone] = [one.secondZone, one.zone];
  },
  wrong(aws) {
    const one = get(aws, EAST, "orders");
    if (one) one.multiAz = false;
  },
};

export const promote: Scenario = {
  action: "rds.promote_replica",
  operation: "PromoteReadReplica",
  scale: 0.002,
  evidence: fenced,
  input: () => ({ ...rdsPlace(WEST), replica: "orders-b", fenceStep: "fence", maxLagSeconds: 300 }),
  prepare(aws) {
    add(aws, { id: "orders", region: EAST });
    add(aws, { id: "orders-b", region: WEST, source: { id: "orders", region: EAST } });
    aws.state.metrics.set("AWS/RDS ReplicaLag orders-b", 12);
  },
  holds: (aws) => get(aws, WEST, "orders-b")?.source === null,
  byHand(aws) {
    const one = get(aws, WEST, "orders-b");
    if (one) one.source = null;
    const message = "Promoted Read Replica instance to a stand-alone database instance.";
    aws.state.events.push({ instance: "orders-b", region: WEST, category: "notification", message, at: new Date() });
  },
  wrong(aws) {
    const one = get(aws, WEST, "orders-b");
    if (one) one.status = "backing-up";
  },
};

const cluster: Scenario = {
  action: "rds.failover_cluster",
  operation: "FailoverDBCluster",
  input: () => ({ ...rdsPlace(EAST), cluster: "shop", target: "shop-2" }),
  prepare: (aws) =>
    void aws.state.clusters.set(`${EAST}/shop`, {
      id: "shop",
      region: EAST,
      status: "available",
      members: ["shop-1", "shop-2"],
      writer: "shop-1",
    }),
  holds: (aws) => aws.state.clusters.get(`${EAST}/shop`)?.writer === "shop-2",
  byHand(aws) {
    const one = aws.state.clusters.get(`${EAST}/shop`);
    if (one) one.writer = "shop-2";
  },
  wrong(aws) {
    const one = aws.state.clusters.get(`${EAST}/shop`);
    if (one) one.status = "modifying";
  },
};

const arn = (region: string) => `arn:aws:rds:${region}:${ACCOUNT}:cluster:world`;
export const globally = (action: string, operation: string, more: object): Scenario => ({
  action,
  operation,
  input: () => ({ ...rdsPlace(WEST), global: "world", target: arn(WEST), ...more }),
  prepare: (aws) =>
    void aws.state.globals.set("world", {
      id: "world",
      state: null,
      members: [EAST, WEST].map((region) => ({
        arn: arn(region),
        writer: region === EAST,
        synchronization: "connected",
      })),
    }),
  holds: (aws) => aws.state.globals.get("world")?.members.find((one) => one.writer)?.arn === arn(WEST),
  byHand(aws) {
    for (const one of aws.state.globals.get("world")?.members ?? []) one.writer = one.arn === arn(WEST);
  },
  wrong(aws) {
    const one = aws.state.globals.get("world");
    if (one) one.state = { status: "switching-over", from: arn(EAST), to: arn(WEST), lossAllowed: false };
  },
});

export const groups = { subnetGroup: "private", securityGroups: ["sg-app"], parameterGroup: "orders-16" };
const restored = (aws: Aws) => get(aws, EAST, "orders-new")?.securityGroups.join() === "sg-app";
const pitr: Scenario = {
  action: "rds.restore_pitr",
  operation: "RestoreDBInstanceToPointInTime",
  scale: 0.0007,
  input: () => ({ ...rdsPlace(EAST), ...groups, source: "orders", target: "orders-new", time: "latest" }),
  prepare: (aws) => void add(aws, { id: "orders", region: EAST }),
  holds: restored,
  byHand: (aws) => void add(aws, { id: "orders-new", region: EAST }),
  wrong(aws) {
    const one = get(aws, EAST, "orders");
    if (one) one.retentionDays = 0;
  },
};
const snapshot: Scenario = {
  ...pitr,
  action: "rds.restore_snapshot",
  operation: "RestoreDBInstanceFromDBSnapshot",
  input: () => ({ ...rdsPlace(EAST), ...groups, snapshot: "nightly", target: "orders-new" }),
  prepare: (aws) =>
    void aws.state.snapshots.push({ id: "nightly", region: EAST, instance: "orders", status: "available" }),
  wrong: (aws) => void aws.state.snapshots.splice(0, 1, { ...aws.state.snapshots[0], status: "creating" } as never),
};
const rename: Scenario = {
  action: "rds.rename",
  operation: "ModifyDBInstance",
  input: () => ({ ...rdsPlace(EAST), from: "orders", to: "orders-old" }),
  prepare: (aws) => void add(aws, { id: "orders", region: EAST }),
  holds: (aws) => get(aws, EAST, "orders-old") !== undefined && get(aws, EAST, "orders") === undefined,
  byHand(aws) {
    const one = get(aws, EAST, "orders");
    if (one) aws.state.instances.set(`${EAST}/orders-old`, Object.assign(one, { id: "orders-old" }));
    aws.state.instances.delete(`${EAST}/orders`);
  },
  wrong: (aws) => void add(aws, { id: "orders-old", region: EAST }),
};
export const remove: Scenario = {
  action: "rds.delete",
  operation: "DeleteDBInstance",
  evidence: fenced,
  input: () => ({ ...rdsPlace(EAST), instance: "orders", fenceStep: "fence" }),
  prepare: (aws) => void add(aws, { id: "orders", region: EAST }),
  holds: (aws) => get(aws, EAST, "orders") === undefined,
  byHand: (aws) => void aws.state.instances.delete(`${EAST}/orders`),
  // What replicates it would become a primary of its own.
  wrong: (aws) => void add(aws, { id: "orders-b", region: EAST, source: { id: "orders", region: EAST } }),
};
const multiAz: Scenario = {
  action: "rds.set_multi_az",
  operation: "ModifyDBInstance",
  input: () => ({ ...rdsPlace(EAST), instance: "orders" }),
  prepare: (aws) => void add(aws, { id: "orders", region: EAST }),
  holds: (aws) => get(aws, EAST, "orders")?.multiAz === true,
  byHand: (aws) => void Object.assign(get(aws, EAST, "orders") ?? {}, { multiAz: true }),
  wrong: (aws) => void Object.assign(get(aws, EAST, "orders") ?? {}, { status: "backing-up" }),
};
const replica: Scenario = {
  action: "rds.make_replica",
  operation: "CreateDBInstanceReadReplica",
  scale: 0.001,
  input: () => ({ ...rdsPlace(WEST), replica: "orders-c", source: "orders", sourceRegion: EAST }),
  prepare: (aws) => void add(aws, { id: "orders", region: EAST }),
  holds: (aws) => get(aws, WEST, "orders-c")?.source?.id === "orders",
  byHand: (aws) => void add(aws, { id: "orders-c", region: WEST, source: { id: "orders", region: EAST } }),
  wrong: (aws) => void Object.assign(get(aws, EAST, "orders") ?? {}, { retentionDays: 0 }),
};

const group = (aws: Aws) => aws.state.parameterGroups.get(`${EAST}/orders-16`);
export const readOnly: Scenario = {
  action: "rds.set_read_only",
  operation: "ModifyDBParameterGroup",
  input: () => ({ ...rdsPlace(EAST), instance: "orders", parameterGroup: "orders-16", readOnly: true }),
  prepare(aws) {
    add(aws, { id: "orders", region: EAST, parameterGroup: "orders-16" });
    aws.state.parameterGroups.set(`${EAST}/orders-16`, new Map([["wal_keep_size", "64"]]));
  },
  holds: (aws) => group(aws)?.get("default_transaction_read_only") === "1",
  byHand: (aws) => void group(aws)?.set("default_transaction_read_only", "1"),
  // Another instance would be made read-only with it.
  wrong: (aws) => void add(aws, { id: "ledger", region: EAST, parameterGroup: "orders-16" }),
};

export const suite: FailureSuite = {
  cases: [
    reboot,
    readOnly,
    promote,
    cluster,
    globally("rds.global_switchover", "SwitchoverGlobalCluster", {}),
    globally("rds.global_failover", "FailoverGlobalCluster", { allowDataLoss: true }),
    pitr,
    snapshot,
    rename,
    remove,
    multiAz,
    replica,
  ].map(overAws),
};
