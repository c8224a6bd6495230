// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how a runbook writes references.
import { afterAll, describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { drillLimits, type Grounds, overlapsOf } from "../../src/catalog/drill.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { planRunbook } from "../../src/catalog/plan.ts";
import type { PlanRequest } from "../../src/catalog/prepare.ts";
import { reportFindings } from "../../src/catalog/report.ts";
import type { Plan } from "../../src/catalog/types.ts";
import { makeFolder, shelf, shopSystem, valuesRunbook } from "../support/catalog-folder.ts";
import { cards } from "./cards.ts";

type Given = Readonly<Record<string, string | number>>;

const fence = (host: string) => ({
  id: "fence",
  title: "Fence",
  action: "app.readonly",
  with: { node: { name: "a", host, port: "${var.primaryPort}", passwordFrom: "DB_PASSWORD" } },
});
const written = (more: object, step: object) => ({
  title: "Fence it",
  summary: "Fences the primary.",
  component: "database",
  changes: "database: ${var.primaryHost} takes no writes",
  ...more,
  stages: [
    {
      id: "decide",
      title: "Decide",
      steps: [{ id: "approve", title: "Approve", gate: { role: "incident-commander" } }],
    },
    { id: "do", title: "Do", steps: [step] },
  ],
});
const exercise = {
  ...written({ exercise: true }, fence("${var.primaryHost}")),
  stages: [
    {
      id: "decide",
      title: "Decide",
      steps: [{ id: "approve", title: "Approve", gate: { role: "incident-commander", exercise: true } }],
    },
    { id: "do", title: "Do", steps: [fence("${var.primaryHost}")] },
  ],
};
const folder = makeFolder({
  "shop/system.yml": shopSystem,
  "shop/runbooks/values.yml": valuesRunbook,
  "shop/runbooks/look.yml": shelf.look as string,
  "shop/runbooks/move-writes.yml": shelf["move-writes"] as string,
  "shop/runbooks/fence.yml": stringify(written({}, fence("${var.primaryHost}"))),
  "shop/runbooks/literal.yml": stringify(written({}, fence("db-literal"))),
  "shop/runbooks/exercise.yml": stringify(exercise),
});
afterAll(() => folder.remove());
const { catalog, problems } = loadCatalog(folder.path, cards);
if (problems.length > 0) throw new Error(reportFindings(problems, folder.path));

const production = { primaryHost: "db-a", standbyHost: "db-b" };
const drill = { primaryHost: "drill-a", standbyHost: "drill-b" };

function grounds(live: Given | null, drilled: Given | null): Grounds {
  const of = (given: Given | null) => new Map(given ? [["shop", new Map(Object.entries(given))] as const] : []);
  return { catalog, cards, production: of(live), drill: of(drilled) };
}

function planned({ production: variables, drill: drillVariables }: Grounds, more: Partial<PlanRequest> = {}) {
  const base = { catalog, cards, system: "shop", runbook: "fence", mode: "unplanned", kind: "drill" } as const;
  return planRunbook({ ...base, variables, drillVariables, ...more });
}

function made(from: Grounds, more: Partial<PlanRequest> = {}): Plan {
  const one = planned(from, more);
  if (!one.ok) throw new Error(JSON.stringify(one.problems, null, 2));
  return one.plan;
}

describe("given a runbook that changes something, when a drill of it is planned", () => {
  test("then without a drill environment it is refused, and says what can be drilled", () => {
    expect(planned(grounds(production, null))).toEqual({
      ok: false,
      problems: [
        {
          code: "drill-nowhere",
          where: "Fence it",
          what: "There is no drill environment for Shop, and this runbook is no production exercise: a drill of it would change production",
          allowed: "Production exercises: `/dr runbook exercise --drill`",
          next: "Name the drill environment's values in LIFEBOAT_DRILL_VALUES; `--dry-run` only looks",
        },
      ],
    });
  });

  test("then it is bound to the drill's values and says whose they are", () => {
    const plan = made(grounds(production, drill));
    expect(plan.resources).toEqual(["drill/postgres:drill-a:5432"]);
    expect(plan.drill).toEqual({ on: "environment", values: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(made(grounds(production, { ...drill, standbyHost: "drill-c" })).drill).not.toEqual(plan.drill);
  });

  test("then values that lead to production are refused, by name", () => {
    const one = planned(grounds(production, { ...drill, primaryHost: "DB-A" }));
    expect(one).toMatchObject({
      problems: [
        {
          code: "drill-on-production",
          where: "shop/fence, fence",
          what: expect.stringMatching(
            /^The drill's values lead to production: postgres:db-a:5432, as in shop\/fence, fence/,
          ),
        },
        { what: expect.stringMatching(/address:db-a:5432/) },
      ],
    });
    const same = planned(grounds(production, { ...drill, primaryHost: "db-a" }));
    expect(JSON.stringify(same)).toContain("the same value in both: primaryHost");
  });

  test("then another of production's servers is refused as well", () => {
    expect(planned(grounds(production, { ...drill, primaryHost: "db-b" }))).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([
        expect.objectContaining({
          what: expect.stringMatching(/postgres:db-b:5432, as in shop\/move-writes, promote/),
        }),
      ]),
    });
  });

  test("then what is written out in the runbook is the same server in both, and refused", () => {
    expect(planned(grounds(production, drill), { runbook: "literal" })).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([
        expect.objectContaining({
          what: "This step is the same in the drill as in production, so it would change production",
        }),
      ]),
    });
  });

  test("then it is refused where no one knows what production is", () => {
    expect(planned(grounds(null, drill))).toMatchObject({ problems: [{ code: "drill-production-unknown" }] });
  });

  test("then an exercise is held on production, with production's values", () => {
    const plan = made(grounds(production, drill), { runbook: "exercise" });
    expect(plan).toMatchObject({ drill: { on: "exercise" }, resources: ["postgres:db-a:5432"] });
  });
});

test("given a runbook that only looks, when a drill of it is planned, then it needs no environment", () => {
  expect(made(grounds(production, null), { runbook: "look" }).drill).toEqual({ on: "nothing" });
});

test("given a dry run, when it is planned as a drill, then it looks at production and can change nothing", () => {
  expect(made(grounds(production, null), { dryRun: true })).toMatchObject({
    drill: { on: "nothing" },
    resources: ["postgres:db-a:5432"],
  });
});

describe("given drill values, when the bot starts", () => {
  test("then values of its own are fine", () => {
    expect(overlapsOf(grounds(production, { ...drill, primaryPort: 5432 })).map(({ what }) => what)).toEqual([
      // The one address that a runbook writes out is production's, whatever the values say.
      expect.stringMatching(/postgres:db-literal:5432/),
      expect.stringMatching(/address:db-literal:5432/),
    ]);
  });

  test("then each place that is production's is named", () => {
    const all = overlapsOf(grounds(production, { ...drill, standbyHost: "db-b" })).map(({ what }) => what);
    expect(all).toContain(
      "The drill's values lead to production: postgres:db-b:5432, as in shop/move-writes, promote; the same value in both: standbyHost",
    );
  });
});

describe("given a drill that is in progress, when a step is about to be performed", () => {
  const touch = (host: string, changes = true) => ({
    action: "app.readonly",
    input: { node: { name: "a", host, port: 5432 } },
    resources: [`postgres:${host}:5432`],
    changes,
    breaks: false,
  });
  const plan = made(grounds(production, drill));

  test("then what is the drill's may be touched, and production may not", () => {
    const may = drillLimits(() => grounds(production, drill));
    expect(may(plan, touch("drill-a"))).toBeNull();
    expect(may(plan, touch("db-b"))).toBe("This is a drill, and postgres:db-b:5432 belongs to production.");
    expect(may(plan, { ...touch("DB-B", false), resources: [] })).toBe(
      "This is a drill, and address:db-b:5432 belongs to production.",
    );
  });

  test("then a file of drill values edited since stops it", () => {
    const may = drillLimits(() => grounds(production, { ...drill, primaryHost: "db-a" }));
    expect(may(plan, touch("drill-a"))).toMatch(/have changed since this was planned/);
    expect(drillLimits(() => grounds(production, null))(plan, touch("drill-a"))).toMatch(/have changed/);
  });

  test("then production's values that moved onto the drill's servers stop it, and so do unreadable ones", () => {
    expect(
      drillLimits(() => grounds({ ...production, standbyHost: "drill-a" }, drill))(plan, touch("drill-a")),
    ).toMatch(/belongs to production/);
    expect(drillLimits(() => grounds(null, drill))(plan, touch("drill-a"))).toMatch(/cannot be read/);
  });

  test("then what breaks its target does so in a drill environment and in practice, and nowhere else", () => {
    const may = drillLimits(() => grounds(production, drill));
    const breaks = { ...touch("drill-a"), breaks: true };
    expect(may(plan, breaks)).toBeNull();
    expect(may(plan, { ...breaks, ...touch("db-b"), breaks: true })).toMatch(/belongs to production/);
    const { drill: _none, ...before } = plan;
    for (const other of [
      { ...plan, drill: { on: "exercise" } },
      { ...plan, drill: { on: "nothing" } },
      before,
    ] as const) {
      expect(may(other, breaks)).toBe(
        "This step breaks its target on purpose, and this drill isn't held in a drill environment.",
      );
      // It may look at what it would break: nothing is changed by that.
      expect(may(other, { ...breaks, changes: false })).toBeNull();
    }
    const practised = { ...plan, environment: "practice", drill: { on: "practice" } } as const;
    expect(may(practised, breaks)).toBeNull();
  });

  test("then one that only looks changes nothing, and one for practice stays there", () => {
    const may = drillLimits(() => grounds(production, drill));
    const looks = { ...plan, drill: { on: "nothing" } } as const;
    expect(may(looks, touch("db-a", false))).toBeNull();
    expect(may(looks, touch("db-a"))).toBe("This drill only looks, and this step would change something.");
    expect(may({ ...plan, drill: { on: "practice" } }, touch("drill-a"))).toMatch(/this is production/);
  });
});
