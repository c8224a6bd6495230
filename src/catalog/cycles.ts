import { z } from "zod";
import { duration } from "./duration.ts";
import type { Path } from "./fault.ts";
import { id, sentence } from "./schema-parts.ts";
import { offer } from "./suggest.ts";
import type { Catalog, Component, Mode, Runbook, Site } from "./types.ts";

/** Sequences of runbooks that lead away and back again, and the lines they are written in. */

const lines = z
  .array(sentence)
  .min(1, "At least one line")
  .describe("Lines as typed after /dr, one after the other: failover database; or, in practice: break kill-primary");

export const cyclesSchema = z
  .record(
    id,
    z
      .strictObject({
        title: sentence,
        planned: lines.optional(),
        unplanned: lines.optional(),
      })
      .meta({ anyOf: ["planned", "unplanned"].map((key) => ({ required: [key] })) })
      .refine(({ planned, unplanned }) => planned !== undefined || unplanned !== undefined, {
        message: 'A cycle has lines under "planned", "unplanned" or both',
      }),
  )
  .describe("Ways there and back that are played without resetting anything in between");

/** A way there and back: played line by line, it ends where it began. */
export interface Cycle {
  readonly id: string;
  readonly title: string;
  /** Absent: it is not played in that mode. */
  readonly planned?: readonly string[];
  readonly unplanned?: readonly string[];
}

export function toCycles(written: z.output<typeof cyclesSchema>): readonly Cycle[] {
  return Object.entries(written).map(([id, { title, planned, unplanned }]) => ({
    id,
    title,
    ...(planned && { planned }),
    ...(unplanned && { unplanned }),
  }));
}

/** A line of a sequence: something that is broken in practice, a time in which the world goes on, or what starts a run. */
export type Line =
  | { readonly kind: "break"; readonly what: string }
  | { readonly kind: "wait"; readonly seconds: number }
  | {
      readonly kind: "run";
      readonly runbook: Runbook;
      readonly mode: Mode;
      /** Names of the inputs it says something about. */
      readonly given: readonly string[];
    };

export type ReadLine =
  | { readonly ok: true; readonly line: Line }
  | { readonly ok: false; readonly what: string; readonly allowed?: string; readonly next?: string };

/** Where a line is read: the system, as far as names go, and its runbooks. */
export interface LinesOf {
  readonly components: readonly Component[];
  readonly sites: readonly Pick<Site, "id" | "title">[];
  readonly runbooks: readonly Runbook[];
}

/**
 * What a line means: `break <what>`, `wait 30s`, `runbook <id>`, `failover <name>` or `restore <name>`, with inputs (`node=worker-3`)
 * and options as they are typed after `/dr`. The mode is the one its option says, else planned where that is offered.
 */
export function readLine(text: string, system: LinesOf): ReadLine {
  const words = text.trim().split(/\s+/);
  const verb = (words[0] ?? "").toLowerCase();
  if (verb === "break") {
    const what = words.slice(1).join(" ");
    return what === ""
      ? { ok: false, what: '"break" says what to break' }
      : { ok: true, line: { kind: "break", what } };
  }
  if (verb === "wait") return readWait(words.slice(1).join(" "));
  const rest = words.slice(1);
  const options = rest.filter((word) => word.startsWith("--"));
  const given = rest.flatMap((word) => /^([A-Za-z][A-Za-z0-9]*)=/.exec(word)?.[1] ?? []);
  const firstGiven = rest.findIndex((word) => word.startsWith("--") || /^[A-Za-z][A-Za-z0-9]*=/.test(word));
  const name = rest
    .slice(0, firstGiven === -1 ? rest.length : firstGiven)
    .join(" ")
    .toLowerCase();
  const found = runbookNamed(verb, name, system);
  if (!found.ok) return found;
  const { runbook } = found;
  const asked = (["planned", "unplanned"] as const).filter((mode) => options.includes(`--${mode}`));
  if (asked.length > 1) return { ok: false, what: "Choose planned or unplanned, not both" };
  const mode = asked[0] ?? (runbook.modes.includes("planned") ? "planned" : (runbook.modes[0] ?? "planned"));
  if (!runbook.modes.includes(mode))
    return {
      ok: false,
      what: `"${runbook.id}" is not offered ${mode}`,
      allowed: `Allowed: ${runbook.modes.join(", ")}`,
    };
  return { ok: true, line: { kind: "run", runbook, mode, given } };
}

function readWait(given: string): ReadLine {
  const read = duration.safeParse(given);
  if (read.success) return { ok: true, line: { kind: "wait", seconds: read.data } };
  return { ok: false, what: '"wait" says how long', allowed: "A duration: wait 30s" };
}

const VERBS = ["failover", "restore", "runbook", "break", "wait"];

function runbookNamed(
  verb: string,
  name: string,
  system: LinesOf,
): { ok: true; runbook: Runbook } | Extract<ReadLine, { ok: false }> {
  const { runbooks } = system;
  if (!VERBS.includes(verb)) return { ok: false, what: `"${verb}" starts no run`, ...offer(verb, VERBS) };
  if (verb === "runbook") {
    const runbook = runbooks.find(({ id }) => id === name);
    if (runbook) return { ok: true, runbook };
    return {
      ok: false,
      what: `There is no runbook "${name}"`,
      ...offer(
        name,
        runbooks.map(({ id }) => id),
      ),
    };
  }
  const startable = runbooks.filter((one) => startsWith(one, verb));
  const found = startable.filter((runbook) => startNamesOf(system, runbook).includes(name));
  const [runbook] = found;
  if (runbook && found.length === 1) return { ok: true, runbook };
  if (found.length > 1)
    return {
      ok: false,
      what: `"${verb} ${name}" starts several runbooks`,
      allowed: `Name one: ${found.map(({ id }) => `runbook ${id}`).join(", ")}`,
    };
  const names = startable.flatMap((one) => startNamesOf(system, one).slice(0, 1));
  return { ok: false, what: `No runbook starts with "${verb} ${name}"`, ...offer(name, names) };
}

/** True where `/dr failover …` (or `restore`) can start it. */
export function startsWith({ starts, leavesSite }: Runbook, verb: string): boolean {
  return starts?.verb === verb || (leavesSite === true && verb === "failover");
}

/** True where `/dr failover <word>` (or `restore`) means this runbook: for what is printed as for what is typed. */
export function answersTo(
  { systems }: Pick<Catalog, "systems">,
  runbook: Runbook,
  verb: string,
  word: string,
): boolean {
  const home = systems.find(({ id }) => id === runbook.system);
  const names = startNamesOf(home ?? { components: [], sites: [] }, runbook);
  return startsWith(runbook, verb) && names.includes(word.toLowerCase());
}

/** Every name a person may type after `failover` or `restore` to start this runbook, in lower case. */
export function startNamesOf(
  system: Omit<LinesOf, "runbooks">,
  { starts, component, leavesSite }: Runbook,
): readonly string[] {
  const target = starts?.target;
  const components = system.components.filter(
    ({ id, aliases }) => id === component || id === target || aliases.includes(target ?? ""),
  );
  // A runbook that leaves a site is started by the name of any of them.
  const sites = system.sites.filter(({ id }) => leavesSite || id === target);
  const names = [
    target,
    ...components.flatMap(({ id, title, aliases }) => [id, title, ...aliases]),
    ...sites.flatMap(({ id, title }) => [id, title]),
  ];
  return names.flatMap((name) => (name === undefined ? [] : [name.toLowerCase()]));
}

/** Every line of every cycle with where it stands in system.yml. */
export function linesOf(cycles: readonly Cycle[]): readonly { readonly path: Path; readonly text: string }[] {
  return cycles.flatMap((cycle) =>
    (["planned", "unplanned"] as const).flatMap((mode) =>
      (cycle[mode] ?? []).map((text, i) => ({ path: ["cycles", cycle.id, mode, i], text })),
    ),
  );
}
