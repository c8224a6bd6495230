import { describe, expect, test } from "@jest/globals";
import { type Aws, anInstance } from "../../../src/practice/estate/aws/index.ts";
import { blockedBy } from "../conductor.ts";
import { attempt } from "./engine.ts";
import { ACCOUNT, conductorFor, EAST, rdsPlace, type Scenario, standIn, survives, WEST } from "./matrix.ts";

const fenced = {
  fence: { says: "orders-a is fenced.", facts: [{ id: "fenced", label: "Fenced", value: true, material: false }] },
};

const add = (aws: Aws, of: Parameters<typeof anInstance>[0]) => {
  const one = anInstance(of);
  aws.world.instances.set(`${of.region}/${of.id}`, one);
  return one;
};
const get = (aws: Aws, region: string, id: string) => aws.world.instances.get(`${region}/${id}`);

const reboot: Scenario = {
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

const promote: Scenario = {
  action: "rds.promote_replica",
  operation: "PromoteReadReplica",
  scale: 0.002,
  evidence: fenced,
  input: () => ({ ...rdsPlace(WEST), replica: "orders-b", fenceStep: "fence", maxLagSeconds: 300 }),
  prepare(aws) {
    add(aws, { id: "orders", region: EAST });
    add(aws, { id: "orders-b", region: WEST, source: { id: "orders", region: EAST } });
    aws.world.metrics.set("AWS/RDS ReplicaLag orders-b", 12);
  },
  holds: (aws) => get(aws, WEST, "orders-b")?.source === null,
  byHand(aws) {
    const one = get(aws, WEST, "orders-b");
    if (one) one.source = null;
    const message = "Promoted Read Replica instance to a stand-alone database instance.";
    aws.world.events.push({ instance: "orders-b", region: WEST, category: "notification", message, at: new Date() });
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
    void aws.world.clusters.set(`${EAST}/shop`, {
      id: "shop",
      region: EAST,
      status: "available",
      members: ["shop-1", "shop-2"],
      writer: "shop-1",
    }),
  holds: (aws) => aws.world.clusters.get(`${EAST}/shop`)?.writer === "shop-2",
  byHand(aws) {
    const one = aws.world.clusters.get(`${EAST}/shop`);
    if (one) one.writer = "shop-2";
  },
  wrong(aws) {
    const one = aws.world.clusters.get(`${EAST}/shop`);
    if (one) one.status = "modifying";
  },
};

const arn = (region: string) => `arn:aws:rds:${region}:${ACCOUNT}:cluster:world`;
const globally = (action: string, operation: string, more: object): Scenario => ({
  action,
  operation,
  input: () => ({ ...rdsPlace(WEST), global: "world", target: arn(WEST), ...more }),
  prepare: (aws) =>
    void aws.world.globals.set("world", {
      id: "world",
      state: null,
      members: [EAST, WEST].map((region) => ({
        arn: arn(region),
        writer: region === EAST,
        synchronization: "connected",
      })),
    }),
  holds: (aws) => aws.world.globals.get("world")?.members.find((one) => one.writer)?.arn === arn(WEST),
  byHand(aws) {
    for (const one of aws.world.globals.get("world")?.members ?? []) one.writer = one.arn === arn(WEST);
  },
  wrong(aws) {
    const one = aws.world.globals.get("world");
    if (one) one.state = { status: "switching-over", from: arn(EAST), to: arn(WEST), lossAllowed: false };
  },
});

const groups = { subnetGroup: "private", securityGroups: ["sg-app"], parameterGroup: "orders-16" };
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
    void aws.world.snapshots.push({ id: "nightly", region: EAST, instance: "orders", status: "available" }),
  wrong: (aws) => void aws.world.snapshots.splice(0, 1, { ...aws.world.snapshots[0], status: "creating" } as never),
};
const rename: Scenario = {
  action: "rds.rename",
  operation: "ModifyDBInstance",
  input: () => ({ ...rdsPlace(EAST), from: "orders", to: "orders-old" }),
  prepare: (aws) => void add(aws, { id: "orders", region: EAST }),
  holds: (aws) => get(aws, EAST, "orders-old") !== undefined && get(aws, EAST, "orders") === undefined,
  byHand(aws) {
    const one = get(aws, EAST, "orders");
    if (one) aws.world.instances.set(`${EAST}/orders-old`, Object.assign(one, { id: "orders-old" }));
    aws.world.instances.delete(`${EAST}/orders`);
  },
  wrong: (aws) => void add(aws, { id: "orders-old", region: EAST }),
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

const group = (aws: Aws) => aws.world.parameterGroups.get(`${EAST}/orders-16`);
const readOnly: Scenario = {
  action: "rds.set_read_only",
  operation: "ModifyDBParameterGroup",
  input: () => ({ ...rdsPlace(EAST), instance: "orders", parameterGroup: "orders-16", readOnly: true }),
  prepare(aws) {
    add(aws, { id: "orders", region: EAST, parameterGroup: "orders-16" });
    aws.world.parameterGroups.set(`${EAST}/orders-16`, new Map([["wal_keep_size", "64"]]));
  },
  holds: (aws) => group(aws)?.get("default_transaction_read_only") === "1",
  byHand: (aws) => void group(aws)?.set("default_transaction_read_only", "1"),
  // Another instance would be made read-only with it.
  wrong: (aws) => void add(aws, { id: "ledger", region: EAST, parameterGroup: "orders-16" }),
};

for (const scenario of [
  reboot,
  readOnly,
  promote,
  cluster,
  globally("rds.global_switchover", "SwitchoverGlobalCluster", {}),
  globally("rds.global_failover", "FailoverGlobalCluster", { allowDataLoss: true }),
  pitr,
  snapshot,
  rename,
  multiAz,
  replica,
]) {
  survives(scenario);
}

describe("rds.check_backups", () => {
  const stand = standIn();
  const given = { ...rdsPlace(EAST), instance: "orders" };
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3600_000);
  const snapshotOf = (more: object) => ({ id: "n", region: EAST, instance: "orders", status: "available", ...more });

  test.each([
    ["a fresh one", { at: hoursAgo(3) }, {}, []],
    ["an old one", { at: hoursAgo(30) }, {}, ["snapshot.age"]],
    ["one that is still being made", { status: "creating" }, {}, ["snapshot.age", "encrypted"]],
    ["one that anybody could read", { encrypted: false }, {}, ["encrypted"]],
    ["too few days of backups", {}, { retentionDays: 1 }, ["retention"]],
    ["a log that lags", {}, { restorableUntil: () => hoursAgo(1) }, ["restorable"]],
  ])("%s", async (_what, snapshot, more: object, blocks) => {
    const aws = stand.aws();
    add(aws, { id: "orders", region: EAST, ...more });
    aws.world.snapshots.push(snapshotOf(snapshot), { ...snapshotOf({}), instance: "ledger" });
    const { checks } = await conductorFor({}).look("rds.check_backups", given);
    expect(blockedBy(checks)).toEqual(blocks);
  });

  test("the newest of an instance is what is restored, and what people are shown", async () => {
    const aws = stand.aws();
    for (const [id, hours] of Object.entries({ older: 30, newest: 2, oldest: 60 }))
      aws.world.snapshots.push(snapshotOf({ id, at: hoursAgo(hours) }));
    const from = { ...rdsPlace(EAST), ...groups, newestOf: "orders", target: "orders-new" };
    const { facts } = await conductorFor({}).look("rds.restore_snapshot", from);
    expect(facts.from).toBe("newest");
    aws.world.clock.stop();
    await attempt(conductorFor({}), "rds.restore_snapshot", from, { failSeconds: 0.2 });
    expect(aws.ledger.of("RestoreDBInstanceFromDBSnapshot")[0]?.given).toMatchObject({
      DBSnapshotIdentifier: "newest",
    });
  });
});

describe("RDS as it fools people", () => {
  const stand = standIn();

  test("a promotion is believed when the source is gone, not while the status still says available", async () => {
    const aws = stand.aws();
    promote.prepare(aws);
    const conductor = conductorFor(promote);
    const outcome = await attempt(conductor, promote.action, promote.input(aws));
    expect(outcome).toMatchObject({ is: "verified", evidence: { rpo: { seconds: 12 } } });
    expect(conductor.progress).toEqual(
      expect.arrayContaining([
        "orders-b is modifying and still a replica",
        "orders-b is rebooting and still a replica",
        "orders-b is available and replicates nothing",
      ]),
    );
  });

  test.each([
    ["no fence", { evidence: {} }, {}, ["evidence.fence"]],
    ["lag over the limit", {}, { lag: 301 }, ["replica.lag"]],
    ["no data on the lag", {}, {}, ["replica.lag"]],
    ["replication not active (-1)", {}, { lag: -1 }, ["replica.lag"]],
    [
      "replication stopped",
      {},
      { lag: 12, replication: { status: "stopped", normal: false } },
      ["replica.replicating"],
    ],
  ])(
    "nobody is promoted with %s",
    async (_what, more, { lag, replication }: { lag?: number; replication?: object }, blocks) => {
      const aws = stand.aws();
      promote.prepare(aws);
      if (replication) Object.assign(get(aws, WEST, "orders-b") ?? {}, { replication });
      if (lag !== undefined) aws.world.metrics.set("AWS/RDS ReplicaLag orders-b", lag);
      else if (blocks[0] === "replica.lag") aws.world.metrics.clear();
      const { checks } = await conductorFor({ ...promote, ...more }).look(promote.action, promote.input(aws));
      expect(blockedBy(checks)).toEqual(blocks);
    },
  );

  test("a zone that changed is the only thing that says a failover happened; a person's retry looks first", async () => {
    const aws = stand.aws();
    reboot.prepare(aws);
    const conductor = conductorFor(reboot);
    aws.weather.next("RebootDBInstance", "replyLost");
    const given = { ...rdsPlace(EAST), instance: "orders" };
    const first = await attempt(conductor, reboot.action, given);
    expect(["asksAPerson", "verified"]).toContain(first.is);
    const before = "before" in first ? first.before : null;
    if (before) expect(await attempt(conductor, reboot.action, given, { before })).toMatchObject({ is: "verified" });
    expect(aws.ledger.of("RebootDBInstance")).toHaveLength(1);
    expect(get(aws, EAST, "orders")?.zone).toBe("us-east-1b");
  });

  test("a global failover never leaves out that data may be lost", async () => {
    const aws = stand.aws();
    const scenario = globally("rds.global_failover", "FailoverGlobalCluster", { allowDataLoss: true });
    scenario.prepare(aws);
    await attempt(conductorFor(scenario), scenario.action, scenario.input(aws));
    expect(aws.ledger.of("FailoverGlobalCluster")[0]?.given).toMatchObject({ AllowDataLoss: "true" });
    const { action } = conductorFor({});
    expect(
      action(scenario.action).input.safeParse({ ...(scenario.input(aws) as object), allowDataLoss: false }),
    ).toMatchObject({
      success: false,
    });
  });

  test("a region that is gone is an observation, and no call goes to the other one", async () => {
    const aws = stand.aws();
    promote.prepare(aws);
    aws.weather.down(EAST);
    const outcome = await attempt(conductorFor(promote), promote.action, promote.input(aws));
    expect(outcome).toMatchObject({ is: "verified" });
    expect(aws.ledger.entries.filter((entry) => entry.region === EAST)).toEqual([]);

    aws.weather.down(WEST);
    const { checks, facts } = await conductorFor({}).look("rds.check", { ...rdsPlace(WEST), instance: "orders-b" });
    expect(blockedBy(checks)).toEqual(["aws.account", "instance.there"]);
    expect(facts.status).toBe("not seen (silent)");
  });

  test("a region that does not answer is left unfenced only where that is accepted, and then nothing is sent", async () => {
    const aws = stand.aws();
    readOnly.prepare(aws);
    aws.weather.down(EAST);
    const given = readOnly.input(aws) as object;
    expect(await attempt(conductorFor({}), readOnly.action, given)).toMatchObject({ is: "failed" });
    const accepted = await attempt(conductorFor({}), readOnly.action, { ...given, acceptUnreachable: true });
    expect(accepted).toMatchObject({
      is: "verified",
      evidence: { says: expect.stringContaining("was left as it is"), facts: [{ id: "readOnly", value: null }] },
    });
    expect(aws.ledger.of("ModifyDBParameterGroup")).toHaveLength(0);
  });

  test("a permission that is missing is named before anything starts", async () => {
    const aws = stand.aws();
    reboot.prepare(aws);
    aws.weather.deny("rds:DescribeEvents");
    const { checks } = await conductorFor({}).look(reboot.action, reboot.input(aws));
    expect(checks.find((check) => check.id === "instance.events")).toMatchObject({
      ok: false,
      says: expect.stringContaining("Allow rds:DescribeEvents."),
    });
    aws.weather.clear();
    aws.weather.deny("rds:RebootDBInstance");
    expect(await attempt(conductorFor({}), reboot.action, reboot.input(aws))).toMatchObject({
      why: expect.stringContaining("Allow rds:RebootDBInstance"),
    });
  });

  test("without a stand-in practice calls nobody", async () => {
    delete process.env.AWS_ENDPOINT_URL;
    await expect(conductorFor({}).look("rds.check", { ...rdsPlace(WEST), instance: "x" })).rejects.toMatchObject({
      problem: { code: "aws-endpoint-missing" },
    });
    process.env.AWS_ENDPOINT_URL = "https://rds.us-west-2.amazonaws.com.example.org";
    await expect(conductorFor({}).look("rds.check", { ...rdsPlace(WEST), instance: "x" })).rejects.toThrow();
  });
});
