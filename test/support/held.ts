import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { type Exchange, record } from "../wire/exchange.ts";
import { inspect } from "../wire/inspect.ts";
import { inspectPagerDuty } from "../wire/pagerduty.ts";

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
  const inspected = new Set<string>();
  let stop: () => void = () => {};
  const look = async () => {
    const found = new Set<string>();
    for (const exchange of waiting.splice(0)) {
      const key = keyOf(exchange);
      if (inspected.has(key)) continue;
      const said = await inspectOne(exchange);
      if (said) seen.add(said.what);
      for (const finding of said?.findings ?? []) found.add(finding);
      // What is polled says the same again and again.
      if (said && said.findings.length === 0) inspected.add(key);
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

/** The same for exchanges that differ in nothing but times and ids of requests. */
function keyOf({ method, url, body, headers, answer }: Exchange): string {
  const names = Object.keys({ ...headers, ...answer?.headers }).join();
  const said = answer?.body.toString("latin1").replace(/[\da-f]{8}-[\da-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z/g, "");
  return [method, url, names, body.toString("latin1"), answer?.status, said].join("\n");
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
