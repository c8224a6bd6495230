import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Action } from "../src/actions/contract.ts";
import { cardOf } from "../src/actions/index.ts";
import { withDeadlines } from "../src/actions/wrap/deadline.ts";
import { loadCatalog } from "../src/catalog/load.ts";
import { planRunbook } from "../src/catalog/plan.ts";
import { reportFindings } from "../src/catalog/report.ts";
import { projectRoot } from "../src/lib/root.ts";
import type { Store } from "../src/timeline/index.ts";
import { makeFolder, shopSystem, valuesRunbook } from "./support/catalog-folder.ts";
import { EngineScenario, engineOn } from "./support/engine-harness.ts";
import type { FailureSuite } from "./support/failure-case.ts";
import { storeOn, type TestServer, testServer } from "./support/postgres.ts";
import { runFailureSuite } from "./support/run-failure-suite.ts";

/** The example of CONTRIBUTING.md, taken out of it as it stands there. */
const page = readFileSync(join(projectRoot(), "CONTRIBUTING.md"), "utf8");

function example(language: string, named: string): string {
  const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  const found = blocks.find(([, kind, text]) => kind === language && text?.includes(named));
  if (found?.[2] === undefined) throw new Error(`CONTRIBUTING.md has no ${language} example ${named}.`);
  return found[2];
}

mkdirSync(join(projectRoot(), ".lifeboat"), { recursive: true });
const home = mkdtempSync(join(projectRoot(), ".lifeboat", "contributing-"));
let server: TestServer;
let store: Store;
let flags: Server;
const asked: string[] = [];

beforeAll(async () => {
  server = await testServer();
  store = await storeOn(await server.database());
  let on = true;
  flags = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      if (request.method === "PUT") on = (JSON.parse(body) as { on: boolean }).on;
      response.end(JSON.stringify({ on }));
    });
  });
  await new Promise<void>((resolve) => flags.listen(0, "127.0.0.1", resolve));
}, 60_000);
afterAll(async () => {
  flags?.close();
  await store?.close();
  await server?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** An example as a module of its own, with the files it imports from this repository. */
async function moduleOf<T>(named: string, places: Readonly<Record<string, string>>): Promise<T> {
  let text = example("ts", named);
  for (const [from, to] of Object.entries(places)) {
    text = text.replaceAll(`"${from}`, `"${pathToFileURL(join(projectRoot(), to)).pathname}/`);
  }
  const file = join(home, named.split("/").at(-1) ?? "");
  writeFileSync(file, text);
  return (await import(file)) as T;
}

const { check, set } = await moduleOf<{ check: Action; set: Action }>("// src/actions/flags/set.ts", {
  "../../lib/": "src/lib",
  "../": "src/actions",
});
const actions: ReadonlyMap<string, Action> = new Map([check, set].map((one) => [one.id, withDeadlines(one)]));
const { suite } = await moduleOf<{ suite: FailureSuite }>("// test/actions/flags/failure-cases.ts", {
  "../../../practice/": "practice",
  "../../../src/": "src",
  "../../support/": "test/support",
  "../": "test/actions",
});
await runFailureSuite({ ...suite, actions });

test("the example of CONTRIBUTING.md lints, is planned, and runs: one request, and the world shows it", async () => {
  const cards = new Map([...actions.values()].map((action) => [action.id, cardOf(action)]));
  const folder = makeFolder({
    "shop/system.yml": `${shopSystem}  flagsUrl: { type: string, description: Address of the flags }\n`,
    "shop/runbooks/checkout-off.yml": example("yaml", "# runbooks/checkout-off.yml"),
    "shop/runbooks/values.yml": valuesRunbook,
  });
  const { catalog, problems } = loadCatalog(folder.path, cards);
  folder.remove();
  expect(reportFindings(problems, folder.path)).toBe("");

  const { port } = flags.address() as AddressInfo;
  const planned = planRunbook({
    ...{ catalog, cards, system: "shop", runbook: "checkout-off", mode: "unplanned", kind: "real" },
    variables: new Map([["shop", new Map([["flagsUrl", `http://127.0.0.1:${port}`]])]]),
  });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  const engine = engineOn(store, { actions });
  engine.start();
  try {
    const scenario = new EngineScenario(store);
    await scenario.requested(planned.plan);
    await scenario.untilApprovalRequested("approve");
    expect(asked.filter((request) => request.startsWith("PUT"))).toEqual([]);
    await scenario.approve("cy", "approve");
    const run = await scenario.until((one) => one.status === "verified");
    expect(run.steps.get("switch-off")).toMatchObject({ status: "done", says: "checkout is off." });
  } finally {
    await engine.stop();
  }
  expect(asked.filter((request) => request.startsWith("PUT"))).toEqual(["PUT /flags/checkout"]);
});
