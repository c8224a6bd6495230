// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how a runbook writes references.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { stringify } from "yaml";
import { loadCatalog } from "../../src/catalog/load.ts";
import { type Planned, planRunbook } from "../../src/catalog/plan.ts";
import type { PlanRequest } from "../../src/catalog/prepare.ts";
import { reportFindings } from "../../src/catalog/report.ts";
import { makeFolder, shelf, shopSystem, valuesRunbook } from "../support/catalog-folder.ts";
import { IncidentScenario } from "../support/incident-scenario.ts";
import { cards } from "./cards.ts";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const node = { name: "a", host: "${var.primaryHost}", port: "${var.primaryPort}", passwordFrom: "DB_PASSWORD" };
const runbook = {
  title: "Fail over the database",
  summary: "Moves writes to the standby.",
  starts: "failover database",
  component: "database",
  modes: ["planned", "unplanned"],
  changes: "${component.title}: writes move from ${var.primaryHost} to ${var.standbyHost} (${mode})",
  stages: [
    {
      id: "assess",
      title: "Look",
      steps: [
        {
          id: "check",
          title: "Check",
          action: "postgres.check",
          with: { node: { ...node, host: "${var.standbyHost}" }, mode: "${mode}" },
        },
      ],
    },
    {
      id: "decide",
      title: "Decide",
      steps: [{ id: "approve", title: "Approve", gate: { role: "incident-commander", escalate: "database" } }],
    },
    {
      id: "switch",
      title: "Switch to ${var.standbyHost}",
      steps: [
        { id: "fence", title: "Fence", action: "postgres.fence", with: { node }, retries: 1 },
        { id: "drain", title: "Drain", mode: "planned", action: "postgres.drain", with: { node } },
        {
          id: "promote",
          title: "Promote",
          action: "postgres.promote",
          with: { node: { ...node, host: "${var.standbyHost}" }, fenceStep: "fence" },
        },
      ],
    },
    {
      id: "catch-up",
      title: "Catch up",
      steps: [{ id: "rest", title: "Rest", mode: "planned", action: "wait", with: { for: "90s" } }],
    },
    {
      id: "look-again",
      title: "Look again",
      parallel: true,
      steps: [
        {
          id: "again",
          title: "Again",
          action: "postgres.check",
          with: { node },
          when: { step: "check", fact: "primaryReachable", is: true },
        },
        {
          id: "ask",
          title: "Ask",
          action: "human.confirm",
          with: { instructions: "Is ${var.standbyHost} quiet?", role: "responder" },
        },
      ],
    },
  ],
  afterwards: ["Bring ${var.primaryHost} back."],
};
const drilled = { primaryHost: "drill-a", standbyHost: "drill-b" };
const given = { primaryHost: "db-a", standbyHost: "db-b" };
const onShelf: Record<string, string> = Object.fromEntries(
  ["look", "move-writes"].map((id) => [`shop/runbooks/${id}.yml`, shelf[id] as string]),
);
onShelf["shop/runbooks/values.yml"] = valuesRunbook;
const folders: { remove(): void }[] = [];
afterAll(() => {
  for (const folder of folders) folder.remove();
});

/** Loads the shop with this runbook as written, and plans it. */
function plan(text: string, request: Partial<PlanRequest> = {}, system = shopSystem): Planned {
  const folder = makeFolder({ "shop/system.yml": system, "shop/runbooks/failover.yml": text, ...onShelf });
  const { catalog, problems } = loadCatalog(folder.path, cards);
  folder.remove();
  if (problems.length > 0) throw new Error(reportFindings(problems, folder.path));
  const variables = new Map([["shop", new Map(Object.entries(given))]]);
  return planRunbook({
    catalog,
    cards,
    variables,
    system: "shop",
    runbook: "failover",
    mode: "planned",
    kind: "real",
    ...request,
  });
}

function ok(planned: Planned): Extract<Planned, { ok: true }> {
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems, null, 2));
  return planned;
}

describe("given a runbook, when it is planned", () => {
  test("then everything in it is resolved, and what changes is said in one line", () => {
    const { plan: made } = ok(plan(stringify(runbook)));
    expect(made).toMatchObject({
      system: "shop",
      environment: "production",
      mode: "planned",
      target: "Database: writes move from db-a to db-b (planned)",
      resources: ["postgres:db-a:5432", "postgres:db-b:5432"],
      rtoSeconds: 600,
      rpoSeconds: 60,
      pointOfNoReturn: "promote",
      afterwards: ["Bring db-a back."],
    });
    expect(JSON.stringify(made)).not.toContain("${");
  });

  test("then a whole reference keeps its type, and an action's defaults are in the plan", () => {
    const { plan: made } = ok(plan(stringify(runbook)));
    expect(made.stages[0]?.steps[0]).toEqual({
      id: "check",
      title: "Check",
      when: null,
      kind: "action",
      action: "postgres.check",
      input: { node: { name: "a", host: "db-b", port: 5432, passwordFrom: "DB_PASSWORD" }, mode: "planned" },
      risk: "read",
      repeat: "safe",
      budget: { typicalSeconds: 1, warnSeconds: 2, failSeconds: 4 },
      retries: 0,
    });
  });

  test("a step's own timeout shortens what its action allows, and its warning with it", () => {
    const text = stringify(runbook).replace("retries: 1", 'retries: 1\n        timeout: "3s"');
    const step = (made: ReturnType<typeof ok>, id: string) =>
      made.plan.stages.flatMap(({ steps }) => steps).find((one) => one.id === id);
    const made = ok(plan(text));
    expect(step(made, "fence")).toMatchObject({ budget: { typicalSeconds: 1, warnSeconds: 2, failSeconds: 3 } });
    expect(made.hash).not.toBe(ok(plan(stringify(runbook))).hash);
  });

  test("then gates, work by hand and waits carry seconds, roles and resolved words", () => {
    const { plan: made } = ok(plan(stringify(runbook)));
    const steps = made.stages.flatMap((stage) => stage.steps);
    expect(steps.find(({ id }) => id === "approve")).toMatchObject({
      kind: "gate",
      gate: {
        role: "incident-commander",
        quorum: 1,
        expiresSeconds: 600,
        escalate: [{ role: "vp-engineering", afterSeconds: 300 }],
        stepUp: false,
      },
    });
    expect(steps.find(({ id }) => id === "ask")).toMatchObject({ kind: "manual", instructions: "Is db-b quiet?" });
    expect(steps.find(({ id }) => id === "rest")).toMatchObject({ kind: "wait", seconds: 90 });
  });

  test("then steps of the other mode are left out, and stages that hold nothing else", () => {
    const { plan: made } = ok(plan(stringify(runbook), { mode: "unplanned" }));
    expect(made.stages.map(({ id }) => id)).toEqual(["assess", "decide", "switch", "look-again"]);
    expect(made.stages[2]?.steps.map(({ id }) => id)).toEqual(["fence", "promote"]);
  });

  test("then its hash is the SHA-256 of its bytes, and the bytes are the plan", () => {
    const { plan: made, bytes, hash } = ok(plan(stringify(runbook)));
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(hash);
    expect(JSON.parse(bytes.toString("utf8"))).toEqual(made);
  });

  test("then mode, kind and every value given are part of the hash", () => {
    const text = stringify(runbook);
    const other = new Map([["shop", new Map(Object.entries({ ...given, standbyHost: "db-c" }))]]);
    const hashes = [
      plan(text),
      plan(text, { mode: "unplanned" }),
      plan(text, { kind: "drill", drillVariables: new Map([["shop", new Map(Object.entries(drilled))]]) }),
      plan(text, { variables: other }),
    ].map((planned) => ok(planned).hash);
    expect(new Set(hashes).size).toBe(4);
  });
});

describe("given a runbook that includes others, when it is planned", () => {
  const gate = { role: "incident-commander" };
  const region = {
    title: "Leave the region",
    summary: "Moves everything.",
    component: "database",
    modes: ["planned", "unplanned"],
    changes: "everything moves",
    stages: [
      { id: "confirm", title: "Confirm", use: "look", as: "unplanned" },
      { id: "decide", title: "Decide", steps: [{ id: "approve", title: "Approve", gate }] },
      {
        id: "move",
        title: "Move",
        parallel: true,
        steps: [
          { id: "db", title: "Database", use: "move-writes", gates: "drop" },
          {
            id: "cache",
            title: "Cache",
            steps: [
              { id: "warm", title: "Warm", action: "wait", with: { for: "5s" } },
              { id: "hits", title: "Hits", action: "wait", with: { for: "5s" } },
            ],
          },
          { id: "tell", title: "Tell", action: "human.confirm", with: { instructions: "Tell them." } },
        ],
      },
      { id: "back", title: "And once more", mode: "planned", use: "move-writes" },
    ],
    afterwards: ["Sleep."],
  };
  const planned = (mode: "planned" | "unplanned", stages: unknown[] = region.stages) =>
    ok(plan(stringify({ ...region, stages }, { aliasDuplicateObjects: false }), { mode }));

  test("then it is flat: ids begin with where it is included, and what names a step follows", () => {
    const { plan: made } = planned("planned");
    expect(made.stages.map(({ id, title }) => `${id} ${title}`)).toEqual([
      "confirm-assess Confirm: Look at Database",
      "decide Decide",
      "move Move",
      "back-decide And once more: Decide",
      "back-switch And once more: Switch",
    ]);
    const steps = made.stages.flatMap((stage) => stage.steps);
    expect(steps.map(({ id }) => id)).toEqual([
      ...["confirm-check", "confirm-again", "approve"],
      ...["db-look", "db-fence", "db-drain", "db-promote", "warm", "hits", "tell"],
      ...["back-look", "back-approve", "back-fence", "back-drain", "back-promote"],
    ]);
    expect(steps.find(({ id }) => id === "db-promote")).toMatchObject({ input: { fenceStep: "db-fence" } });
    expect(steps.find(({ id }) => id === "back-promote")).toMatchObject({ input: { fenceStep: "back-fence" } });
    expect(steps.find(({ id }) => id === "confirm-again")?.when?.step).toBe("confirm-check");
    // Included as unplanned, whatever the run is.
    expect(steps[0]).toMatchObject({ title: "Look, unplanned", input: { mode: "unplanned" } });
    expect(made.pointOfNoReturn).toBe("db-promote");
    expect(made.afterwards).toEqual(["Sleep.", "Bring Database back."]);
  });

  test("then what is included in a parallel stage is a branch, without what does not run in this mode", () => {
    const lanes = (mode: "planned" | "unplanned") => planned(mode).plan.stages.find(({ id }) => id === "move")?.lanes;
    expect(lanes("planned")).toEqual([
      { id: "db", title: "Database", steps: ["db-look", "db-fence", "db-drain", "db-promote"] },
      { id: "cache", title: "Cache", steps: ["warm", "hits"] },
    ]);
    expect(lanes("unplanned")?.[0]?.steps).toEqual(["db-look", "db-fence", "db-promote"]);
    expect(planned("unplanned").plan.stages.map(({ id }) => id)).toEqual(["confirm-assess", "decide", "move"]);
  });

  test("then a plan says that it has branches, so that a version that knows none doesn't run it", () => {
    expect(planned("planned").plan.format).toBe(2);
    expect(planned("planned", region.stages.slice(0, 2)).plan.format).toBe(1);
  });

  test("then a condition here holds for all that came, and those of its own hold as well", () => {
    const when = { step: "confirm-check", fact: "primaryReachable", is: true };
    const { plan: made } = planned("planned", [
      region.stages[0],
      { id: "more", title: "More", use: "look", as: "unplanned", when },
    ]);
    const steps = made.stages.flatMap((stage) => stage.steps);
    expect(steps.slice(2).map((step) => step.when?.step)).toEqual(["confirm-check", "more-check"]);
    // What the second asks is passed over by the first, and so it is too.
    const story = new IncidentScenario()
      .declared()
      .requested({ ...made, system: "shop" })
      .preflighted();
    story.done("confirm-check");
    expect(["confirm-again", "more-check", "more-again"].map((id) => story.status(id))).toEqual([
      "passedOver",
      "passedOver",
      "passedOver",
    ]);
    const other = new IncidentScenario()
      .declared()
      .requested({ ...made, system: "shop" })
      .preflighted();
    other.done("confirm-check", "run-1", [{ id: "primaryReachable", value: true }]).done("more-check");
    expect(["more-check", "more-again"].map((id) => other.status(id))).toEqual(["done", "passedOver"]);
  });

  test("then a time given here is for all that came, and else the times of what came go with it", () => {
    const timed = (confirm: object, move: object = {}) =>
      planned("planned", [
        { ...region.stages[0], ...confirm },
        { ...region.stages[1], within: "1m" },
        { ...region.stages[2], ...move },
        region.stages[3],
      ]).plan.clocks;
    expect(timed({ within: "5m" })).toEqual([
      { id: "confirm", title: "Confirm", withinSeconds: 300, stages: ["confirm-assess"] },
      { id: "decide", title: "Decide", withinSeconds: 60, stages: ["decide"] },
      { id: "back-switch", title: "And once more: Switch", withinSeconds: 120, stages: ["back-switch"] },
    ]);
    expect(timed({}, { within: "5m" })?.map(({ id }) => id)).toEqual(["decide", "move", "back-switch"]);
    expect(planned("unplanned").plan).not.toHaveProperty("clocks");
  });

  test("then its hash is that of the same steps written out: what is included where is not part of it", () => {
    const bytes = planned("planned").bytes.toString("utf8");
    expect(bytes).not.toMatch(/"use"|move-writes|path/);
  });
});

describe("given something is missing, when it is planned", () => {
  test("then all values are named at once, with what to write and where", () => {
    expect(plan(stringify(runbook), { variables: new Map() })).toEqual({
      ok: false,
      problems: [
        {
          code: "missing-values",
          where: "shop/failover",
          what: 'This installation gives no value for "primaryHost", "standbyHost"',
          next: [
            "Write into the file that LIFEBOAT_VALUES names:",
            "shop:",
            "    primaryHost: # string. Address of the primary",
            "    standbyHost: # string. Address of the standby",
          ].join("\n"),
        },
      ],
    });
  });

  test.each([
    [{ system: "shpo" }, 'There is no system "shpo"', 'Did you mean "shop"?'],
    [{ runbook: "failovr" }, 'Shop has no runbook "failovr"', 'Did you mean "failover"?'],
  ])("then %j is refused, and what was probably meant is said", (request, what, next) => {
    expect(plan(stringify(runbook), request)).toMatchObject({ ok: false, problems: [{ what, next }] });
  });

  test("then a mode that is not offered is refused", () => {
    const look = { ...runbook, modes: ["planned"] };
    expect(plan(stringify(look), { mode: "unplanned" })).toMatchObject({
      ok: false,
      problems: [{ code: "mode-not-offered", allowed: "Allowed: planned" }],
    });
  });

  test("then a value the action does not take is refused, though the runbook lints", () => {
    const variables = new Map([
      ["shop", new Map<string, string | number>(Object.entries({ ...given, primaryPort: 70_000 }))],
    ]);
    const planned = plan(stringify(runbook), { variables });
    expect(planned.ok ? [] : planned.problems.map(({ where, code }) => `${where}: ${code}`)).toEqual([
      "shop/failover, check: action-input",
      "shop/failover, fence: action-input",
      "shop/failover, drain: action-input",
      "shop/failover, promote: action-input",
      "shop/failover, again: action-input",
    ]);
  });

  test("then a catalogue that was loaded without knowing actions is checked all the same", () => {
    const ungated = { ...runbook, stages: runbook.stages.filter(({ id }) => id !== "decide") };
    const folder = makeFolder({ "shop/system.yml": shopSystem, "shop/runbooks/failover.yml": stringify(ungated) });
    folders.push(folder);
    const { catalog, problems } = loadCatalog(folder.path);
    expect(problems).toEqual([]);
    const variables = new Map([["shop", new Map(Object.entries(given))]]);
    const request = {
      catalog,
      cards,
      variables,
      system: "shop",
      runbook: "failover",
      mode: "planned",
      kind: "real",
    } as const;
    expect(planRunbook(request)).toMatchObject({
      ok: false,
      problems: [{ code: "missing-gate" }, { code: "missing-gate" }],
    });
  });
});

describe("given a runbook with inputs, when it is planned", () => {
  const text = stringify({
    title: "Fence one",
    summary: "Keeps writes off one server.",
    inputs: {
      host: { type: "text", description: "The server", pattern: "[a-z0-9-]{1,63}", example: "db-c" },
      port: { type: "number", description: "Its port", min: 1, max: 65535, default: 5432 },
      since: { type: "moment", description: "What is younger is looked at" },
      how: { type: "choice", description: "How hard", choices: ["soft", "hard"] },
      sure: { type: "boolean", description: "Whether", default: false },
    },
    changes: "${input.host} takes no writes (${input.how}, ${input.sure})",
    stages: [
      { id: "decide", title: "Decide on ${input.host}", steps: [runbook.stages[1]?.steps[0] as Json] },
      {
        id: "fence",
        title: "Fence",
        steps: [
          {
            id: "fence",
            title: "Fence ${input.host}",
            action: "app.readonly",
            with: { node: { ...node, host: "${input.host}", port: "${input.port}" } },
          },
          {
            id: "ask",
            title: "Ask",
            action: "human.confirm",
            with: { instructions: "Is nothing younger than ${input.since}?" },
          },
        ],
      },
    ],
  });
  const host = "db-c";
  const since = "2026-11-21T02:13:00Z";
  const planned = (inputs: Record<string, string | number | boolean>) =>
    plan(text, { mode: "unplanned", inputs: new Map(Object.entries(inputs)) });
  const problems = (inputs: Record<string, string | number | boolean>) => {
    const made = planned(inputs);
    return made.ok ? [] : made.problems.map(({ code, what }) => `${code}: ${what}`);
  };

  test("then they are on the plan in its order, with what is left out, and in everything that refers to them", () => {
    const { plan: made } = ok(planned({ how: "soft", since, host }));
    expect(made).toMatchObject({
      inputs: [
        { name: "host", value: "db-c" },
        { name: "port", value: 5432 },
        { name: "since", value: since },
        { name: "how", value: "soft" },
        { name: "sure", value: false },
      ],
      target: "db-c takes no writes (soft, false)",
      resources: ["postgres:db-c:5432"],
      stages: [
        { title: "Decide on db-c" },
        {
          steps: [
            { title: "Fence db-c", input: { node: { host: "db-c", port: 5432 } } },
            { instructions: `Is nothing younger than ${since}?` },
          ],
        },
      ],
    });
  });

  test("then other values make another plan that holds other resources, and the same ones the same plan", () => {
    const first = ok(planned({ host, since, how: "soft" }));
    const other = ok(planned({ host: "db-d", since, how: "soft" }));
    expect(other.hash).not.toBe(first.hash);
    expect(other.plan.resources).toEqual(["postgres:db-d:5432"]);
    expect(ok(planned({ how: "soft", host, since, port: 5432 })).hash).toBe(first.hash);
  });

  test("then every mistake in them is said at once, with what is allowed", () => {
    expect(problems({ hots: "a", host: "Db C", port: 0, since: "02:13", sure: "yes" })).toEqual([
      'input-unknown: It has no input "hots"',
      'input-wrong: "Db C" does not fit "[a-z0-9-]{1,63}"',
      "input-wrong: 0 is less than 1",
      'input-wrong: "02:13" is not a moment in UTC, as in 2026-11-21T02:13:00Z',
      'input-missing: "how" is not given',
      'input-wrong: "yes" is neither true nor false',
    ]);
  });

  test.each([
    ["another reference", "${var.primaryHost}"],
    ["an option to a program", "-rf"],
    ["a line end", "db\nc"],
    ["what turns the reading direction", "db\u202ec"],
    ["more than anybody types", "a".repeat(201)],
    ["nothing", ""],
  ])("then a text that is %s is refused, whatever its pattern lets through", (_, host) => {
    const wide = text.replace('"[a-z0-9-]{1,63}"', '"[^]*"').replace("[a-z0-9-]{1,63}", "[^]*");
    const inputs = new Map([...Object.entries({ host, since, how: "soft" })]);
    const made = plan(wide, { mode: "unplanned", inputs });
    expect(made).toMatchObject({ ok: false, problems: [{ code: "input-wrong" }] });
  });

  test("then a runbook without inputs has none on its plan", () => {
    expect(ok(plan(stringify(runbook))).plan).not.toHaveProperty("inputs");
    const inputs = new Map([["node", "a"]]);
    expect(plan(stringify(runbook), { inputs })).toMatchObject({ problems: [{ allowed: "It has none" }] });
  });

  test("then an included runbook has what it is given: the input of the same name, another, or a value", () => {
    const outer = stringify({
      title: "Empty three",
      summary: "Empties them.",
      inputs: {
        node: { type: "text", description: "The node", pattern: "[a-z0-9-]{1,63}", example: "worker-3" },
        second: { type: "choice", description: "Another", choices: ["worker-1", "worker-2"] },
      },
      stages: [
        { id: "first", title: "First", use: "empty" },
        { id: "second", title: "Second", use: "empty", inputs: { node: "${input.second}", most: 5 } },
        { id: "third", title: "Third", use: "empty", inputs: { node: "worker-9" } },
      ],
    });
    const folder = makeFolder({
      "shop/system.yml": shopSystem,
      "shop/runbooks/failover.yml": outer,
      "shop/runbooks/empty.yml": shelf.empty as string,
      "shop/runbooks/values.yml": valuesRunbook,
    });
    folders.push(folder);
    const { catalog, problems: found } = loadCatalog(folder.path, cards);
    expect(found).toEqual([]);
    const inputs = new Map(Object.entries({ node: "worker-3", second: "worker-2" }));
    const request = { catalog, cards, variables: new Map(), system: "shop", inputs } as const;
    const made = ok(planRunbook({ ...request, runbook: "failover", mode: "unplanned", kind: "real" })).plan;
    expect(made.stages.map(({ title, steps }) => `${title}, ${steps[0]?.title}`)).toEqual([
      "First: Look at worker-3, 1 at once",
      "Second: Look at worker-2, 5 at once",
      "Third: Look at worker-9, 1 at once",
    ]);
    expect(made.afterwards).toEqual(["Repair worker-3.", "Repair worker-2.", "Repair worker-9."]);
  });
});

describe("given a script, when it is planned", () => {
  const scripted = `${shopSystem}scripts:\n  repoint: { file: repoint.sh, environment: [APP_TOKEN] }\n`;
  const text = stringify({
    ...runbook,
    modes: ["planned"],
    starts: undefined,
    stages: [
      runbook.stages[1] as Json,
      {
        id: "go",
        title: "Go",
        steps: [
          {
            id: "repoint",
            title: "Repoint",
            action: "script.run",
            with: { script: "repoint", arguments: ["${var.standbyHost}", "${var.primaryPort}"] },
          },
        ],
      },
    ],
  });

  test("then the plan carries the hash of its bytes, and an edit makes another plan", () => {
    const folder = makeFolder({
      "shop/system.yml": scripted,
      "shop/runbooks/failover.yml": text,
      "shop/repoint.sh": "#!/bin/sh\necho one\n",
    });
    folders.push(folder);
    const { catalog, problems } = loadCatalog(folder.path, cards);
    expect(problems).toEqual([]);
    const variables = new Map([["shop", new Map(Object.entries(given))]]);
    const make = () =>
      ok(
        planRunbook({ catalog, cards, variables, system: "shop", runbook: "failover", mode: "planned", kind: "real" }),
      );
    const first = make();
    expect(first.plan.stages[1]?.steps[0]).toMatchObject({
      input: {
        script: {
          name: "repoint",
          path: expect.stringMatching(/\/shop\/repoint\.sh$/),
          sha256: createHash("sha256").update("#!/bin/sh\necho one\n").digest("hex"),
          environment: ["APP_TOKEN"],
        },
        arguments: ["db-b", "5432"],
      },
    });
    writeFileSync(join(folder.path, "shop/repoint.sh"), "#!/bin/sh\necho two\n");
    expect(make().hash).not.toBe(first.hash);
  });

  test("then one that is gone is refused", () => {
    const folder = makeFolder({
      "shop/system.yml": scripted,
      "shop/runbooks/failover.yml": text,
      "shop/repoint.sh": "x",
    });
    const { catalog } = loadCatalog(folder.path, cards);
    folder.remove();
    const variables = new Map([["shop", new Map(Object.entries(given))]]);
    const request = {
      catalog,
      cards,
      variables,
      system: "shop",
      runbook: "failover",
      mode: "planned",
      kind: "real",
    } as const;
    expect(planRunbook(request)).toMatchObject({ ok: false, problems: [{ code: "action-input" }] });
  });
});

describe("the hash", () => {
  const first = ok(plan(stringify(runbook))).hash;

  test("never changes with the order of keys, quotes, indentation, comments or flow", () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.nat()),
        fc.constantFrom(2, 3, 4, 8),
        fc.constantFrom("QUOTE_DOUBLE", "QUOTE_SINGLE", "PLAIN", "BLOCK_FOLDED"),
        fc.constantFrom("any", "block", "flow"),
        (random, indent, quotes, collectionStyle) => {
          const shuffled = shuffleKeys(runbook as Json, () => random.next().value);
          const text = stringify(shuffled, {
            indent,
            defaultStringType: quotes as "PLAIN",
            defaultKeyType: "PLAIN",
            collectionStyle: collectionStyle as "any",
            lineWidth: 0,
          });
          expect(ok(plan(`# ${indent}\n${text}\n# end\n`)).hash).toBe(first);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("changes with every value", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), (by) => {
        const same = leavesOf(runbook as Json).filter((path) => {
          const planned = tryPlan(stringify(changeAt(runbook as Json, path, by)));
          // A change that makes it wrong is refused, which is as good: it is never the same plan.
          return planned?.ok === true && planned.hash === first;
        });
        expect(same).toEqual([]);
      }),
      { numRuns: 2 },
    );
  });

  function tryPlan(text: string): Planned | null {
    try {
      return plan(text);
    } catch {
      return null;
    }
  }
});

function shuffleKeys(value: Json, next: () => number): Json {
  if (Array.isArray(value)) return value.map((item) => shuffleKeys(item, next));
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.keys(value)
    .map((key) => ({ key, at: next() }))
    .sort((a, b) => a.at - b.at);
  return Object.fromEntries(keys.map(({ key }) => [key, shuffleKeys(value[key] as Json, next)]));
}

/** Every place that ends up in a plan; which words start a runbook, and what else is offered, does not. */
function leavesOf(value: Json, path: (string | number)[] = []): (string | number)[][] {
  if (path[0] === "starts" || path[0] === "modes") return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]));
}

function changeAt(value: Json, [step, ...rest]: (string | number)[], by: number): Json {
  if (step === undefined) {
    if (typeof value === "boolean") return !value;
    return typeof value === "number" ? value + by : `${String(value)}${"x".repeat(by)}`;
  }
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? changeAt(item, rest, by) : item));
  const inside = value as { [key: string]: Json };
  return { ...inside, [step]: changeAt(inside[step] as Json, rest, by) };
}
