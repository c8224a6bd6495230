// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how a runbook writes references.
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { loadCatalog } from "../../src/catalog/load.ts";
import { reportFindings } from "../../src/catalog/report.ts";
import { loadVariables } from "../../src/catalog/variables.ts";
import { makeFolder, shopSystem } from "../support/catalog-folder.ts";
import { cards } from "./cards.ts";

function load(text: string): { variables: unknown; said: string } {
  const folder = makeFolder({ "systems/shop/system.yml": shopSystem, "values.yml": text });
  try {
    const { catalog } = loadCatalog(join(folder.path, "systems"), cards);
    const { variables, problems } = loadVariables(catalog, join(folder.path, "values.yml"));
    const plain = Object.fromEntries([...variables].map(([id, values]) => [id, Object.fromEntries(values)]));
    return { variables: plain, said: reportFindings(problems, folder.path) };
  } finally {
    folder.remove();
  }
}

test("values of the declared types are taken, and JSON is YAML", () => {
  const values = { shop: { primaryHost: "db-a", primaryPort: 6432 } };
  expect(load("shop:\n  primaryHost: db-a\n  primaryPort: 6432\n")).toEqual({ variables: values, said: "" });
  expect(load(JSON.stringify(values))).toEqual({ variables: values, said: "" });
});

test("every wrong one is shown in its line, and nothing of its system is taken", () => {
  const { variables, said } = load(
    [
      "shpo: { primaryHost: a }",
      "shop:",
      "  primryHost: db-a",
      '  primaryPort: "6432"',
      "  standbyHost: postgres://shop:xyzzy@db-b/orders",
      "",
    ].join("\n"),
  );
  expect(variables).toEqual({});
  expect(said).toBe(
    [
      'values.yml:1:1: error: There is no system "shpo" [values]',
      "  |",
      "1 | shpo: { primaryHost: a }",
      "  | ^^^^",
      "  = Allowed: shop",
      '  = Did you mean "shop"?',
      "",
      'values.yml:3:3: error: Shop has no variable "primryHost" [values]',
      "  |",
      "3 |   primryHost: db-a",
      "  |   ^^^^^^^^^^",
      "  = Allowed: primaryHost, primaryPort, standbyHost",
      '  = Did you mean "primaryHost"?',
      "",
      'values.yml:4:16: error: "primaryPort" cannot be the string "6432" [values]',
      "  |",
      '4 |   primaryPort: "6432"',
      "  |                ^^^^^^",
      "  = A number: Port of the primary",
      "",
      'values.yml:5:16: error: The value of "standbyHost" holds a password; plans are shown to everyone [values]',
      "  |",
      `5 |   standbyHost: ${"•".repeat(33)}`,
      `  |                ${"^".repeat(33)}`,
      "  = Put it into an environment variable and let the runbook name that",
      "",
      "4 errors",
      "",
    ].join("\n"),
  );
});

test("a value can't refer to anything", () => {
  expect(load("shop: { primaryHost: '${var.standbyHost}' }").said).toContain("has to be the value itself");
});

test("without a file there are no values; a file that is named has to be there", () => {
  const none = { systems: [], runbooks: [] };
  expect(loadVariables(none, undefined)).toEqual({ variables: new Map(), problems: [] });
  expect(loadVariables(none, "/nowhere/values.yml").problems).toMatchObject([
    { level: "error", file: "/nowhere/values.yml" },
  ]);
});
