import { organisersOf, type Start } from "../src/calendar/due.ts";
import type { Started } from "../src/calendar/worker.ts";
import type { Person, System } from "../src/catalog/types.ts";
import { incidentName } from "../src/incident/numbers.ts";
import { LifeboatError, type Problem } from "../src/lib/errors.ts";

import type { Reply, Request } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { idFor } from "./ids.ts";
import { startRun } from "./start.ts";

/** Why this person can't request anything now (deactivated, left); null: they can. */
export type Gone = (system: System, person: string) => Promise<string | null>;

/**
 * Requests the run of a calendar entry as its organiser, who can't approve it; approvers are asked as for any run, and every rule of where a
 * drill is held applies. Not while an incident of the system is open. The same key starts it once, whoever tries again.
 */
export async function startOccasion(
  context: CommandContext,
  gone: Gone,
  system: System,
  { occasion, key }: Pick<Start, "occasion" | "key">,
): Promise<Started> {
  const before = await startedAs(context, key);
  if (before !== null) return before;
  const runbook = context.catalog.runbooks.find(({ system: of, id }) => of === system.id && id === occasion.runbook);
  if (runbook === undefined) return no(`there is no runbook ${occasion.runbook}`);
  const open = (await context.incidents.open()).find(
    ({ state: { declared } }) => declared?.kind === "real" && declared.system === system.id,
  );
  if (open !== undefined) return no(`${incidentName(open.state)} is open`);
  const organiser = await organiserOf(system, occasion.organiser ?? "", gone);
  if (organiser === null) return no(`no active person has the role ${occasion.organiser}`);
  const reply = await startRun(
    context,
    requestOf(organiser, occasion.kind, key),
    runbook,
    occasion.mode ?? undefined,
  ).catch((error: unknown) => {
    if (error instanceof LifeboatError) return error;
    throw error;
  });
  return (await startedAs(context, key)) ?? no(whyOf(reply));
}

/** What this key started, whoever did; null: nothing. */
async function startedAs({ incidents }: CommandContext, key: string): Promise<Started | null> {
  const run = idFor("run", key);
  const incident = await incidents.withRun(run);
  return incident === null ? null : { ok: true, incident: incident.id, run };
}

async function organiserOf(system: System, role: string, gone: Gone): Promise<Person | null> {
  for (const id of organisersOf(system, role)) {
    const person = system.people.find((one) => one.id === id);
    if (person !== undefined && (await gone(system, id)) === null) return person;
  }
  return null;
}

function requestOf({ id, name, slack }: Person, kind: string, key: string): Request {
  return {
    ...{ verb: "runbook", words: [], rest: "", key, form: null, actionValue: null, canAskForm: false },
    options: kind === "drill" ? { drill: true } : kind === "tabletop" ? { tabletop: true } : {},
    caller: { transport: "calendar", slackUser: slack[0] ?? null, person: id, name, blocked: null },
    place: { channel: null, thread: null },
  };
}

function whyOf(answer: Reply | LifeboatError): string {
  if (answer instanceof LifeboatError) return clauseOf(answer.problem);
  return answer.kind === "private" ? answer.message.text.split("\n").join(" ").slice(0, 400) : "it was not accepted";
}

function clauseOf({ where, what }: Problem): string {
  return where === undefined ? what : `${where}: ${what}`;
}

function no(reason: string): Started {
  return { ok: false, reason };
}
