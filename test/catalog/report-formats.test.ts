import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { z } from "zod";
import { cards } from "../../src/actions/index.ts";
import type { Finding } from "../../src/catalog/fault.ts";
import { lint } from "../../src/catalog/lint.ts";
import { reportAs } from "../../src/catalog/report-formats.ts";
import { projectRoot } from "../../src/lib/root.ts";

/** What lint says to programs: the same findings in each format, and nothing of a file becomes a command. */
const options = { from: "/repo", version: "1.2.3" };
const odd: Finding = {
  level: "error",
  rule: "unknown-role",
  file: "/repo/systems/my shop/runbooks/a,b.yml",
  line: 7,
  column: 3,
  source: "  role: x",
  length: 4,
  what: 'There is no role "100%\n::error::mine"',
  allowed: "Allowed: database",
};
const plain: Finding = {
  ...odd,
  level: "warning",
  rule: "shape",
  file: "/repo/systems/s.yml",
  what: "Odd.",
  length: 0,
  allowed: "",
};

/** What SARIF 2.1.0 (OASIS, section 3) demands of what is used of it; no package of a registry holds its schema alone. */
const text = z.strictObject({ text: z.string().min(1) });
const sarif = z.strictObject({
  $schema: z.url(),
  version: z.literal("2.1.0"),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string().min(1),
          version: z.string(),
          rules: z.array(z.strictObject({ id: z.string().min(1), shortDescription: text })),
        }),
      }),
      columnKind: z.literal("utf16CodeUnits"),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.number().int().min(0),
          level: z.enum(["error", "warning"]),
          message: text,
          locations: z.tuple([
            z.strictObject({
              physicalLocation: z.strictObject({
                artifactLocation: z.strictObject({ uri: z.string().regex(/^[^\s\\\\]+$/) }),
                region: z.strictObject({
                  startLine: z.number().int().min(1),
                  startColumn: z.number().int().min(1),
                  endColumn: z.number().int().min(1),
                }),
              }),
            }),
          ]),
        }),
      ),
    }),
  ]),
});

test("sarif: as the standard has it, with every rule said once", () => {
  const [run] = sarif.parse(JSON.parse(reportAs("sarif", [odd, plain, odd], options))).runs;
  const { rules } = run.tool.driver;
  expect(rules.map(({ id }) => id)).toEqual(["shape", "unknown-role"]);
  for (const { ruleId, ruleIndex } of run.results) expect(rules[ruleIndex]?.id).toBe(ruleId);
  expect(run.results[0]?.locations[0].physicalLocation).toEqual({
    artifactLocation: { uri: "systems/my%20shop/runbooks/a,b.yml" },
    region: { startLine: 7, startColumn: 3, endColumn: 7 },
  });
  // A place of no width is still one that can be shown.
  expect(run.results[1]?.locations[0].physicalLocation.region).toMatchObject({ startColumn: 3, endColumn: 4 });
});

test("github: one command a finding, whatever stands in it", () => {
  const said = reportAs("github", [odd, plain], options);
  expect(said.split("\n")).toEqual([
    '::error file=systems/my shop/runbooks/a%2Cb.yml,line=7,col=3,endColumn=7,title=unknown-role::There is no role "100%25%0A::error::mine". Allowed: database.',
    "::warning file=systems/s.yml,line=7,col=3,endColumn=4,title=shape::Odd.",
    "",
  ]);
});

test("json: each with its place, and how many there are", () => {
  expect(JSON.parse(reportAs("json", [odd, plain], options))).toMatchObject({
    errors: 1,
    warnings: 1,
    problems: [
      { rule: "unknown-role", file: "systems/my shop/runbooks/a,b.yml", line: 7, allowed: "Allowed: database" },
      { rule: "shape" },
    ],
  });
});

describe("the shipped catalogue", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-lint-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("is clean in every format", () => {
    const { problems } = lint(join(projectRoot(), "templates", "systems"), cards);
    expect(problems).toEqual([]);
    expect(reportAs("github", problems, options)).toBe("");
    expect(sarif.parse(JSON.parse(reportAs("sarif", problems, options))).runs[0].results).toEqual([]);
  });

  test("what can't be read is told in SARIF too", () => {
    const { problems } = lint(join(folder, "nowhere"), cards);
    expect(problems.length).toBeGreaterThan(0);
    sarif.parse(JSON.parse(reportAs("sarif", problems, { ...options, from: folder })));
  });
});

describe("the GitHub Action", () => {
  interface Step {
    readonly uses?: string;
    readonly run?: string;
    readonly shell?: string;
    readonly env?: Record<string, string>;
  }
  const action: { inputs: Record<string, object>; runs: { using: string; steps: Step[] } } = parse(
    readFileSync(join(projectRoot(), "action.yml"), "utf8"),
  );

  test("gives inputs to its script as environment only, and each is used", () => {
    expect(action.runs.using).toBe("composite");
    for (const { run = "", shell } of action.runs.steps.filter(({ run }) => run !== undefined)) {
      expect(run).not.toContain("${".concat("{"));
      expect(shell).toBe("bash");
    }
    const given = action.runs.steps.flatMap(({ env = {} }) => Object.values(env));
    for (const name of Object.keys(action.inputs)) expect(given).toContain("${".concat(`{ inputs.${name} }}`));
  });
});
