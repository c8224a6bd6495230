import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { commands } from "../../commands/index.ts";
import { cards } from "../../src/actions/index.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { projectRoot } from "../../src/lib/root.ts";

const root = projectRoot();
const { catalog } = loadCatalog(join(root, "templates", "systems"), cards);
const text = readFileSync(join(root, "docs/coverage.md"), "utf8");
const STATES = ["done", "partly", "missing"];
/** Left out for a reason a user accepts, and never more than these. */
const MISSING_MAX = 15;

interface Row {
  readonly system: string;
  readonly item: string;
  readonly state: string;
  readonly where: string;
}

const rows: readonly Row[] = text.split(/^## /m).flatMap((section) => {
  const [system = ""] = section.split("\n");
  return section.split("\n").flatMap((line) => {
    const [, item, state, where, ...rest] = line.split("|").map((cell) => cell.trim());
    return line.startsWith("|") && rest.length === 1 && STATES.includes(state ?? "")
      ? [{ system, item: item ?? "", state: state ?? "", where: where ?? "" }]
      : [];
  });
});

/** What is named in backticks: a file, `system/runbook`, `some.action`, `/dr verb`. Anything else is a key or a word. */
function unknown(named: string): boolean {
  if (/^[\w.-]+(\/[\w.-]+)+\.\w+$/.test(named)) return !existsSync(join(root, named));
  const [, system, book] = /^([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(named) ?? [];
  if (system !== undefined && catalog.systems.some(({ id }) => id === system))
    return !catalog.runbooks.some((one) => one.system === system && one.id === book);
  if (/^[a-z0-9]+\.[a-z_]+$/.test(named)) return !cards.has(named);
  const [, verb] = /^\/dr ([a-z-]+)/.exec(named) ?? [];
  return verb !== undefined && !commands.some((one) => one.verb === verb);
}

test("every one of the 327 rows says how it stands, and the counts are right", () => {
  expect(rows.length).toBe(327);
  const counted = [...new Set(rows.map(({ system }) => system))].map((system) => {
    const own = rows.filter((row) => row.system === system);
    return [system, ...STATES.map((state) => own.filter((row) => row.state === state).length), own.length];
  });
  const told = [...text.matchAll(/^\| \[([^\]]+)\]\(#[^)]+\) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$/gm)];
  expect(told.map(([, system, ...counts]) => [system, ...counts.map(Number)])).toEqual(counted);
});

test("every file, runbook, action and command that is named is there", () => {
  const dead = rows.flatMap(({ system, item, where }) =>
    [...where.matchAll(/`([^`]+)`/g)].flatMap(([, named = ""]) =>
      unknown(named) ? [`${system}, ${item}: ${named}`] : [],
    ),
  );
  expect(dead).toEqual([]);
});

test("what is done names where; what is partly there says what isn't, too; what is missing gives its reason", () => {
  const wrong = rows.filter(({ state, where }) => {
    const isNamed = /`[^`]+`|\]\(/.test(where);
    const isSaid = where.split(" ").length >= 6;
    return state === "done" ? !isNamed : state === "partly" ? !isSaid || !/;/.test(where) : !isSaid;
  });
  expect(wrong.map(({ system, item }) => `${system}, ${item}`)).toEqual([]);
  expect(rows.filter(({ state }) => state === "missing").length).toBeLessThanOrEqual(MISSING_MAX);
});
