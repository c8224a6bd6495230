import { cards } from "../actions/index.ts";
import { lint } from "../catalog/lint.ts";
import { loadCatalog } from "../catalog/load.ts";
import type { Catalog } from "../catalog/types.ts";
import { loadVariables } from "../catalog/variables.ts";
import type { Config } from "../config.ts";
import { type Finding, fail, ok, skip } from "./finding.ts";

const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;

/** The systems this installation may run, and what is wrong with them. */
export function checkCatalogue(config: Pick<Config, "catalog" | "practice">): {
  readonly catalog: Catalog;
  readonly findings: readonly Finding[];
} {
  const { systemsFolder, valuesFile } = config.catalog;
  const loaded = loadCatalog(systemsFolder, cards);
  const systems = loaded.catalog.systems.filter(({ environment }) => (environment === "practice") === config.practice);
  const names = new Set(systems.map(({ id }) => id));
  const catalog = { systems, runbooks: loaded.catalog.runbooks.filter(({ system }) => names.has(system)) };
  const errors = lint(systemsFolder, cards).problems.filter(({ level }) => level === "error").length;
  const values = loadVariables(loaded.catalog, valuesFile).problems.length;
  const lintNext = `\`lifeboat lint ${systemsFolder}\` shows each with its place.`;
  return {
    catalog,
    findings: [
      systems.length === 0
        ? fail(
            "catalogue",
            `${systemsFolder} has no usable system.`,
            `Set LIFEBOAT_SYSTEMS; \`lifeboat init\` copies a shipped one.`,
          )
        : ok("catalogue", `${count(systems.length, "system")}, ${count(catalog.runbooks.length, "runbook")}.`),
      errors === 0
        ? ok("lint", "The catalogue has no mistakes.")
        : fail("lint", `The catalogue has ${count(errors, "mistake")}.`, lintNext),
      values === 0
        ? ok("values", "This installation's values fit.")
        : fail("values", `LIFEBOAT_VALUES has ${count(values, "mistake")}.`, "The bot's log says them at its start."),
    ],
  };
}

/** Secrets the catalogue names are in the environment. Only whether they are there is looked at. */
export function checkSecrets(
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Finding {
  if (names.length === 0) return skip("secrets", "The catalogue names no secrets.");
  const missing = names.filter((name) => !environment[name]);
  return missing.length === 0
    ? ok("secrets", `All ${names.length} secrets the catalogue names are set.`)
    : fail("secrets", `Not set: ${missing.join(", ")}.`, "Put them into the bot's environment.");
}
