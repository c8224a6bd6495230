import { Resolver } from "node:dns/promises";
import { describe, expect, test } from "@jest/globals";
import { type Aws, covered, type RecordSet } from "../../../practice/targets/aws/index.ts";
import { publishMetrics } from "../../../src/actions/aws-metrics.ts";
import type { Evidence } from "../../../src/actions/contract.ts";
import { controlPlaneOf } from "../../../src/actions/route53/client.ts";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";
import { attempt } from "../../support/attempt.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { holdTheWire, testAllSeen } from "../../support/held.ts";
import { holdPermissions } from "../../support/hold-permissions.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { EAST, harnessFor, place, standIn, WEST } from "./fixture.ts";
import {
  eastControl,
  override,
  records,
  regions,
  routing,
  setWeights,
  shift,
  suite,
  ZONE,
} from "./traffic-failure-cases.ts";

holdPermissions([
  "arc.set_routing",
  "cloudwatch.gate",
  "route53.check",
  "route53.healthcheck_override",
  "route53.shift",
]);

const wire = holdTheWire();
await runFailureSuite(suite);

describe("route53.shift", () => {
  const stand = standIn();
  const begin = () => {
    const aws = stand.aws();
    shift.prepare(aws);
    return { aws, harness: harnessFor({}), given: shift.input(aws) as Record<string, unknown> };
  };
  const at = async (port: number, name = "api.shop.test") => {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers([`127.0.0.1:${port}`]);
    return await resolver.resolve4(name, { ttl: true });
  };

  test("both weights go in one batch, and real name servers answer the other address afterwards", async () => {
    const { aws, harness, given } = begin();
    expect(await at(aws.nameServer.port)).toEqual([{ address: "127.0.0.11", ttl: 30 }]);
    const { evidence } = await harness.perform("shift", shift.action, given);
    expect(evidence.says).toContain("Every name server has them. Resolvers may keep the old answer for up to 30 s.");
    expect(await at(aws.nameServer.port)).toEqual([{ address: "127.0.0.12", ttl: 30 }]);
  });

  test("undo carries the record sets as they were", async () => {
    const { harness, given } = begin();
    const { seen } = await harness.look(shift.action, given);
    const plan = { calls: [], acceptUnreachable: false };
    const undo = harness.action(shift.action).undo.step(seen, harness.input(shift.action, given), plan);
    expect(undo).toMatchObject({ kind: "step", action: "route53.shift" });
    expect(JSON.stringify(undo)).toContain('"weight":100');
  });

  test("an earlier change that is not complete is waited for", async () => {
    const { aws, harness, given } = begin();
    Object.assign(aws.state.zones.get(ZONE) ?? {}, { busyUntil: Date.now() + 300 });
    expect(await attempt(harness, shift.action, given)).toMatchObject({ is: "verified" });
    const sent = aws.ledger.of("ChangeResourceRecordSets");
    expect(sent.at(0)).toMatchObject({ outcome: "refused", code: "PriorRequestNotComplete" });
    expect(sent.filter((entry) => entry.outcome === "accepted")).toHaveLength(1);
  });

  test("a protected record or a long time to live is said before, not found out in the middle", async () => {
    const { aws, harness, given } = begin();
    aws.state.zones.get(ZONE)?.protections.push({ name: "api.shop.test", type: "A", comment: "ask the network team" });
    const { checks } = await harness.look(shift.action, { ...given, ttlSecondsMax: 20 });
    expect(blockedBy(checks)).toEqual(["record.1.ttl", "record.1.unprotected", "record.2.ttl", "record.2.unprotected"]);
    expect(checks.map((check) => check.says).join(" ")).toContain("ask the network team");
  });

  test("a change that could not be followed is not begun: the permission is named before", async () => {
    const { aws, harness, given } = begin();
    expect(blockedBy((await harness.look(shift.action, given)).checks)).toEqual([]);
    aws.faults.deny("route53:GetChange");
    const { checks } = await harness.look(shift.action, given);
    expect(blockedBy(checks)).toEqual(["change.readable"]);
    expect(checks.at(-1)?.next).toBe("Allow route53:GetChange.");
  });

  test("a wildcard is found under the name AWS lists it by, and beside it every value of a TXT record", async () => {
    const { aws, harness, given } = begin();
    const zone = aws.state.zones.get(ZONE);
    const txt = ['"v=spf1 -all"', '"site-verification=abc"'];
    const wild = { name: "*.shop.test", type: "A", ttl: 30, values: ["127.0.0.11"] };
    if (zone) zone.records = [wild, { name: "shop.test", type: "TXT", ttl: 30, values: txt }];
    const to = {
      ...given,
      records: [
        { name: "*.shop.test", type: "A", from: { values: ["127.0.0.11"] }, to: { values: ["127.0.0.12"] } },
        { name: "shop.test", type: "TXT", from: { values: [...txt].reverse() }, to: { values: [...txt, '"third"'] } },
      ],
    };
    expect(await attempt(harness, shift.action, to)).toMatchObject({ is: "verified" });
    expect(zone?.records.map(({ name, values }) => [name.replace(/\.$/, ""), values])).toEqual([
      ["*.shop.test", ["127.0.0.12"]],
      ["shop.test", [...txt, '"third"']],
    ]);
  });

  test("a plan that leaves every weight at 0 is refused, siblings counted that it does not name", async () => {
    const { aws, harness, given } = begin();
    const [east] = given.records as [object];
    const look = async () => blockedBy((await harness.look(shift.action, { ...given, records: [east] })).checks);
    expect(await look()).toEqual(["weights.some"]);
    setWeights(aws, 100, 1);
    expect(await look()).toEqual([]);
  });

  test("what someone changed between the look and the request refuses the whole batch", async () => {
    const { aws, harness, given } = begin();
    const { seen } = await harness.look(shift.action, given);
    const zone = aws.state.zones.get(ZONE);
    if (zone) zone.records = records(100, 0).map((set) => ({ ...set, values: ["127.0.0.99"] }));
    const action = harness.action(shift.action);
    const context = { ...harness.context, budget: action.budget, progress: () => {}, launched: async () => {} };
    await expect(action.apply?.(context, action.input.parse(given), seen)).rejects.toThrow(/do not match the current/);
    expect(zone?.records.map(({ values }) => values[0])).toEqual(["127.0.0.99", "127.0.0.99"]);
  });

  test("half of it being so is someone else's doing: a person is asked", async () => {
    const { aws, harness, given } = begin();
    setWeights(aws, 0, 0);
    const { done } = await harness.look(shift.action, given);
    expect(done).toBe("partial");
  });

  test("with the control plane's region gone it says so, and nothing is sent", async () => {
    const { aws, harness, given } = begin();
    aws.faults.down(EAST);
    expect(await attempt(harness, shift.action, given)).toMatchObject({ is: "failed" });
    expect(aws.ledger.of("ChangeResourceRecordSets")).toHaveLength(0);
  });
});

describe("route53.check", () => {
  const stand = standIn();

  test("says what the checkers report and whether someone overrides them, and stands in no one's way", async () => {
    const aws = stand.aws();
    override.prepare(aws);
    const harness = harnessFor({});
    const given = { ...place(WEST), healthChecks: ["hc-east"] };
    expect((await harness.look("route53.check", given)).facts).toMatchObject({ readable: true, healthy1: true });
    const check = aws.state.healthChecks.get("hc-east");
    Object.assign(check ?? {}, { endpointUp: false });
    expect((await harness.look("route53.check", given)).facts.healthy1).toBe(false);
    Object.assign(check ?? {}, { disabled: true });
    const forced = await harness.look("route53.check", given);
    expect(forced.facts.healthy1).toBe(true);
    expect(forced.checks.at(-1)).toMatchObject({ ok: false, says: expect.stringContaining("forced healthy by hand") });
    aws.faults.down(EAST);
    const blind = await harness.look("route53.check", given);
    expect(blind.facts.readable).toBe(false);
    expect(blockedBy(blind.checks)).toEqual([]);
  });
});

describe("route53.healthcheck_override", () => {
  const stand = standIn();

  test("one that is inverted by design is so again, after it was forced", async () => {
    const aws = stand.aws();
    override.prepare(aws);
    const check = () => aws.state.healthChecks.get("hc-east");
    Object.assign(check() ?? {}, { inverted: true });
    const harness = harnessFor({});
    const given = { ...place(WEST), healthCheck: "hc-east" };
    const normal = { ...given, force: "normal" };
    expect((await harness.look(override.action, normal)).done).toBe("yes");
    for (const force of ["unhealthy", "healthy"]) {
      const outcome = await attempt(harness, override.action, { ...given, force });
      const plan = { calls: [], acceptUnreachable: false };
      const input = harness.input(override.action, { ...given, force });
      expect(harness.action(override.action).undo.step(outcome.before, input, plan)).toMatchObject({
        input: { force: "normal", inverted: true },
      });
      const { evidence } = outcome as { evidence: Evidence };
      harness.remember("force", evidence);
      const unsure = (await harness.look(override.action, normal)).checks.find(({ ok }) => !ok);
      expect(unsure).toMatchObject({ id: "healthCheck.design", level: "warn" });
      await harness.perform("free", override.action, { ...normal, restoreFrom: "force" });
      expect(check()).toMatchObject({ disabled: false, inverted: true });
    }
  });

  test("China and GovCloud have a control plane of their own", () => {
    const of = (region: string) => controlPlaneOf({ region });
    expect(["eu-west-1", "cn-north-1", "us-gov-east-1"].map(of)).toEqual([
      "us-east-1",
      "cn-northwest-1",
      "us-gov-west-1",
    ]);
  });

  test("a check that was changed meanwhile is refused by its version, and a person's change stays", async () => {
    const aws = stand.aws();
    override.prepare(aws);
    const harness = harnessFor({});
    const given = override.input(aws);
    const { seen } = await harness.look(override.action, given);
    Object.assign(aws.state.healthChecks.get("hc-east") ?? {}, { version: 4, disabled: true });
    const action = harness.action(override.action);
    const context = { ...harness.context, budget: action.budget, progress: () => {}, launched: async () => {} };
    await expect(action.apply?.(context, action.input.parse(given), seen)).rejects.toThrow(
      /HealthCheckVersionMismatch/,
    );
    expect(aws.state.healthChecks.get("hc-east")).toMatchObject({ disabled: true, inverted: false });
  });

  test("with the control plane gone it goes on only where that is accepted, and says that nothing was forced", async () => {
    const aws = stand.aws();
    override.prepare(aws);
    const harness = harnessFor({});
    const given = override.input(aws);
    aws.faults.down(EAST);
    expect(blockedBy((await harness.look(override.action, given)).checks)).toEqual(["healthCheck.there"]);
    const accepting = { ...place(WEST), healthCheck: "hc-east", force: "unhealthy", acceptUnreachable: true };
    expect(blockedBy((await harness.look(override.action, accepting)).checks)).toEqual([]);
    const { evidence, facts } = await harness.perform("stay", override.action, accepting);
    expect(evidence.says).toMatch(/^NOT FORCED: Route 53's control plane does not answer/);
    expect(facts).toMatchObject({ forced: false });
    aws.faults.up(EAST);
    expect((await harness.perform("stay", override.action, accepting)).facts).toMatchObject({ forced: true });
    expect(aws.state.healthChecks.get("hc-east")).toMatchObject({ disabled: true, inverted: true });
  });

  test("failover records leave a check that is forced unhealthy, as name servers show", async () => {
    const aws = stand.aws();
    override.prepare(aws);
    const sets: RecordSet[] = [
      {
        name: "www.shop.test",
        type: "A",
        setIdentifier: "p",
        failover: "PRIMARY",
        healthCheck: "hc-east",
        ttl: 10,
        values: ["127.0.0.11"],
      },
      { name: "www.shop.test", type: "A", setIdentifier: "s", failover: "SECONDARY", ttl: 10, values: ["127.0.0.12"] },
    ];
    aws.state.zones.set(ZONE, { id: ZONE, records: sets, served: sets, protections: [], busyUntil: 0 });
    const harness = harnessFor({});
    const asks = dns(aws, "127.0.0.11", { name: "www.shop.test", resolvers: [] });
    expect((await harness.look("dns.verify", asks)).checks.every((check) => check.ok)).toBe(true);
    await attempt(harness, override.action, override.input(aws));
    const after = await harness.perform("dns", "dns.verify", { ...asks, expect: ["127.0.0.12"] });
    expect(after.facts).toMatchObject({ dnsTailSeconds: 10 });
  });
});

const dns = (aws: Aws, expected: string, more: object = {}) => ({
  name: "api.shop.test",
  expect: [expected],
  nameServers: [{ host: "127.0.0.1", port: aws.nameServer.port }],
  resolvers: [{ host: "127.0.0.1", port: aws.resolver.port }],
  everySeconds: 0.02,
  ...more,
});

describe("dns.verify", () => {
  const stand = standIn(0.01);

  test("it waits until the last resolver has let go of the old answer", async () => {
    const aws = stand.aws();
    shift.prepare(aws);
    const harness = harnessFor({});
    const before = await harness.look("dns.verify", dns(aws, "127.0.0.12"));
    expect(before.checks.map((check) => [check.level, check.ok])).toEqual([
      ["warn", false],
      ["warn", false],
    ]);
    const zone = aws.state.zones.get(ZONE);
    if (zone) zone.served = records(0, 100);
    const { evidence } = await harness.perform("dns", "dns.verify", dns(aws, "127.0.0.12"));
    expect(evidence.says).toContain("2 servers answer api.shop.test with 127.0.0.12");
    expect(harness.progress).toEqual([`127.0.0.1:${aws.resolver.port} answers 127.0.0.11`]);
  });

  test("a server that does not answer, a name that is not there, and a server outside practice", async () => {
    const aws = stand.aws();
    shift.prepare(aws);
    const harness = harnessFor({});
    const silent = await harness.look("dns.verify", dns(aws, "127.0.0.11", { name: "gone.shop.test" }));
    expect(silent.checks[0]).toMatchObject({ ok: false, says: expect.stringContaining("ENOTFOUND") });
    await expect(
      harness.look("dns.verify", dns(aws, "127.0.0.11", { resolvers: [{ host: "192.0.2.53" }] })),
    ).rejects.toMatchObject({ problem: { code: "address-outside-practice" } });
    await expect(
      harness.look("dns.verify", { ...dns(aws, "127.0.0.11"), nameServers: [], zone: "shop.test" }),
    ).rejects.toMatchObject({ problem: { code: "dns-servers-missing" } });
  });
});

describe("arc.set_routing", () => {
  const stand = standIn();
  const begin = () => {
    routing.prepare(stand.aws());
    const given = routing.input(stand.aws()) as Record<string, unknown>;
    return { aws: stand.aws(), harness: harnessFor({}), given };
  };

  test("all controls in one update, seen by the endpoints", async () => {
    const { aws, harness, given } = begin();
    expect(await attempt(harness, routing.action, given)).toMatchObject({ is: "verified" });
    expect(aws.ledger.of(routing.operation)).toHaveLength(1);
    expect(routing.holds(aws)).toBe(true);
    expect(await attempt(harness, routing.action, given)).toMatchObject({ is: "verified" });
    expect(aws.ledger.of(routing.operation)).toHaveLength(1);
  });

  test("with two regions gone the next endpoint is asked", async () => {
    const { aws, harness, given } = begin();
    aws.faults.down(EAST);
    aws.faults.down(WEST);
    expect(await attempt(harness, routing.action, given)).toMatchObject({ is: "verified" });
    expect(aws.ledger.of(routing.operation).map((entry) => [entry.region, entry.outcome])).toEqual([
      [EAST, "dropped"],
      [WEST, "dropped"],
      ["eu-west-1", "accepted"],
    ]);
  });

  test("with three gone it can't be seen, so it is not begun", async () => {
    const { aws, harness, given } = begin();
    for (const region of regions.slice(0, 3)) aws.faults.down(region);
    expect(await attempt(harness, routing.action, given)).toMatchObject({ why: "blocked: arc.endpoints" });
  });

  test.each([
    ["did it, and its answer was lost", "verify", 1, (aws: Aws) => aws.faults.next(routing.operation, "dropAfter")],
    ["never heard of it", "again", 1, (aws: Aws) => aws.faults.down(EAST)],
  ] as const)(
    "killed between two endpoints, of which the first %s: it is done once",
    async (_what, way, times, breaks) => {
      const { aws, harness, given } = begin();
      breaks(aws);
      const died = await performAndDie(routing.action, given, { at: "asking the next" });
      expect(died.applied).toBe(false);
      const recovered = await recoverFrom(harness, routing.action, given, died.before);
      expect(recovered.way).toBe(way);
      expect(aws.ledger.of(routing.operation, "accepted")).toHaveLength(times);
      expect(routing.holds(aws)).toBe(true);
    },
  );

  test("a safety rule holds, at every endpoint, until it is overridden in so many words", async () => {
    const { aws, harness, given } = begin();
    aws.state.rules.push({ arn: "rule/1", controls: [eastControl], atLeast: 1 });
    expect(await attempt(harness, routing.action, given)).toMatchObject({ is: "failed" });
    expect(aws.ledger.of(routing.operation)).toHaveLength(1);
    const broken = await attempt(harness, routing.action, { ...given, overrideRules: ["rule/1"] });
    expect(broken).toMatchObject({ is: "verified" });
  });

  test("controls of another account, and endpoints that are not AWS's, are refused", async () => {
    const { harness, given } = begin();
    const other = await harness.look(routing.action, { ...given, account: "999988887777" });
    expect(blockedBy(other.checks)).toEqual(["arc.account"]);
    const outside = actionHarness({}, { practice: false });
    await expect(outside.look(routing.action, given)).rejects.toMatchObject({ problem: { code: "arc-endpoint" } });
  });
});

describe("cloudwatch.gate", () => {
  const stand = standIn();
  const given = {
    ...place(WEST),
    metric: { namespace: "AWS/RDS", name: "ReplicaLag", dimensions: { DBInstanceIdentifier: "orders-b" } },
    is: "<=",
    limit: 300,
  };

  test.each([
    ["within", 12, []],
    ["outside", 301, ["metric.within"]],
    ["no data", null, ["metric.within"]],
    ["replication not active", -1, ["metric.within"]],
  ])("%s", async (_what, value, blocks) => {
    if (value !== null) stand.aws().state.metrics.set("AWS/RDS ReplicaLag orders-b", value);
    const harness = harnessFor({});
    expect(blockedBy((await harness.look("cloudwatch.gate", given)).checks)).toEqual(blocks);
    const performed = harness.perform("gate", "cloudwatch.gate", given);
    if (blocks.length === 0)
      expect((await performed).evidence.says).toBe("ReplicaLag of orders-b is 12; <= 300 holds.");
    else await expect(performed).rejects.toThrow("blocked");
  });

  test("a permission that is missing is named", async () => {
    stand.aws().faults.deny("cloudwatch:GetMetricData");
    const { checks } = await harnessFor({}).look("cloudwatch.gate", given);
    expect(checks.find((check) => check.id === "metric.within")?.says).toContain("Allow cloudwatch:GetMetricData.");
  });
});

describe("figures of Lifeboat's own", () => {
  const stand = standIn();

  test("are put into CloudWatch as metrics", async () => {
    const { context } = harnessFor({});
    const figure = { name: "DrillCompliance", dimensions: { System: "orders" }, value: 91.7, unit: "Percent" } as const;
    await publishMetrics(context, { namespace: "Lifeboat/DR", region: EAST }, [figure]);
    expect(stand.aws().state.metrics.get("Lifeboat/DR DrillCompliance orders")).toBe(91.7);
  });
});

test("what the stand-in covers is what its tables answer", () => {
  expect(covered()).toMatchInlineSnapshot(`
{
  "cloudwatch": [
    "GetMetricData",
    "PutMetricData",
  ],
  "rds": [
    "CreateDBInstanceReadReplica",
    "DeleteDBInstance",
    "DescribeAccountAttributes",
    "DescribeDBClusters",
    "DescribeDBInstanceAutomatedBackups",
    "DescribeDBInstances",
    "DescribeDBParameters",
    "DescribeDBSnapshots",
    "DescribeEvents",
    "DescribeGlobalClusters",
    "FailoverDBCluster",
    "FailoverGlobalCluster",
    "ModifyDBInstance",
    "ModifyDBParameterGroup",
    "PromoteReadReplica",
    "RebootDBInstance",
    "RestoreDBInstanceFromDBSnapshot",
    "RestoreDBInstanceToPointInTime",
    "SwitchoverGlobalCluster",
  ],
  "route53": [
    "ChangeResourceRecordSets",
    "GetChange",
    "GetHealthCheck",
    "GetHealthCheckStatus",
    "ListResourceRecordSetProtections",
    "ListResourceRecordSets",
    "UpdateHealthCheck",
  ],
  "route53-recovery-cluster": [
    "GetRoutingControlState",
    "UpdateRoutingControlStates",
  ],
  "sts": [
    "GetCallerIdentity",
  ],
}
`);
});

testAllSeen(wire.seen, { route53: ["route53"], "route53-recovery-cluster": ["arc"], monitoring: ["aws-metrics.ts"] });
