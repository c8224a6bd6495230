import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { type Exchange, record } from "./exchange.ts";
import { inspect } from "./inspect.ts";
import { inspectPagerDuty } from "./pagerduty.ts";

interface Held {
  readonly seen: ReadonlySet<string>;
}

/**
 * Holds every exchange of this file's tests with a stand-in of AWS against the service models of the SDKs: requests and
 * answers. To be called once, at the top.
 */
export function holdTheWire(): Held {
  return held(async (exchange) => {
    const inspected = await inspect(exchange);
    return inspected && { what: inspected.operation, findings: inspected.findings };
  });
}

/** The same of PagerDuty, by what it documents: its REST API, its events, and webhooks. */
export function holdPagerDuty(): Held {
  return held(async (exchange) => {
    const inspected = inspectPagerDuty(exchange);
    return inspected && { what: inspected.call, findings: inspected.findings };
  });
}

type Inspect = (exchange: Exchange) => Promise<{ what: string; findings: readonly string[] } | null>;

function held(inspectOne: Inspect): Held {
  const waiting: Exchange[] = [];
  const seen = new Set<string>();
  let stop: () => void = () => {};
  const look = async () => {
    const found = new Set<string>();
    for (const exchange of waiting.splice(0)) {
      const inspected = await inspectOne(exchange);
      if (!inspected) continue;
      seen.add(inspected.what);
      for (const finding of inspected.findings) found.add(finding);
    }
    expect([...found]).toEqual([]);
  };
  beforeAll(() => {
    stop = record((exchange) => void waiting.push(exchange));
  });
  afterEach(look, 30_000);
  afterAll(async () => {
    stop();
    await look();
  });
  return { seen };
}

/** A last test: each operation that the actions of these folders call was on the wire, and so held against its model. */
export function testAllSeen(seen: ReadonlySet<string>, folders: Readonly<Record<string, readonly string[]>>): void {
  test("every request that these actions can make was held against its model", () => {
    const wanted = Object.entries(folders).flatMap(([service, files]) =>
      files.flatMap((file) => callsIn(file).map((operation) => `${service}:${operation}`)),
    );
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.filter((operation) => ![...seen].some((one) => same(one, operation)))).toEqual([]);
  });
}

/** `describeDBInstances` of the SDK is DescribeDBInstances on the wire. */
function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Methods of an SDK client that the sources of a folder or a file call. */
export function callsIn(path: string): readonly string[] {
  const root = join(projectRoot(), "src/actions");
  const files = path.endsWith(".ts")
    ? [path]
    : readdirSync(join(root, path)).flatMap((file) => (file.endsWith(".ts") ? [`${path}/${file}`] : []));
  const calls = files.flatMap((file) => [
    ...readFileSync(join(root, file), "utf8").matchAll(
      /\b(?:rds|s3|route53|client|cluster)\.([a-z]+[A-Z]\w+)\(\s*[{a-z]/g,
    ),
  ]);
  return [...new Set(calls.map(([, name = ""]) => name))].sort();
}
