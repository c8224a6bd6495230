import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Aws, createAws } from "../../practice/targets/aws/index.ts";
import { publishTo } from "../../src/aws-places.ts";
import type { System } from "../../src/catalog/types.ts";
import { createLog } from "../../src/lib/log.ts";
import { publishedFigures } from "../../src/published-figures.ts";
import { createPublisher, type MetricPoint, pointsOf, type SystemFigures } from "../../src/telemetry/cloudwatch.ts";

/** What a recovery document wants in CloudWatch, sent with the real SDK to a CloudWatch that keeps it. */
const place = { namespace: "Lifeboat/DR", region: "eu-central-1" };
const log = createLog("silent");
let aws: Aws;
let before: string | undefined;

const figures: SystemFigures = {
  system: "orders",
  drills: { kept: 11, of: 12 },
  backups: { kept: 51, of: 52 },
  ready: { kept: 0, of: 0 },
  runs: [{ runbook: "failover", mode: "unplanned", rtoSeconds: 92.5, rpoSeconds: null }],
};

beforeAll(async () => {
  aws = await createAws({ scale: 0.01 });
  before = process.env.AWS_ENDPOINT_URL;
  process.env.AWS_ENDPOINT_URL = aws.url;
});
afterAll(async () => {
  if (before === undefined) delete process.env.AWS_ENDPOINT_URL;
  else process.env.AWS_ENDPOINT_URL = before;
  await aws.close();
});
beforeEach(() => aws.state.metrics.clear());

const publish = (points: readonly MetricPoint[]) => publishTo(place, points, { practice: true, log });
const kept = () => Object.fromEntries(aws.state.metrics);

test("given figures, then each is a metric with its unit, and of nothing there is none", () => {
  expect(pointsOf([figures])).toEqual([
    { name: "DrillCompliance", dimensions: { System: "orders" }, value: 91.7, unit: "Percent" },
    { name: "BackupSuccess", dimensions: { System: "orders" }, value: 98.1, unit: "Percent" },
    {
      name: "RecoveryTime",
      dimensions: { System: "orders", Runbook: "failover", Mode: "unplanned" },
      value: 92.5,
      unit: "Seconds",
    },
  ]);
});

describe("given a CloudWatch", () => {
  test("when a round is made, then it has them; when it refuses, the next round says them again", async () => {
    const publisher = createPublisher({ figures: async () => [figures], publish, log });
    aws.faults.next("PutMetricData", "fail");
    await publisher.round();
    expect(kept()).toEqual({});
    await publisher.round();
    expect(kept()).toEqual({
      "Lifeboat/DR DrillCompliance orders": 91.7,
      "Lifeboat/DR BackupSuccess orders": 98.1,
      "Lifeboat/DR RecoveryTime orders,failover,unplanned": 92.5,
    });
  });

  test("when there is more than one request takes, then all of it arrives", async () => {
    const many = Array.from({ length: 1_001 }, (_, n): MetricPoint => {
      return { name: "RecoveryTime", dimensions: { System: `system-${n}` }, value: n, unit: "Seconds" };
    });
    const sent = aws.ledger.of("PutMetricData").length;
    await publish(many);
    expect(aws.state.metrics.size).toBe(1_001);
    expect(aws.ledger.of("PutMetricData")).toHaveLength(sent + 3);
  });
});

test("given a calendar's record, then drills and backups are counted within a year, and private incidents not at all", async () => {
  const at = (day: string) => new Date(`${day}T10:00:00Z`);
  const done = (occasion: string, day: string) => ({
    type: "occasion.done",
    data: {
      occasion,
      slot: at(day).toISOString(),
      at: at(day).toISOString(),
      people: [],
      incident: null,
      run: null,
      note: null,
    },
    at: at(day),
  });
  const missed = (occasion: string, day: string) => ({
    type: "occasion.missed",
    data: { occasion, slot: at(day).toISOString(), reason: "no one came", people: [], run: null },
    at: at(day),
  });
  const told = [
    done("drill", "2024-01-02"),
    done("drill", "2026-02-03"),
    missed("drill", "2026-03-03"),
    done("dump", "2026-03-01"),
    done("gone", "2026-03-01"),
  ];
  const events = told.map((event, n) => ({ ...event, version: n + 1, actor: { kind: "bot" } }));
  const calendar = [
    { id: "drill", kind: "drill" },
    { id: "dump", kind: "verification" },
  ];
  const found = await publishedFigures({
    systems: () => [{ id: "orders", calendar } as unknown as System],
    timeline: { read: async () => events as never, now: () => at("2026-06-01") },
    incidents: { all: async function* () {} },
    readiness: { of: async () => [] },
  });
  expect(found).toEqual([
    { system: "orders", drills: { kept: 2, of: 3 }, backups: { kept: 1, of: 1 }, ready: { kept: 0, of: 0 }, runs: [] },
  ]);
});
