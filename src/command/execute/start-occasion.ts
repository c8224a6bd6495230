import { NOT_STARTED } from "../../../templates/messages/incident/answers.ts";
import { organisersOf, type Start } from "../../calendar/due.ts";
import type { Started } from "../../calendar/worker.ts";
import type { Person, System } from "../../catalog/types.ts";
import { isPrivate } from "../../incident/members.ts";
import { incidentName } from "../../incident/numbers.ts";
import { LifeboatError, type Problem } from "../../lib/errors.ts";
import { idFor } from "../../lib/id-for.ts";
import type { Caller, Reply, Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { startRun } from "./start-run.ts";
import { visibleTo } from "./visible.ts";

/** Reads what everyone may read. */
const NO_ONE: Caller = { transport: "calendar", slackUser: null, person: null, name: "calendar", blocked: null };

/** Why this person can't request anything now (deactivated, left); null: they can. */
export type Gone = (system: System, person: string) => Promise<string | null>;

/**
 * Requests the run of a calendar entry as its organiser, or as who put it to this date: who says when it is held requests it, and can't
 * approve it. Approvers are asked as for any run, and every rule of where a drill is held applies. Not while an incident of the system is open, and never as a part of another record. The same key starts it once, no matter who tries again.
 */
export async function startOccasion(
  context: CommandContext,
  gone: Gone,
  system: System,
  { occasion, key, postponedBy, ahead }: Pick<Start, "occasion" | "key" | "postponedBy" | "ahead">,
): Promise<Started> {
  const before = await startedAs(context, key);
  if (before !== null) return before;
  const runbook = context.catalog.runbooks.find(({ system: of, id }) => of === system.id && id === occasion.runbook);
  if (runbook === undefined) return no(NOT_STARTED.noRunbook(occasion.runbook ?? ""));
  const open = await openIncident(context, system);
  if (open !== null) return no(open);
  const postponer = await activeOf(system, postponedBy === null ? [] : [postponedBy], gone);
  const organisers = organisersOf(system, occasion.organiser ?? "");
  // Who approved it ahead requests it only where no other organiser is left: then it counts for nothing, and people are asked.
  const approved = new Set(ahead?.approvals.map(({ person }) => person));
  const inOrder = [...organisers.filter((id) => !approved.has(id)), ...organisers.filter((id) => approved.has(id))];
  const requester = postponer ?? (await activeOf(system, inOrder, gone));
  if (requester === null) return no(NOT_STARTED.noOrganiser(occasion.organiser ?? ""));
  // Planning takes a while, and an incident may begin meanwhile.
  const ownRecord = async () => {
    const since = await openIncident(context, system);
    if (since !== null) throw new LifeboatError({ code: "calendar-incident-open", what: since });
  };
  const reply = await startRun(
    // Why it was not started is read by everyone: what only members know of isn't there for it.
    visibleTo(context, NO_ONE),
    { ...requestOf(requester, occasion.kind, key), ownRecord },
    runbook,
    { ...(occasion.mode !== null && { mode: occasion.mode }), ...(ahead && { ahead }) },
  ).catch((error: unknown) => {
    if (error instanceof LifeboatError) return error;
    throw error;
  });
  return (await startedAs(context, key)) ?? no(whyOf(reply));
}

/** A clause: the system's open incident, without the name of a private one; null: there is none. */
async function openIncident({ incidents }: CommandContext, { id }: System): Promise<string | null> {
  const open = (await incidents.open()).filter(({ state: { declared } }) => {
    return declared?.kind === "real" && declared.system === id;
  });
  const named = open.find(({ state }) => !isPrivate(state.declared));
  if (named !== undefined) return NOT_STARTED.incidentOpen(incidentName(named.state));
  return open.length > 0 ? NOT_STARTED.incidentOpen(null) : null;
}

/** What this key started, no matter who did; null: nothing. */
export async function startedAs({ incidents }: CommandContext, key: string): Promise<Started | null> {
  const run = idFor("run", key);
  const incident = await incidents.withRun(run);
  return incident === null ? null : { ok: true, incident: incident.id, run };
}

/** The first of them who can request something. `ids`: of people, or of their accounts. */
async function activeOf(system: System, ids: readonly string[], gone: Gone): Promise<Person | null> {
  for (const id of ids) {
    const person = system.people.find((one) => one.id === id || one.slack.includes(id));
    if (person !== undefined && (await gone(system, person.id)) === null) return person;
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
  return answer.kind === "private" ? answer.message.text.split("\n").join(" ").slice(0, 400) : NOT_STARTED.notAccepted;
}

function clauseOf({ where, what }: Problem): string {
  return where === undefined ? what : `${where}: ${what}`;
}

function no(reason: string): Started {
  return { ok: false, reason };
}
