import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { cards } from "../actions/index.ts";
import { ownSystem, secretsOf, valuesOf } from "../catalog/init-template.ts";
import { jsonSchemas } from "../catalog/json-schema.ts";
import { loadCatalog } from "../catalog/load.ts";
import { offer } from "../catalog/suggest.ts";
import type { Runbook, System } from "../catalog/types.ts";
import { LifeboatError } from "../lib/errors.ts";
import { projectRoot } from "../lib/root.ts";

export async function init([name, folder = "systems"]: readonly string[]): Promise<number> {
  process.stdout.write(makeOwn(name ?? "", folder));
  return 0;
}

/**
 * Copies a shipped system into a catalogue to edit: for production, without the people and addresses of practice, beside
 * a file of values with nothing guessed and a list of the secrets it names. Nothing that is there is overwritten. Returns
 * what is left to do. @throws where there is something already, or no such system; nothing was written then.
 */
export function makeOwn(name: string, folder: string): string {
  const shipped = join(projectRoot(), "templates", "systems");
  const known = readdirSync(shipped).filter((one) => existsSync(join(shipped, one, "system.yml")));
  if (!known.includes(name)) {
    const what = name === "" ? "Say which system" : `There is no shipped system "${name}"`;
    throw new LifeboatError({ code: "system-unknown", what, ...offer(name, known) });
  }
  const home = join(folder, name);
  if (existsSync(home))
    throw new LifeboatError({
      code: "exists",
      where: home,
      what: "There is something already",
      stateNow: "Nothing was written",
      next: `Name another folder: lifeboat init ${name} <folder>`,
    });
  const { catalog, problems } = loadCatalog(join(shipped, name), cards);
  const [system] = catalog.systems;
  if (system === undefined)
    throw new LifeboatError({ code: "not-sound", where: name, what: problems[0]?.what ?? "It has mistakes" });
  copySystem(join(shipped, name), home, name);
  for (const schema of Object.keys(jsonSchemas)) {
    if (!existsSync(join(folder, schema))) copyFileSync(join(shipped, schema), join(folder, schema));
  }
  addTo(join(folder, "values.yml"), valuesHead, valuesOf(system));
  addTo(join(folder, ".env.example"), environmentHead(folder), environmentOf(system, catalog.runbooks));
  return told(system, catalog.runbooks.length, folder);
}

function copySystem(from: string, home: string, name: string): void {
  mkdirSync(home, { recursive: true });
  cpSync(from, home, {
    recursive: true,
    filter: (path) => path !== join(from, "system.yml"),
    errorOnExist: true,
    force: false,
  });
  writeFileSync(join(home, "system.yml"), ownSystem(readFileSync(join(from, "system.yml"), "utf8"), name));
}

/** A second system's part comes behind the first's. */
function addTo(file: string, head: string, part: string): void {
  if (existsSync(file)) appendFileSync(file, `\n${part}`);
  else writeFileSync(file, `${head}\n${part}`);
}

const valuesHead = `# What this installation is called and where it answers: LIFEBOAT_VALUES names this file. Secrets do not belong here.
`;

function environmentHead(folder: string): string {
  return `# What the bot finds in its environment. Keep the filled-in copy out of version control.
LIFEBOAT_SYSTEMS=${folder}
LIFEBOAT_VALUES=${join(folder, "values.yml")}

# The Slack app: manifest.yml, then "Install App" and "Basic Information" of its pages.
SLACK_BOT_TOKEN=
SLACK_APP_TOKEN=
`;
}

function environmentOf(system: System, runbooks: readonly Runbook[]): string {
  const secrets = [...secretsOf(system, runbooks)].flatMap(([name, by]) => {
    const named = by.slice(0, 3).join(", ") + (by.length > 3 ? ` and ${by.length - 3} more` : "");
    return [`# ${named}`, `${name}=`];
  });
  return [`# Secrets that ${system.title} names.`, ...secrets, ""].join("\n");
}

function told({ id, title, variables }: System, runbooks: number, folder: string): string {
  const open = variables.filter((variable) => variable.default === null).length;
  return `${title} is in ${join(folder, id)}, for production: ${runbooks} runbooks.

What is left to do:
  1. People: write who decides under "people" of ${join(folder, id, "system.yml")}. The practice people stand there as an example.
  2. Values: fill in ${open} of them in ${join(folder, "values.yml")}. Nothing was guessed.
  3. See what is missing:   lifeboat lint ${folder}
  4. Secrets: ${join(folder, ".env.example")} lists what has to be in the bot's environment.
  5. Connect Slack as the README says, and start the bot. Then try a dry run:   /dr runbook <id> --dry-run
`;
}
