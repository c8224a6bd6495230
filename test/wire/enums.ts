import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import { DOCUMENTED_VALUES } from "./always.ts";

/** Values a member may have, by structure and member: `valuesOf("Change", "Action")`. Undefined: any text. */
export type Enums = (structure: string, member: string) => readonly string[] | undefined;

const CONSTANT = /export declare const (\w+): \{\n((?: {4}readonly \w+: "[^"]*";\n)+)\};/g;
const INTERFACE = /export interface (\w+)(?: extends [\w.]+)? \{\n([\s\S]*?)\n\}/g;
const MEMBER = /^ {4}(\w+)\??: (\w+)(?:\[\])?(?: \| undefined)?;$/gm;

/** Schemas hold no enumerations; the types that are generated from the same models do. */
export function enumsOf(client: string): Enums {
  const folder = join(projectRoot(), "node_modules/@aws-sdk", client, "dist-types/models");
  const read = (file: string) => {
    try {
      return readFileSync(join(folder, file), "utf8");
    } catch {
      return "";
    }
  };
  const values = new Map(
    [...read("enums.d.ts").matchAll(CONSTANT)].map(([, name = "", body = ""]) => [
      name,
      [...body.matchAll(/: "([^"]*)";/g)].map(([, value = ""]) => value),
    ]),
  );
  const members = new Map<string, readonly string[]>();
  for (const file of ["models_0.d.ts", "models_1.d.ts"]) {
    for (const [, structure = "", body = ""] of read(file).matchAll(INTERFACE)) {
      for (const [, member = "", type = ""] of body.matchAll(MEMBER)) {
        const found = values.get(type);
        const at = `${structure}.${member}`;
        if (found) members.set(at, [...found, ...(DOCUMENTED_VALUES[at] ?? [])]);
      }
    }
  }
  return (structure, member) => members.get(`${structure}.${member}`);
}
