import { severalTargets, unknownTarget } from "../../../templates/messages/run/command-refusals.ts";
import { answersTo, startNamesOf, startsWith } from "../../catalog/cycles.ts";
import type { Catalog, Runbook, System } from "../../catalog/types.ts";
import type { Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { assignedIn } from "../parse/assigned.ts";
import { inputsToType } from "../parse/inputs.ts";
import { nearLine } from "../reply/near-line.ts";
import { stop } from "../reply/say.ts";
import { incidentHere, incidentNamed } from "./incident.ts";
import { runnable, systemNamed } from "./system.ts";

type Verb = "failover" | "restore";

/** The runbook that `/dr failover <words>` starts: by its target, or by any name of the component it is for. */
export async function runbookFor(context: CommandContext, request: Request, verb: Verb): Promise<Runbook> {
  const asked = assignedIn(request.words).words.join(" ").toLowerCase();
  const systems = await systemsMeant(context, request);
  const all = startable(context, verb, systems);
  const found = all.filter((runbook) => answersTo(context.catalog, runbook, verb, asked));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) return stop(severalTargets(verb, asked, found));
  return unknown(context, verb, asked, all);
}

/** `/dr failover us-east-1`: the site that is left. Null: no site of the system is called that. */
export function siteIn(context: CommandContext, runbook: Runbook, asked: string): string | null {
  const system = context.catalog.systems.find(({ id }) => id === runbook.system);
  const word = asked.toLowerCase();
  return system?.sites.find(({ id, title }) => id === word || title.toLowerCase() === word)?.id ?? null;
}

export function startable(context: CommandContext, verb: Verb, systems = runnable(context)): readonly Runbook[] {
  return context.catalog.runbooks.filter(
    (runbook) => startsWith(runbook, verb) && systems.some(({ id }) => id === runbook.system),
  );
}

/** The runbooks that may run here, or those of them with this id. */
export function runbooksHere(context: CommandContext): readonly Runbook[] {
  const systems = runnable(context).map(({ id }) => id);
  return context.catalog.runbooks.filter(({ system }) => systems.includes(system));
}

/** By id, or by `system/id`. */
export function runbooksNamed(context: CommandContext, word: string): readonly Runbook[] {
  return runbooksHere(context).filter(({ id, system }) => id === word || `${system}/${id}` === word);
}

/** `failover database`: what can be typed to start something, once each. */
export function startWords(context: CommandContext): readonly string[] {
  const ids = runnable(context).map(({ id }) => id);
  const words = context.catalog.runbooks
    .filter(({ system }) => ids.includes(system))
    .flatMap((runbook) =>
      targetsOf(context, runbook).map((target) => `${runbook.starts?.verb ?? "failover"} ${target}`),
    );
  return [...new Set(words)];
}

/** What stands behind `failover` or `restore` to start it: its own target, and each site it may leave. */
function targetsOf({ catalog }: CommandContext, { system, starts, leavesSite }: Runbook): readonly string[] {
  const sites = leavesSite ? (catalog.systems.find(({ id }) => id === system)?.sites ?? []) : [];
  return [...(starts === null ? [] : [starts.target]), ...sites.map(({ id }) => id)];
}

/** Named, else the one of the incident that is named or this is typed in, else every system that may run here. */
async function systemsMeant(context: CommandContext, request: Request): Promise<readonly System[]> {
  const systems = runnable(context);
  const named = request.options.system;
  if (named !== undefined) return [systemNamed(systems, named)];
  const { incident } = request.options;
  const about =
    typeof incident === "string"
      ? await incidentNamed(context, incident)
      : ((await incidentHere(context, request))?.state ?? null);
  const own = systems.filter(({ id }) => id === about?.declared?.system);
  return own.length > 0 ? own : systems;
}

/** Every word a runbook's target goes by, in lower case. */
function namesOf(catalog: Catalog, runbook: Runbook): readonly string[] {
  const home = catalog.systems.find(({ id }) => id === runbook.system);
  return startNamesOf(home ?? { components: [], sites: [] }, runbook);
}

/** `restore database 02:13`: what is given to a runbook has a name. Null: it is not that. */
function unnamed(context: CommandContext, verb: Verb, asked: string, all: readonly Runbook[]): string | null {
  for (const runbook of all) {
    const name = namesOf(context.catalog, runbook).find((one) => asked.startsWith(`${one} `));
    const [input, ...more] = runbook.inputs?.filter((one) => one.default === null) ?? [];
    if (name === undefined || input === undefined) continue;
    const line = more.length > 0 ? inputsToType(runbook).join(" ") : `${input.name}=${asked.slice(name.length + 1)}`;
    return `/dr ${verb} ${name} ${line}`;
  }
  return null;
}

function unknown(context: CommandContext, verb: Verb, asked: string, all: readonly Runbook[]): never {
  const targets = [...new Set(all.flatMap((runbook) => targetsOf(context, runbook)))];
  const names = [...new Set(all.flatMap((runbook) => namesOf(context.catalog, runbook)))];
  const near = unnamed(context, verb, asked, all) ?? nearLine(asked, names, `${verb} `);
  return stop(unknownTarget(verb, asked, targets, near));
}
