import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nearest } from "../../src/catalog/suggest.ts";
import type { Mode } from "../../src/catalog/types.ts";
import { LifeboatError } from "../../src/lib/errors.ts";
import type { SystemEnvironment } from "../environment/system-environment.ts";
import { type Play, playRunbook } from "../session/play.ts";
import { runbooksOf, titleOf, type WrittenRunbook } from "../session/written.ts";
import type { PracticeEnvironment } from "../systems/practice/index.ts";
import { killed } from "./killed.ts";
import { chosen, during } from "./open.ts";

export interface Headless {
  /** `<system>/<runbook>`, a runbook of `system`, or a component of the system `practice`: `database`. */
  readonly what: string;
  readonly system?: string | undefined;
  readonly unplanned: boolean;
  readonly kill?: string | undefined;
  readonly json: boolean;
  /** `node=worker-3`; what is left out the environment says. */
  readonly inputs: readonly string[];
}

const SECONDS = 300;

/** One runbook as a conversation on standard output, and with --json its figures as the last line. */
export async function headless({
  what,
  system: given,
  unplanned,
  kill,
  json,
  inputs: said,
}: Headless): Promise<number> {
  const [first = "", second] = what.split("/");
  const system = await chosen(second === undefined ? (given ?? "practice") : first);
  const runbook = runbookOf(system.system, second ?? first);
  const mode = modeOf(runbook, unplanned);
  const inputs = Object.fromEntries(said.map(inputIn));
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-"));
  const death = killed(kill, folder);
  return during({ system: system.system, folder, environment: death.environment }, async (practice) => {
    const played = await death.supervised(practice.bot, () =>
      playRunbook(practice, { runbook: runbook.id, mode, inputs, seconds: SECONDS, postmortem: true }),
    );
    process.stdout.write(practice.workspace.conversation());
    if (played.problem !== null) process.stderr.write(`It did not end well: ${played.problem}\n`);
    if (json) process.stdout.write(`${JSON.stringify(await figures(played, practice.environment))}\n`);
    return played.outcome === "verified" && played.problem === null ? 0 : 1;
  });
}

function inputIn(said: string): [name: string, value: string] {
  const at = said.indexOf("=");
  if (at > 0) return [said.slice(0, at), said.slice(at + 1)];
  const next = "--input node=worker-3";
  throw new LifeboatError({
    code: "input-unreadable",
    what: `"${said}" is no input`,
    allowed: "A name and a value",
    next,
  });
}

async function figures(
  { outcome, report, timeline, postmortem, problem, violations }: Play,
  environment: SystemEnvironment,
) {
  const application = isOrders(environment) ? (await environment.state()).application : null;
  return {
    ...(report ?? { outcome, problem }),
    ...(isOrders(environment) && { writeGapSeconds: application?.longestGapSeconds ?? null }),
    timeline,
    parts: environment.parts,
    postmortem,
    violations,
  };
}

function isOrders(environment: SystemEnvironment): environment is PracticeEnvironment {
  return "application" in environment && "state" in environment;
}

/** A component of the system `practice` stands for its failover: `database`. */
function runbookOf(system: string, asked: string): WrittenRunbook {
  const runbooks = runbooksOf(system);
  const found = runbooks.find(({ id }) => id === asked || id === `${asked}-failover`);
  if (found) return found;
  const ids = runbooks.map(({ id }) => id);
  const meant = nearest(asked, ids);
  throw new LifeboatError({
    code: "runbook-unknown",
    where: titleOf(system),
    what: `There is no runbook "${asked}"`,
    allowed: `Runbooks: ${ids.join(", ")}`,
    ...(meant && { next: `Did you mean ${system}/${meant}?` }),
  });
}

function modeOf({ title, modes }: WrittenRunbook, unplanned: boolean): Mode {
  if (unplanned && !modes.includes("unplanned"))
    throw new LifeboatError({ code: "mode-not-offered", where: title, what: "This runbook has no unplanned mode" });
  return !unplanned && modes.includes("planned") ? "planned" : "unplanned";
}
