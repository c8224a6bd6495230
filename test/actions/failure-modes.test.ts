import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { actions } from "../../src/actions/index.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { FAILURE_MODES, type FailureMode, type FailureSuite, type Instead } from "../support/failure-case.ts";
import { failureSuites } from "./failure-suites.ts";
import { aloneSuite, watchedSuite } from "./redis/failure-cases.ts";

/**
 * Every action that changes something, and everything it has to stand: where that is tested, or why it can't happen.
 * `failure-modes.md` is this list as a page. A new action is missing here until its failure cases stand in its target's `failure-cases.ts`.
 */
const here = join(projectRoot(), "test", "actions");
const changing = [...actions.values()].filter(({ risk }) => risk !== "read").map(({ id }) => id);
const cases = failureSuites.flatMap(([, { cases: own }]) => own);
const handmade = failureSuites.flatMap(([, { handmade: own = [] }]) => own);

/** Where a file has two. */
const names = new Map<FailureSuite, string>([
  [aloneSuite, "aloneSuite"],
  [watchedSuite, "watchedSuite"],
]);

/** `null`: run by a failure case. Undefined: no one thought of it. */
function answerTo(action: string, mode: FailureMode): Instead | null | undefined {
  const own = cases.filter((failureCase) => failureCase.action === action);
  if (own.some(({ instead = {} }) => !(mode in instead))) return null;
  const said = [...own, ...handmade.filter((one) => one.action === action)];
  return said.map(({ instead = {} }) => instead[mode]).find((one) => one !== undefined);
}

describe("what everything that changes something has to stand", () => {
  test.each(changing)("%s: each failure mode is tested, or it is said why it can't happen", (action) => {
    const open = FAILURE_MODES.filter((mode) => {
      const answer = answerTo(action, mode);
      return answer === undefined || (typeof answer === "string" && answer.length < 20);
    });
    expect(open).toEqual([]);
  });

  test("a failure case is of an action there is, and is run by the file beside it", async () => {
    for (const { action } of [...cases, ...handmade]) expect(changing).toContain(action);
    for (const [file, suite] of failureSuites) {
      const text = readFileSync(join(here, file), "utf8");
      const name = names.get(suite) ?? "suite";
      const from =
        new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from "\\./([\\w-]+\\.ts)";`).exec(text)?.[1] ?? "none";
      const own = (await import(join(here, dirname(file), from))) as Record<string, unknown>;
      expect([file, own[name] === suite]).toEqual([file, true]);
      expect([file, text.includes(`\nawait runFailureSuite(${name});\n`)]).toEqual([file, true]);
    }
  });

  test("what is tested elsewhere is: a test of that name, in a file where nothing is left out", () => {
    for (const { action, instead = {} } of [...cases, ...handmade]) {
      for (const claim of Object.values(instead)) {
        if (typeof claim === "string") continue;
        const text = readFileSync(join(here, claim.file), "utf8");
        const named = new RegExp(
          `\\btest(\\.each(<[^>]*>)?\\([\\s\\S]*?\\)(?: as const\\))?)?\\(\\s*${literal(claim.test)},`,
        );
        expect([action, claim.test, named.test(text)]).toEqual([action, claim.test, true]);
        expect([claim.file, /\.(skip|only|todo)\(|\bx(test|describe|it)\(/.test(text)]).toEqual([claim.file, false]);
      }
    }
  });

  test("the page says the same", () => {
    const file = join(here, "failure-modes.md");
    const text = page();
    if (process.env.PAGES === "write") writeFileSync(file, text);
    expect(readFileSync(file, "utf8")).toBe(text);
  });
});

test("no action loads the library of its target before it is used", () => {
  const root = join(projectRoot(), "src", "actions");
  const early = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(/^import (?!type\b)[\s\S]*? from "([^"]+)";$/gm)]
        .map(([, from = ""]) => from)
        .filter((from) => !/^(\.|node:)/.test(from) && !["zod", "yaml"].includes(from))
        .map((from) => `${file}: ${from}`),
    );
  expect(early).toEqual([]);
});

function literal(text: string): string {
  return JSON.stringify(text).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** ✓ a case · → another test · – can't happen; the numbers lead to the lines below the table. */
function page(): string {
  const notes: string[] = [];
  const noted = (mark: string, says: string) => {
    if (!notes.includes(says)) notes.push(says);
    return `${mark}${notes.indexOf(says) + 1}`;
  };
  const cell = (action: string, mode: FailureMode) => {
    const answer = answerTo(action, mode);
    if (answer === null) return "✓";
    if (answer === undefined) return "?";
    return typeof answer === "string" ? noted("–", answer) : noted("→", `“${answer.test}” in ${answer.file}`);
  };
  const rows = changing.map(
    (action) => `| \`${action}\` | ${FAILURE_MODES.map((mode) => cell(action, mode)).join(" | ")} |`,
  );
  return `# What every action that changes something has to stand

Written by \`PAGES=write npm test -- test/actions/failure-modes\`, out of the failure cases themselves. ✓ a case runs it; → another test does;
– it can't happen there, for the reason below.

| action | ${FAILURE_MODES.join(" | ")} |
| --- |${" --- |".repeat(FAILURE_MODES.length)}
${rows.join("\n")}

${notes.map((says, i) => `${i + 1}. ${says}`).join("\n")}
`;
}
