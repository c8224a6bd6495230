import { readFileSync } from "node:fs";
import { messageOf } from "../lib/errors.ts";
import { errorAt, type Fault, type Finding, isClean, type Path } from "./fault.ts";
import { wholeFile } from "./load.ts";
import { parseYaml } from "./parse.ts";
import { toFinding } from "./positions.ts";
import type { Scalar } from "./reference.ts";
import { valuesSchema } from "./schema.ts";
import { containsPassword } from "./secret.ts";
import { show } from "./shape.ts";
import { offer } from "./suggest.ts";
import type { Catalog, System } from "./types.ts";

export interface LoadedVariables {
  /** system id → variable → value, as given; defaults are the planner's. Empty for a system with an error. */
  readonly variables: ReadonlyMap<string, ReadonlyMap<string, Scalar>>;
  readonly problems: readonly Finding[];
}

/**
 * Reads the values this installation gives to the catalogue's variables (`LIFEBOAT_VALUES`), written as
 * `system id → variable → value`, and holds them against what each system declares. Without a file there are none.
 */
export function loadVariables(
  catalog: Pick<Catalog, "systems">,
  file: string | undefined,
  setting = "LIFEBOAT_VALUES",
): LoadedVariables {
  if (file === undefined) return { variables: new Map(), problems: [] };
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const what = `The file that ${setting} names cannot be read: ${messageOf(error)}`;
    return { variables: new Map(), problems: [wholeFile(file, what)] };
  }
  const { source, value, findings } = parseYaml(file, text, valuesSchema);
  if (value === null) return { variables: new Map(), problems: findings };
  const variables = new Map<string, ReadonlyMap<string, Scalar>>();
  const faults: Fault[] = [];
  for (const [id, given] of Object.entries(value)) {
    const read = readValues(catalog, id, given ?? {});
    faults.push(...read.faults);
    if (isClean(read.faults)) variables.set(id, read.values);
  }
  return { variables, problems: [...findings, ...faults.map((fault) => toFinding(source, "values", fault))] };
}

/** What a file of values leaves out: variables without a default of the systems it speaks of. For lint. */
export function missingValues(systems: readonly System[], file: string): readonly Finding[] {
  const { source, value } = parseYaml(file, readFileSync(file, "utf8"), valuesSchema);
  if (value === null) return [];
  return systems.flatMap(({ id, variables }) =>
    variables
      .filter(
        ({ name, default: given }) => given === null && Object.hasOwn(value, id) && value[id]?.[name] === undefined,
      )
      .map(({ name, type, description }) => {
        const fault = errorAt([id], `"${name}" is missing`, { at: "key", allowed: `A ${type}: ${description}` });
        return toFinding(source, "values", fault);
      }),
  );
}

function readValues(
  catalog: Pick<Catalog, "systems">,
  id: string,
  given: Readonly<Record<string, Scalar | null>>,
): { values: ReadonlyMap<string, Scalar>; faults: readonly Fault[] } {
  const system = catalog.systems.find((one) => one.id === id);
  if (system === undefined) {
    const systems = catalog.systems.map((one) => one.id);
    const fault = errorAt([id], `There is no system "${id}"`, { at: "key", ...offer(id, systems) });
    return { values: new Map(), faults: [fault] };
  }
  const values = new Map<string, Scalar>();
  const faults: Fault[] = [];
  for (const [name, value] of Object.entries(given)) {
    const fault = valueFault(system, name, value, [id, name]);
    if (fault !== null) faults.push(fault);
    else if (value !== null) values.set(name, value);
  }
  return { values, faults };
}

function valueFault(system: System, name: string, value: Scalar | null, path: Path): Fault | null {
  const declared = system.variables.find((variable) => variable.name === name);
  if (declared === undefined) {
    const names = system.variables.map((variable) => variable.name);
    return errorAt(path, `${system.title} has no variable "${name}"`, { at: "key", ...offer(name, names) });
  }
  const allowed = `A ${declared.type}: ${declared.description}`;
  if (value === null || value === "") return errorAt(path, `"${name}" has no value`, { allowed });
  if (typeof value !== declared.type) {
    return errorAt(path, `"${name}" cannot be the ${typeof value} ${show(value)}`, { allowed });
  }
  if (typeof value === "string" && value.includes("${")) {
    return errorAt(path, `The value of "${name}" refers to something else; it has to be the value itself`);
  }
  if (typeof value === "string" && containsPassword(value)) {
    return errorAt(path, `The value of "${name}" holds a password; plans are shown to everyone`, {
      next: "Put it into an environment variable and let the runbook name that",
      hidden: true,
    });
  }
  return null;
}
