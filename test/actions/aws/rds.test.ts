import { describe, expect, test } from "@jest/globals";
import type { Aws } from "../../../practice/targets/aws/index.ts";
import type { Evidence } from "../../../src/actions/contract.ts";
import { blockedBy } from "../../support/action-harness.ts";
import { attempt } from "../../support/attempt.ts";
import { holdTheWire, testAllSeen } from "../../support/held.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { ACCOUNT, EAST, harnessFor, rdsPlace, type Scenario, standIn, WEST } from "./fixture.ts";
import { add, get, globally, groups, promote, readOnly, reboot, remove, suite } from "./rds-failure-cases.ts";

holdPermissions([
  "rds.check",
  "rds.check_backups",
  "rds.delete",
  "rds.failover_cluster",
  "rds.global_failover",
  "rds.global_switchover",
  "rds.make_replica",
  "rds.promote_replica",
  "rds.reboot_failover",
  "rds.rename",
  "rds.restore_pitr",
  "rds.restore_snapshot",
  "rds.set_multi_az",
  "rds.set_read_only",
]);

const wire = holdTheWire();
await runFailureSuite(suite);

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
    aws.state.snapshots.push(snapshotOf(snapshot), { ...snapshotOf({}), instance: "ledger" });
    const { checks } = await harnessFor({}).look("rds.check_backups", given);
    expect(blockedBy(checks)).toEqual(blocks);
  });

  test("the newest of an instance is what is restored, and what people are shown", async () => {
    const aws = stand.aws();
    for (const [id, hours] of Object.entries({ older: 30, newest: 2, oldest: 60 }))
      aws.state.snapshots.push(snapshotOf({ id, at: hoursAgo(hours) }));
    const from = { ...rdsPlace(EAST), ...groups, newestOf: "orders", target: "orders-new" };
    const { facts } = await harnessFor({}).look("rds.restore_snapshot", from);
    expect(facts.from).toBe("newest");
    const before = new Date(hoursAgo(20)).toISOString();
    expect((await harnessFor({}).look("rds.restore_snapshot", { ...from, before })).facts.from).toBe("older");
    aws.state.clock.stop();
    await attempt(harnessFor({}), "rds.restore_snapshot", from, { failSeconds: 0.2 });
    expect(aws.ledger.of("RestoreDBInstanceFromDBSnapshot")[0]?.given).toMatchObject({
      DBSnapshotIdentifier: "newest",
    });
  });
});

describe("rds.set_read_only is undone", () => {
  const stand = standIn();

  test.each([
    ["while its replica replicates", { source: { id: "orders", region: EAST } }, false, []],
    ["not once its replica was promoted", {}, false, ["standby.replicates"]],
    ["not once its replica was promoted, whatever is accepted", {}, true, ["standby.replicates"]],
  ])("%s", async (_what, replica, acceptUnreachable, blocks) => {
    const aws = stand.aws();
    readOnly.prepare(aws);
    const harness = harnessFor(readOnly);
    const given = harness.input(readOnly.action, readOnly.input(aws));
    const outcome = await attempt(harness, readOnly.action, given);
    add(aws, { id: "orders-west", region: WEST, ...replica });
    const calls = [{ action: "rds.promote_replica", input: { ...rdsPlace(WEST), replica: "orders-west" } }];
    const back = harness.action(readOnly.action).undo.step(outcome.before, given, { calls, acceptUnreachable });
    if (back.kind !== "step") throw new Error(back.says);
    expect(blockedBy((await harness.look(back.action, back.input)).checks)).toEqual(blocks);
  });
});

describe("RDS as it fools people", () => {
  const stand = standIn();

  test("a promotion is believed when the source is gone, not while the status still says available", async () => {
    const aws = stand.aws();
    promote.prepare(aws);
    const harness = harnessFor(promote);
    const fenced = { id: "fencedAt", label: "Fenced at", value: new Date().toISOString(), material: false };
    const { says, facts } = harness.context.evidenceOf("fence") as Evidence;
    harness.remember("fence", { says, facts: [...facts, fenced] });
    const { facts: looked } = await harness.look(promote.action, promote.input(aws));
    const outcome = await attempt(harness, promote.action, promote.input(aws));
    // From when it was measured to the fence, and no more than the lag: not an age that grows with the promotion.
    expect(outcome).toMatchObject({
      is: "verified",
      evidence: { rpo: { seconds: expect.any(Number), keptUntil: expect.any(String) } },
    });
    const { rpo } = (outcome as { evidence: Evidence }).evidence;
    expect(rpo?.seconds).toBe(12);
    expect(looked.loss).toMatch(
      /^writes after \d\d:\d\d:\d\d UTC \(the newest that reached orders-b, by CloudWatch's Repl/,
    );
    expect(harness.progress).toEqual(
      expect.arrayContaining([
        "orders-b is modifying and still a replica",
        "orders-b is rebooting and still a replica",
        "orders-b is available and replicates nothing",
      ]),
    );
  });

  test("a replica that follows an instance that was put aside is neither taken for a standby nor promoted", async () => {
    const aws = stand.aws();
    promote.prepare(aws);
    const harness = harnessFor(promote);
    const source = { source: "orders", sourceRegion: EAST };
    const given = { ...rdsPlace(WEST), replica: "orders-b", fenceStep: "fence", maxLagSeconds: 300, ...source };
    const checked = { ...rdsPlace(WEST), instance: "orders-b", expect: { replicaOf: "orders", sourceRegion: EAST } };
    const blocks = async () => [
      blockedBy((await harness.look("rds.promote_replica", given)).checks),
      blockedBy((await harness.look("rds.check", checked)).checks),
    ];
    expect(await blocks()).toEqual([[], []]);
    const aside = { ...rdsPlace(EAST), from: "orders", to: "orders-aside" };
    expect(await attempt(harness, "rds.rename", aside)).toMatchObject({ is: "verified" });
    // A restored instance has its name now; the replica still follows the harmed one.
    add(aws, { id: "orders", region: EAST });
    expect(await blocks()).toEqual([["replica.source"], ["instance.source"]]);
  });

  test("what is lost is what the decision showed, where the old primary did not answer the look before it", async () => {
    const aws = stand.aws();
    promote.prepare(aws);
    const harness = harnessFor(promote);
    const keptUntil = "2026-11-21T17:53:12.000Z";
    const fact = (id: string, value: string | boolean) => ({ id, label: id, value, material: false });
    harness.remember("pair", {
      says: "The primary does not answer.",
      facts: [fact("primaryReachable", false), fact("newestWriteAt", keptUntil)],
    });
    const given = { ...(promote.input(aws) as object), lossStep: "pair" };
    expect(await attempt(harness, promote.action, given)).toMatchObject({
      evidence: { says: expect.stringContaining("17:53:12 UTC"), rpo: { seconds: null, rows: null, keptUntil } },
    });
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
    "no one is promoted with %s",
    async (_what, more, { lag, replication }: { lag?: number; replication?: object }, blocks) => {
      const aws = stand.aws();
      promote.prepare(aws);
      if (replication) Object.assign(get(aws, WEST, "orders-b") ?? {}, { replication });
      if (lag !== undefined) aws.state.metrics.set("AWS/RDS ReplicaLag orders-b", lag);
      else if (blocks[0] === "replica.lag") aws.state.metrics.clear();
      const { checks } = await harnessFor({ ...promote, ...more }).look(promote.action, promote.input(aws));
      expect(blockedBy(checks)).toEqual(blocks);
    },
  );

  test("a zone that changed is the only thing that says a failover happened; a person's retry looks first", async () => {
    const aws = stand.aws();
    reboot.prepare(aws);
    const harness = harnessFor(reboot);
    aws.faults.next("RebootDBInstance", "dropAfter");
    const given = { ...rdsPlace(EAST), instance: "orders" };
    let outcome = await attempt(harness, reboot.action, given);
    expect(["asksAPerson", "verified"]).toContain(outcome.is);
    // While it reboots, every retry is told that it can't be known yet.
    while (outcome.is === "asksAPerson")
      outcome = await attempt(harness, reboot.action, given, { before: outcome.before });
    expect(outcome).toMatchObject({ is: "verified" });
    expect(aws.ledger.of("RebootDBInstance")).toHaveLength(1);
    expect(get(aws, EAST, "orders")?.zone).toBe("us-east-1b");
  });

  test("a global failover never leaves out that data may be lost", async () => {
    const aws = stand.aws();
    const scenario = globally("rds.global_failover", "FailoverGlobalCluster", { allowDataLoss: true });
    scenario.prepare(aws);
    await attempt(harnessFor(scenario), scenario.action, scenario.input(aws));
    expect(aws.ledger.of("FailoverGlobalCluster")[0]?.given).toMatchObject({ AllowDataLoss: "true" });
    const { action } = harnessFor({});
    expect(
      action(scenario.action).input.safeParse({ ...(scenario.input(aws) as object), allowDataLoss: false }),
    ).toMatchObject({
      success: false,
    });
  });

  test("a region that is gone is an observation, and no call goes to the other one", async () => {
    const aws = stand.aws();
    promote.prepare(aws);
    aws.faults.down(EAST);
    const outcome = await attempt(harnessFor(promote), promote.action, promote.input(aws));
    expect(outcome).toMatchObject({ is: "verified" });
    expect(aws.ledger.entries.filter((entry) => entry.region === EAST)).toEqual([]);

    aws.faults.down(WEST);
    const { checks, facts } = await harnessFor({}).look("rds.check", { ...rdsPlace(WEST), instance: "orders-b" });
    expect(blockedBy(checks)).toEqual(["aws.account", "instance.there"]);
    expect(facts.status).toBe("not seen (silent)");
  });

  test("a region that does not answer is left unfenced only where that is accepted, and then nothing is sent", async () => {
    const aws = stand.aws();
    readOnly.prepare(aws);
    aws.faults.down(EAST);
    const given = readOnly.input(aws) as object;
    expect(await attempt(harnessFor({}), readOnly.action, given)).toMatchObject({ is: "failed" });
    const accepted = await attempt(harnessFor({}), readOnly.action, { ...given, acceptUnreachable: true });
    expect(accepted).toMatchObject({
      is: "verified",
      evidence: {
        says: expect.stringContaining("was left as it is"),
        facts: [{ id: "unfenced" }, { id: "readOnly", value: null }],
      },
    });
    expect(aws.ledger.of("ModifyDBParameterGroup")).toHaveLength(0);
  });

  test("a change that waits for a reboot since months is said, and not waited for", async () => {
    const aws = stand.aws();
    readOnly.prepare(aws);
    Object.assign(get(aws, EAST, "orders") ?? {}, { parameterStatus: "pending-reboot" });
    const harness = harnessFor({});
    const { checks } = await harness.look(readOnly.action, readOnly.input(aws));
    expect(checks.filter(({ ok }) => !ok).map(({ id, level }) => [id, level])).toEqual([["group.inSync", "warn"]]);
    expect(await attempt(harness, readOnly.action, readOnly.input(aws))).toMatchObject({
      is: "verified",
      evidence: { says: expect.stringContaining("waits for a reboot") },
    });
    expect(readOnly.holds(aws)).toBe(true);
  });

  test("a server that is down takes in what its group says once it's up, and only then is it read-only", async () => {
    const aws = stand.aws();
    readOnly.prepare(aws);
    const taken: (string | undefined)[] = [];
    let asked = 0;
    const onParameters = async (values: ReadonlyMap<string, string>) => {
      if (++asked === 1) throw new Error("down");
      taken.push(values.get("default_transaction_read_only"));
    };
    Object.assign(get(aws, EAST, "orders") ?? {}, { onParameters });
    expect(await attempt(harnessFor({}), readOnly.action, readOnly.input(aws))).toMatchObject({ is: "verified" });
    expect([asked, taken]).toEqual([2, ["1"]]);
  });

  test("whatever else uses its group is found on any page of a long list, and not knowing is no yes", async () => {
    const aws = stand.aws();
    readOnly.prepare(aws);
    const { parameterGroup = "" } = get(aws, EAST, "orders") ?? {};
    add(aws, { id: "zeta", region: EAST, parameterGroup });
    aws.state.pageSize = 1;
    const own = async () => {
      const { checks } = await harnessFor({}).look(readOnly.action, readOnly.input(aws));
      return checks.find(({ id }) => id === "group.own");
    };
    expect(await own()).toMatchObject({ ok: false, says: expect.stringContaining("is also used by zeta") });
    aws.state.instances.delete(`${EAST}/zeta`);
    expect(await own()).toMatchObject({ ok: true });
    aws.faults.deny("rds:DescribeDBInstances");
    expect(await own()).toMatchObject({ ok: false, says: expect.stringContaining("Allow rds:DescribeDBInstances") });
  });

  test("what happened last is found behind any number of older events", async () => {
    const aws = stand.aws();
    promote.prepare(aws);
    const note = (message: string) =>
      aws.state.events.push({ ...{ instance: "orders-b", region: WEST, category: "backup", message }, at: new Date() });
    for (let i = 0; i < 5; i++) note("Backing up DB instance");
    note("Promoted Read Replica instance to a stand-alone database instance.");
    Object.assign(get(aws, WEST, "orders-b") ?? {}, { source: null });
    aws.state.pageSize = 2;
    expect((await harnessFor(promote).look(promote.action, promote.input(aws))).done).toBe("yes");
  });

  test("a permission that is missing is named before anything starts", async () => {
    const aws = stand.aws();
    reboot.prepare(aws);
    aws.faults.deny("rds:DescribeEvents");
    const { checks } = await harnessFor({}).look(reboot.action, reboot.input(aws));
    expect(checks.find((check) => check.id === "instance.events")).toMatchObject({
      ok: false,
      next: "Allow rds:DescribeEvents.",
    });
    aws.faults.clear();
    aws.faults.deny("rds:RebootDBInstance");
    expect(await attempt(harnessFor({}), reboot.action, reboot.input(aws))).toMatchObject({
      why: expect.stringContaining("Allow rds:RebootDBInstance"),
    });
  });

  test("without a stand-in practice calls no one", async () => {
    delete process.env.AWS_ENDPOINT_URL;
    await expect(harnessFor({}).look("rds.check", { ...rdsPlace(WEST), instance: "x" })).rejects.toMatchObject({
      problem: { code: "aws-endpoint-missing" },
    });
    process.env.AWS_ENDPOINT_URL = "https://rds.us-west-2.amazonaws.com.example.org";
    await expect(harnessFor({}).look("rds.check", { ...rdsPlace(WEST), instance: "x" })).rejects.toThrow();
  });
});

describe("there and back between regions", () => {
  const stand = standIn(0.0005);
  const far = { ...rdsPlace(EAST), replica: "orders", source: "orders-b", sourceRegion: WEST };
  const whole = {
    ...far,
    subnetGroup: "orders-private",
    securityGroups: ["sg-orders"],
    parameterGroup: "orders-16",
    instanceClass: "db.r6g.xlarge",
    kmsKeyId: `arn:aws:kms:${EAST}:111122223333:key/orders`,
  };

  test("an encrypted source needs a key of the replica's region, before anyone is asked and by RDS's own word", async () => {
    const aws = stand.aws();
    add(aws, { id: "orders-b", region: WEST, encrypted: true });
    aws.state.parameterGroups.set(`${EAST}/orders-16`, new Map());
    const look = async (given: object) => (await harnessFor({}).look("rds.make_replica", given)).checks;
    expect(blockedBy(await look(far))).toEqual(["source.encryption"]);
    expect((await look(far)).filter(({ ok }) => !ok).map(({ id }) => id)).toEqual([
      "source.encryption",
      "replica.network",
      "replica.parameters",
    ]);
    expect(blockedBy(await look({ ...whole, kmsKeyId: `arn:aws:kms:${WEST}:1:key/x` }))).toEqual(["source.encryption"]);
    const near = { ...whole, replica: "orders-c", region: WEST };
    expect(blockedBy(await look(near))).toEqual(["source.encryption", "replica.network"]);

    const { context, action } = harnessFor({});
    const send = async (given: object) => {
      const make = action("rds.make_replica");
      const input = make.input.parse(given);
      return await make.apply?.(
        { ...context, budget: make.budget, progress: () => {}, launched: async () => {} },
        input,
        null,
      );
    };
    await expect(send(far)).rejects.toThrow("Cannot create a cross region unencrypted read replica");
    await expect(send(near)).rejects.toThrow("does not require the KMS key parameter");
  });

  test("the old instance is moved aside, keeps its replicas, and the new replica has its name, network and class", async () => {
    const aws = stand.aws();
    add(aws, { id: "orders", region: EAST });
    add(aws, { id: "orders-readers", region: EAST, source: { id: "orders", region: EAST } });
    add(aws, { id: "orders-b", region: WEST, encrypted: true });
    aws.state.parameterGroups.set(`${EAST}/orders-16`, new Map());
    const harness = harnessFor({});
    await harness.perform("aside", "rds.rename", { ...rdsPlace(EAST), from: "orders", to: "orders-before" });
    expect(get(aws, EAST, "orders-readers")?.source?.id).toBe("orders-before");
    await harness.perform("replica", "rds.make_replica", whole);
    expect(get(aws, EAST, "orders")).toMatchObject({
      source: { id: "orders-b", region: WEST },
      encrypted: true,
      subnetGroup: "orders-private",
      securityGroups: ["sg-orders"],
      parameterGroup: "orders-16",
      instanceClass: "db.r6g.xlarge",
    });
  });

  test("the old instance is deleted after a final snapshot, and the new replica has its name and parameter group", async () => {
    const aws = stand.aws();
    const old = add(aws, { id: "orders", region: EAST, parameterGroup: "orders-16" });
    add(aws, { id: "orders-b", region: WEST, encrypted: true });
    aws.state.parameterGroups.set(`${EAST}/orders-16`, new Map());
    const harness = harnessFor(remove);
    await harness.perform("delete", "rds.delete", remove.input(aws));
    const snapshot = `orders-final-${old.resourceId.toLowerCase()}`;
    expect(aws.state.snapshots).toMatchObject([{ id: snapshot, instance: "orders", status: "available" }]);
    await harness.perform("replica", "rds.make_replica", { ...whole, after: "delete" });
    expect(get(aws, EAST, "orders")).toMatchObject({
      source: { id: "orders-b", region: WEST },
      parameterGroup: "orders-16",
    });
  });

  test("a replica goes without a snapshot, of which RDS makes none", async () => {
    const aws = stand.aws();
    add(aws, { id: "orders", region: EAST, source: { id: "orders-b", region: WEST } });
    const { evidence } = await harnessFor(remove).perform("delete", "rds.delete", remove.input(aws));
    expect([aws.state.snapshots, get(aws, EAST, "orders")]).toEqual([[], undefined]);
    expect(evidence.says).toBe("orders is deleted. It was a replica.");
  });

  test.each([
    ["without a fence", {}, {}, ["evidence.fence"]],
    ["while it is protected", { deletionProtection: true }, fenceOf(remove), ["instance.deletable"]],
  ])("nothing is deleted %s", async (_what, more: object, evidence, blocks) => {
    const aws = stand.aws();
    add(aws, { id: "orders", region: EAST, ...more });
    const { checks } = await harnessFor({ evidence }).look("rds.delete", remove.input(aws));
    expect(blockedBy(checks)).toEqual(blocks);
    expect(aws.ledger.of("DeleteDBInstance")).toEqual([]);
  });

  test("a replica that is not as it was requested is said to be so at once, and not waited for", async () => {
    const aws = stand.aws();
    add(aws, { id: "orders-b", region: WEST, encrypted: true });
    aws.state.parameterGroups.set(`${EAST}/orders-16`, new Map());
    aws.state.onCreate = async (made) => void Object.assign(made, { subnetGroup: "default" });
    await expect(harnessFor({}).perform("replica", "rds.make_replica", whole)).rejects.toMatchObject({
      problem: { code: "replica-unlike", what: expect.stringContaining("subnet group default") },
    });
  });
});

describe("what RDS does at the edges", () => {
  const stand = standIn(0.0007);

  test("a lag that the fence itself causes does not stop a promotion, once the drain showed that nothing is missing", async () => {
    const aws = stand.aws();
    promote.prepare(aws);
    aws.state.metrics.set("AWS/RDS ReplicaLag orders-b", 301);
    const harness = harnessFor(promote);
    const given = { ...(promote.input(aws) as object), drainStep: "drain" };
    const blocked = async () => blockedBy((await harness.look(promote.action, given)).checks);
    // Before it: the lag says how far there is to go.
    expect(await blocked()).toEqual(["replica.lag"]);
    const drained = (value: boolean) => {
      const facts = [{ id: "drained", label: "Standby has everything", value, material: false }];
      harness.remember("drain", { says: "drained", facts });
    };
    drained(false);
    expect(await blocked()).toEqual(["replica.lag"]);
    drained(true);
    expect(await blocked()).toEqual([]);
    const input = harness.input(promote.action, given);
    const { seen } = await harness.look(promote.action, given);
    const facts = harness.action(promote.action).facts(seen, input);
    expect(facts.find(({ id }) => id === "lagWithinLimit")?.material).toBe(false);
    const { evidence } = await harness.perform("promote", promote.action, given);
    expect(evidence).toMatchObject({ says: expect.stringContaining("Lost: nothing"), rpo: { seconds: 0, rows: 0 } });
  });

  const pitr = { ...rdsPlace(EAST), ...groups, source: "orders", target: "orders-new", time: "latest" };
  const backups = (aws: Aws, from: string) =>
    void aws.state.automatedBackups.push({
      arn: `arn:aws:rds:${EAST}:111122223333:auto-backup:ab-${from}`,
      ...{ region: EAST, from, instance: "orders" },
      earliest: new Date("2026-11-01T00:00:00Z"),
      latest: new Date("2026-11-20T00:00:00Z"),
    });

  test.each([
    ["replicated from a region that is gone", WEST, { sourceRegion: WEST }],
    ["retained after the instance was deleted", EAST, {}],
  ])("backups %s are restored without their instance", async (_what, from, more) => {
    const aws = stand.aws();
    backups(aws, from);
    const harness = harnessFor({});
    const given = { ...pitr, ...more };
    for (const time of ["2026-10-31T00:00:00Z", "2026-11-21T00:00:00Z"]) {
      const { checks } = await harness.look("rds.restore_pitr", { ...given, time });
      expect(blockedBy(checks)).toEqual(["restore.source"]);
    }
    await harness.perform("restore", "rds.restore_pitr", given);
    expect(aws.ledger.of("RestoreDBInstanceToPointInTime")[0]?.given).toMatchObject({
      SourceDBInstanceAutomatedBackupsArn: `arn:aws:rds:${EAST}:111122223333:auto-backup:ab-${from}`,
    });
  });

  test("backups that are not replicated here are said to be missing", async () => {
    const { checks } = await harnessFor({}).look("rds.restore_pitr", { ...pitr, sourceRegion: WEST });
    expect(checks.find(({ ok }) => !ok)?.says).toBe("Automated backups of orders from us-west-2 are not in us-east-1");
  });

  test("a restore that is not as it was requested is said to be so, and not waited for", async () => {
    const aws = stand.aws();
    add(aws, { id: "orders", region: EAST });
    aws.state.onCreate = async (made) => void Object.assign(made, { multiAz: true });
    await expect(harnessFor({}).perform("restore", "rds.restore_pitr", pitr)).rejects.toMatchObject({
      problem: { code: "restored-unlike", what: expect.stringContaining("it is Multi-AZ") },
    });
  });

  test("modifications that wait for the window do not stop an emergency failover", async () => {
    const aws = stand.aws();
    reboot.prepare(aws);
    Object.assign(get(aws, EAST, "orders") ?? {}, { pending: { EngineVersion: "16.9" } });
    const { checks } = await harnessFor({}).look(reboot.action, reboot.input(aws));
    expect(checks.filter(({ ok }) => !ok).map(({ id, level }) => [id, level])).toEqual([["instance.pending", "warn"]]);
  });

  test("a MySQL cluster chooses its writer by itself; any other is told which", async () => {
    const aws = stand.aws();
    const cluster = { id: "shop", region: EAST, status: "available", members: ["shop-1", "shop-2"], writer: "shop-1" };
    aws.state.clusters.set(`${EAST}/shop`, { ...cluster, engine: "mysql" });
    const harness = harnessFor({});
    const given = { ...rdsPlace(EAST), cluster: "shop" };
    const blocked = async (more: object) =>
      blockedBy((await harness.look("rds.failover_cluster", { ...given, ...more })).checks);
    expect([await blocked({}), await blocked({ target: "shop-2" })]).toEqual([[], ["cluster.member"]]);
    const { evidence } = await harness.perform("failover", "rds.failover_cluster", given);
    expect(evidence.says).toBe("shop-2 is the writer of shop.");
    aws.state.clusters.set(`${EAST}/shop`, cluster);
    expect(await blocked({})).toEqual(["cluster.member"]);
  });
});

function fenceOf({ evidence = {} }: Scenario): NonNullable<Scenario["evidence"]> {
  return evidence;
}

describe("what readiness asks beside", () => {
  const stand = standIn();
  test("quotas and drift are asked as RDS's model has it; what they find, account-drift.test.ts shows", async () => {
    const given = { account: ACCOUNT, region: EAST };
    const ids = async (action: string, more: object) =>
      (await harnessFor({}).look(action, { ...given, ...more })).checks.map(({ id, ok }) => [id, ok]);
    expect(await ids("rds.quotas", { instances: 1 })).toEqual([
      ["aws.account", true],
      ["quota.instances", true],
    ]);
    add(stand.aws(), { id: "shop-reports", region: EAST });
    expect(await ids("rds.unlisted", { prefix: "shop-" })).toEqual([["drift.rds/shop-reports", false]]);
  });
});

testAllSeen(wire.seen, { rds: ["rds"], sts: ["aws.ts"] });
