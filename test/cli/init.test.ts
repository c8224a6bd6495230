import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { cards } from "../../src/actions/index.ts";
import { lint } from "../../src/catalog/lint.ts";
import { makeOwn } from "../../src/cli/init.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { keepPages } from "../support/printed-page.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));
const shipped = readdirSync(join(projectRoot(), "templates/systems"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lifeboat-init-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const file = (...path: string[]) => join(folder, ...path);
const read = (...path: string[]) => readFileSync(file(...path), "utf8");

interface Written {
  readonly roles: Readonly<Record<string, unknown>>;
  readonly variables?: Readonly<Record<string, { type: string; default?: unknown }>>;
}

/** As someone would: four people for every role, and a value of its type for every variable. */
function fillIn(system: string): void {
  const text = read(system, "system.yml");
  const { roles } = parse(text) as Written;
  const people = ["ada", "ben", "cleo", "dov"].map(
    (id) => `  ${id}: { name: ${id}, slack: [U0${id.toUpperCase()}0001], roles: [${Object.keys(roles).join(", ")}] }`,
  );
  writeFileSync(file(system, "system.yml"), text.replace("people: {}", ["people:", ...people].join("\n")));
  const { variables = {} } = parse(text) as Written;
  let values = read("values.yml");
  for (const [n, [name, { type }]] of Object.entries(variables).entries()) {
    const value = type === "number" ? 5000 + n : type === "boolean" ? "true" : `"value-${n}"`;
    values = values.replace(new RegExp(`^  ${name}:$`, "m"), `  ${name}: ${value}`);
  }
  writeFileSync(file("values.yml"), values);
}

describe("lifeboat init", () => {
  test("says what is left to do, and lint says exactly what to fill in", () => {
    const told = makeOwn("practice", folder);
    const found = lint(folder, cards, folder).text;
    const made = [told, found, read("values.yml"), read(".env.example")].join("\n----\n\n");
    expectPage("init.out", made.replaceAll(folder, "systems"));
  });

  test.each(shipped)("%s, filled in, has nothing wrong with it", (system) => {
    makeOwn(system, folder);
    expect(lint(folder, cards, folder).ok).toBe(false);
    const own = read(system, "system.yml");
    expect(own).toMatch(/^environment: production$/m);
    const spoken = own.replaceAll(/^#.*$/gm, "");
    expect(spoken).not.toMatch(/\bU(ALEX|SAM|VERA|TONI|CASS|DANA|ERIN|MAX)\b/);
    fillIn(system);
    expect(lint(folder, cards, folder).text).toMatch(/^1 system, \d+ runbooks?: no problems\n$/);
  });

  test("a second system comes beside the first; nothing that is there is touched", () => {
    makeOwn("practice", folder);
    writeFileSync(file("runbook.schema.json"), "mine");
    const before = read("values.yml");
    makeOwn("reference", folder);
    expect(read("values.yml").startsWith(before)).toBe(true);
    expect(Object.keys(parse(read("values.yml")) as object)).toEqual(["practice", "reference"]);
    expect(read("runbook.schema.json")).toBe("mine");
  });

  test("it refuses to write over something, and to make what is not there", () => {
    mkdirSync(file("practice"));
    expect(() => makeOwn("practice", folder)).toThrow(/something already/);
    expect(readdirSync(folder)).toEqual(["practice"]);
    expect(() => makeOwn("practise", folder)).toThrow(/no shipped system "practise"/);
  });
});
