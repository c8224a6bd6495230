import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { cards } from "../../src/actions/index.ts";
import { conformanceOf } from "../../src/catalog/conformance.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { planPrepared } from "../../src/catalog/plan.ts";
import { type PlanRequest, preparePlan } from "../../src/catalog/prepare.ts";
import { projectRoot } from "../../src/lib/root.ts";

const home = join(projectRoot(), "templates", "systems");
const systems = readdirSync(home, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));

describe.each(systems)("given the runbooks of %s, walked at a table", (name) => {
  const { catalog } = loadCatalog(join(home, name), cards);
  const runbooks = catalog.runbooks.flatMap((runbook) => runbook.modes.map((mode) => ({ runbook, mode })));

  test.each(runbooks)(
    "then no step of $runbook.id, $mode, calls an action, and its gates are asked",
    ({ runbook, mode }) => {
      // No values, no drill environment, nothing seen: nothing of it is looked up.
      const request: PlanRequest = {
        ...{ catalog, cards, variables: new Map(), system: runbook.system, runbook: runbook.id, mode },
        ...{ kind: "drill", tabletop: true },
      };
      const prepared = preparePlan(request);
      if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
      expect(prepared.targets).toEqual([]);
      const planned = planPrepared(request, prepared, new Map());
      if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
      const { plan } = planned;
      const steps = plan.stages.flatMap((stage) => stage.steps);
      expect(plan).toMatchObject({ tabletop: true, kind: "drill", resources: [], title: `Tabletop: ${runbook.title}` });
      expect(steps.filter(({ kind }) => kind !== "manual" && kind !== "gate")).toEqual([]);
      const gates = runbook.stages.flatMap((stage) =>
        stage.steps.filter(({ does, mode: of }) => does.kind === "gate" && (of === null || of === mode)),
      );
      expect(steps.filter(({ kind }) => kind === "gate")).toHaveLength(gates.length);
      const held = conformanceOf(plan, { catalog, cards, variables: new Map() });
      expect(held.differences).toEqual([]);
    },
  );
});
