import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { people } from "../../practice/slack/people.ts";
import { cards } from "../../src/actions/index.ts";
import { jsonSchemas } from "../../src/catalog/json-schema.ts";
import { lint } from "../../src/catalog/lint.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { planRunbook } from "../../src/catalog/plan.ts";
import { practiceAccounts } from "../../src/catalog/practice-accounts.ts";
import type { RoleObservation } from "../../src/catalog/roles.ts";
import { actionsOf } from "../../src/catalog/walk.ts";
import { projectRoot } from "../../src/lib/root.ts";

const systems = join(projectRoot(), "templates", "systems");
const { catalog } = loadCatalog(systems, cards);
const values = new Map<string, string | number>([
  ["aPort", 5001],
  ["bPort", 5002],
  ["appUrl", "http://127.0.0.1:5003"],
  ["hostsUrl", "http://127.0.0.1:5004"],
]);

/** Home and protected; after a failover the old primary is fenced and follows no one. */
const home = seen("active", "standby");
const away = seen("fenced", "active");

function seen(a: RoleObservation["state"], b: RoleObservation["state"]) {
  const one = (name: string, state: RoleObservation["state"]): [string, RoleObservation] => [
    name,
    { state, cluster: state === "silent" ? null : "7", says: `${name} is ${state}` },
  ];
  return new Map([["database", new Map([one("orders-a", a), one("orders-b", b)])]]);
}

describe("the shipped catalogue", () => {
  test("has nothing wrong with it, by the real actions", () => {
    expect(lint(systems, cards, systems).text).toMatch(/^\d+ systems?, \d+ runbooks?: no problems\n$/);
  });

  test.each(
    catalog.runbooks
      .filter(({ system }) => system === "practice")
      .flatMap((book) => book.modes.map((mode) => [book.id, mode] as const)),
  )("practice/%s can be planned %s", (runbook, mode) => {
    const request = {
      catalog,
      cards,
      variables: new Map([["practice", values]]),
      system: "practice",
      runbook,
      mode,
      kind: "real",
      seen: runbook === "database-rejoin" ? away : home,
    } as const;
    const planned = planRunbook(request);
    expect(planned.ok ? [] : planned.problems).toEqual([]);
  });

  test("fails over from one server to the other, and says where the way back ends", () => {
    const request = {
      catalog,
      cards,
      variables: new Map([["practice", values]]),
      system: "practice",
      runbook: "database-failover",
      kind: "real",
      seen: home,
    } as const;
    const points = (["planned", "unplanned"] as const).map((mode) => {
      const planned = planRunbook({ ...request, mode });
      return planned.ok ? [planned.plan.target, planned.plan.pointOfNoReturn] : planned.problems;
    });
    expect(points).toEqual([
      ["orders database: writes move from orders-a to orders-b", "promote"],
      ["orders database: writes move from orders-a to orders-b", "promote-accepting-loss"],
    ]);
  });
});

test("the accounts of the practice workspace are known as such", () => {
  expect(practiceAccounts).toEqual(people.map(({ id }) => id));
});

/** Ended verified, with users down: what moves writes asks the front door once it has, and before it is over. */
test.each(["planned", "unplanned"] as const)(
  "what promotes a server looks whether users are served after it, %s",
  (mode) => {
    const blind = catalog.runbooks
      .filter(({ modes }) => modes.includes(mode))
      .filter((runbook) => {
        const ids = actionsOf(runbook, mode).map(({ does }) => does.action);
        const last = ids.findLastIndex((id) => cards.get(id)?.promotes === true);
        return last !== -1 && !ids.slice(last).some((id) => id === "http.check" || id === "http.transaction");
      });
    expect(blind.map(({ system, id }) => `${system}/${id}`)).toEqual([]);
  },
);

/** How much a cluster has to carry is the installation's to say, and no file's. */
test("no shipped runbook says in figures how many nodes are enough", () => {
  const written = catalog.runbooks.flatMap((runbook) =>
    actionsOf(runbook).flatMap(({ step, does }) => {
      const { nodesAtLeast } = (does.with ?? {}) as { nodesAtLeast?: unknown };
      return typeof nodesAtLeast === "number" && nodesAtLeast > 1
        ? [`${runbook.system}/${runbook.id}: ${step.id}`]
        : [];
    }),
  );
  expect(written).toEqual([]);
});

describe("what editors read", () => {
  test.each(Object.entries(jsonSchemas))(
    "%s is current (LIFEBOAT_UPDATE_PAGES=1 writes it again)",
    async (name, make) => {
      const file = join(systems, name);
      if (process.env.LIFEBOAT_UPDATE_PAGES === "1") (await import("node:fs")).writeFileSync(file, make());
      expect(readFileSync(file, "utf8")).toBe(make());
    },
  );

  test("every shipped file names its schema", () => {
    const named = catalog.systems.flatMap(({ id }) => [
      [`${id}/system.yml`, "../system.schema.json"],
      ...catalog.runbooks
        .filter(({ system }) => system === id)
        .map((book) => [`${id}/runbooks/${book.id}.yml`, "../../runbook.schema.json"]),
    ]) as [string, string][];
    const silent = named.filter(
      ([file, schema]) =>
        !readFileSync(join(systems, file), "utf8").startsWith(`# yaml-language-server: $schema=${schema}\n`),
    );
    expect(silent).toEqual([]);
  });
});
