import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import { projectRoot } from "../../src/lib/root.ts";
import { createMetrics } from "../../src/metrics/index.ts";
import { quiet } from "../support/postgres.ts";

/** Alert rules, dashboard and documentation name what the bot really says, and ask it in PromQL that parses. */
const read = (file: string) => readFileSync(join(projectRoot(), file), "utf8");

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}
const rules: readonly Rule[] = parse(read("deploy/prometheus/alerts.yml")).groups.flatMap(
  ({ rules }: { rules: Rule[] }) => rules,
);
const dashboard: { panels: { title: string; targets: { expr: string }[] }[] } = JSON.parse(
  read("deploy/grafana/lifeboat.json"),
);
const questions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
];
const page = read("docs/operations/metrics.md");

/** Names of metrics and labels as a registry has them, a histogram's series too. */
async function known(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const never = () => Promise.reject(new Error("not here"));
  const metrics = createMetrics({
    version: "0",
    read: never,
    now: {
      current: never,
      store: never,
      inbox: never,
      outbox: never,
      doubt: () => false,
      slack: () => null,
      catalogue: () => ({ systems: 0 }),
      readiness: async () => [],
    },
    log: quiet,
  });
  const found = new Map<string, ReadonlySet<string>>();
  for (const { name, type, labelNames = [] } of metrics.described()) {
    found.set(name, new Set(labelNames));
    if (type === "histogram")
      for (const end of ["bucket", "sum", "count"]) found.set(`${name}_${end}`, new Set([...labelNames, "le"]));
  }
  metrics.close();
  return found;
}

/** What stands in an expression, by the node's name in the grammar. */
function inExpression(expr: string, node: string): string[] {
  const found: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, from, to }) => {
      if (name === node) found.push(expr.slice(from, to));
    },
  });
  return found;
}

/** Labels that Prometheus itself adds to what it scrapes. */
const SCRAPED = ["job", "instance"];

describe("what is asked of the metrics", () => {
  test.each(questions)("%s: %s", async (_, expr) => {
    const metrics = await known();
    expect(inExpression(expr, "⚠")).toEqual([]);
    const names = inExpression(expr, "Identifier").filter((name) => name !== "up");
    expect(names).not.toEqual([]);
    for (const name of names) expect([name, metrics.has(name)]).toEqual([name, true]);
    const labels = new Set(names.flatMap((name) => [...(metrics.get(name) ?? [])]));
    for (const label of inExpression(expr, "LabelName"))
      expect([label, labels.has(label) || SCRAPED.includes(label)]).toEqual([label, true]);
  });

  test("a mistake would be seen", () => {
    expect(inExpression("sum(rate(x_total[5m]) by (a", "⚠")).not.toEqual([]);
    expect(inExpression("sum by (system) (x_total)", "Identifier")).toEqual(["x_total"]);
    expect(inExpression("sum by (system) (x_total)", "LabelName")).toEqual(["system"]);
  });

  test.each(rules.map(({ alert, annotations }) => [alert, annotations.runbook]))(
    "%s leads to what to do",
    (alert, runbook) => {
      expect(runbook).toBe(`docs/operations/metrics.md#${alert.toLowerCase()}`);
      expect(page).toContain(`\n## ${alert}\n`);
    },
  );

  test("the page lists every metric of ours with its labels, and no other", async () => {
    const listed = [...page.matchAll(/^\| `(lifeboat_\w+)` \|([^|]*)\|/gm)].map(([, name, labels = ""]) => [
      name,
      labels
        .split(",")
        .map((label) => label.trim())
        .filter((label) => label !== ""),
    ]);
    const ours = [...(await known())]
      .filter(([name, labels]) => name.startsWith("lifeboat_") && !labels.has("le"))
      .map(([name, labels]) => [name, [...labels]]);
    expect(listed.toSorted()).toEqual(ours.toSorted());
  });
});
