import type { Plan } from "../catalog/types.ts";
import type {
  Actor,
  Again,
  DataOf,
  ProbationLook,
  ReadinessVerdict,
  Recorded,
  SignatureRecord,
} from "../incident/events.ts";
import { isKnown, type LogEvent, type Plans, plansNeeded } from "../incident/evolve.ts";
import type { IncidentState } from "../incident/state.ts";
import { endOfPlace } from "../lib/errors.ts";
import { length } from "./length.ts";

const VERDICTS: Readonly<Record<ReadinessVerdict, string>> = {
  ready: "ready",
  notNeeded: "ready, not needed now",
  notReady: "not ready",
  unprovable: "can't be proven",
};

/** One thing that happened, as a sentence. */
export interface Entry {
  readonly version: number;
  /** When it happened, where someone said so; else when it was recorded. */
  readonly at: Date;
  /** It was written down later than it happened. */
  readonly backfilled: boolean;
  readonly who: string;
  readonly what: string;
}

/** The timeline as lines of text: time in UTC, who, what. */
export function transcript(
  events: readonly LogEvent[],
  plans: Plans,
  names: (who: string) => string,
): readonly string[] {
  return entriesOf(events, plans, names).map(line);
}

/** An entry as a line of text. */
export function line({ at, backfilled, who, what }: Entry): string {
  return `${stamp(at)}${backfilled ? " (added later)" : ""}  ${who}: ${what}`;
}

/** The last so many entries, in the order of the record. It looks at no more events than it needs. */
export function lastEntries(
  events: readonly LogEvent[],
  planOf: PlanOf,
  names: (who: string) => string,
  count: number,
  wanted: (event: LogEvent) => boolean = () => true,
): readonly Entry[] {
  const found: Entry[] = [];
  for (let n = events.length - 1; n >= 0 && found.length < count; n--) {
    const event = events[n] as LogEvent;
    const entry = wanted(event) ? entryOf(event, planOf, names) : null;
    if (entry !== null) found.push(entry);
  }
  return found.reverse();
}

/** In the order of the record. Events that mean nothing to a reader (an intent, a claim) are left out. */
export function entriesOf(
  events: readonly LogEvent[],
  plans: Plans,
  names: (who: string) => string,
  roles?: (role: string) => string,
): readonly Entry[] {
  const titles = new Map(plansNeeded(events).map(({ run, planHash }) => [run, plans.get(planHash)]));
  return events.flatMap((event) => entryOf(event, (run) => titles.get(run) ?? null, names, roles) ?? []);
}

/** The plan of a run; null: it isn't known. */
export type PlanOf = (run: string) => Plan | null;

export const planIn =
  ({ runs }: IncidentState): PlanOf =>
  (run) =>
    runs.get(run)?.plan ?? null;

/** `roles`: what a role is called; absent: its id is said. */
function entryOf(
  event: LogEvent,
  planOf: PlanOf,
  names: (who: string) => string,
  roles: (role: string) => string = (role) => role,
): Entry | null {
  if (!isKnown(event)) return null;
  const what = tell(event, event.run === null ? null : planOf(event.run), names, roles);
  if (what === null) return null;
  const happened = event.type === "incident.noted" && event.data.happenedAt ? new Date(event.data.happenedAt) : null;
  return {
    version: event.version,
    at: happened ?? event.at,
    backfilled: happened !== null,
    who: actor(event.actor, names),
    what,
  };
}

export function stamp(moment: Date): string {
  return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function actor(who: Actor, names: (who: string) => string): string {
  if (who.kind === "bot") return "Lifeboat";
  const name = who.person !== null ? names(who.person) : who.name;
  if (who.door === "calendar") return `${name}, by the calendar`;
  return who.door === "cli" ? `${name}, at the command line` : name;
}

function signedBy(signed: SignatureRecord | undefined): string {
  return signed ? `, signed with the key ${signed.key}` : "";
}

function aheadWords({ occasion, at, until }: NonNullable<DataOf<"gate.approved">["ahead"]>): string {
  return `, ahead for "${occasion}" of the calendar on ${stamp(new Date(at))}, until ${stamp(new Date(until))}`;
}

function tell(
  event: Recorded,
  plan: Plan | null,
  names: (who: string) => string,
  roles: (role: string) => string,
): string | null {
  const run = plan ? `"${plan.title}"` : (event.run ?? "");
  const step = (id: string) => {
    const found = plan?.stages.flatMap(({ steps }) => steps).find((one) => one.id === id);
    return `"${found?.title ?? id}"`;
  };
  switch (event.type) {
    case "incident.declared": {
      const { title, severity, kind, impactStartedAt } = event.data;
      const since = impactStartedAt ? `; impact since ${stamp(new Date(impactStartedAt))}` : "";
      if (kind === "maintenance") return `began maintenance: ${title}`;
      return `declared ${kind === "drill" ? "a drill" : "an incident"}, ${severity}: ${title}${since}`;
    }
    case "incident.raised":
      return `declared the maintenance an incident, ${event.data.severity}${because(event.data.reason)}`;
    case "incident.severityChanged":
      return `severity ${event.data.from} → ${event.data.to}${because(event.data.reason)}`;
    case "incident.statusChanged":
      return `status ${event.data.from} → ${event.data.to}`;
    case "incident.roleAssigned":
      return `${roleWords(event, names, roles)}${because(event.data.note)}`;
    case "incident.roleDelegated": {
      const { role, from, to, until, reason } = event.data;
      return `${names(to)} decides as ${roles(role)} in the place of ${names(from)} until ${stamp(new Date(until))}${because(reason)}`;
    }
    case "incident.delegationEnded":
      return `${names(event.data.to)} no longer decides as ${roles(event.data.role)} in the place of ${names(event.data.from)}`;
    case "incident.noted":
      return `noted: ${event.data.text}${event.data.link ? ` (${event.data.link})` : ""}`;
    case "incident.resolved":
      return `resolved${because(event.data.summary)}`;
    case "incident.reopened":
      return `reopened${because(event.data.reason)}`;
    case "incident.closed":
      return event.data.waived ? `closed without a post-mortem: ${event.data.waived}` : "closed";
    case "postmortem.drafted":
      return "drafted the post-mortem";
    case "member.added":
      return `added ${event.data.who.map(names).join(" and ")}${because(event.data.reason)}`;
    case "channel.archiveAnnounced":
      return `said that the channel is archived at ${stamp(new Date(event.data.at))}`;
    case "channel.archiveDue":
      return "the channel is to be archived";
    case "action.added": {
      const { action, text, owner, due } = event.data;
      return `action item ${action}: ${text} (${owner === null ? "no owner" : names(owner)}${due === null ? "" : `, due ${due}`})`;
    }
    case "action.done":
      return `action item ${event.data.action} is done${because(event.data.note)}`;
    case "action.reminded":
      return `reminded the owner of action item ${event.data.action}`;
    case "command.refused":
      return `tried “${event.data.verb}”, refused: ${event.data.says}`;
    case "run.requested":
      return `requested ${run}${event.data.dryRun ? " as a dry run" : ""} (${event.run}), ${event.data.mode}${plan ? `: ${plan.target}` : ""}${secondMove(event.data.again)}`;
    case "run.preflighted":
      return `preflight of ${run}: ${event.data.ready ? "ready" : "not ready"}; data that would be lost: ${event.data.loss}`;
    case "run.paused":
      return `paused ${run}${because(event.data.reason)}`;
    case "run.resumed":
      return `resumed ${run}`;
    case "run.aborted":
      return `aborted ${run}${because(event.data.reason)}. State then: ${event.data.stateNow}`;
    case "run.verified":
      return `${run} is ${event.data.dryRun ? "finished as a dry run; nothing was changed" : "done and verified"}`;
    case "run.failed":
      return `${run} failed: ${event.data.problem.what}`;
    case "run.stuck":
      return `${run} is stuck: ${event.data.problem.what}`;
    case "stage.late": {
      const { stage, withinSeconds, dueAt } = event.data;
      const title = plan?.clocks?.find(({ id }) => id === stage)?.title ?? stage;
      return `stage "${title}" is late: it was given ${length(withinSeconds)}, until ${stamp(new Date(dueAt))}`;
    }
    case "split-brain.seen":
      return `split brain after ${step(event.data.step)}: ${event.data.says}`;
    case "split-brain.over":
      return `no split brain any more after ${step(event.data.step)}`;
    case "fault.lifted":
      return `lifted what ${step(event.data.step)} broke: ${event.data.says}`;
    case "fault.remains":
      return `what ${step(event.data.step)} broke stands still: ${event.data.says}`;
    case "run.committed":
      return `committed ${run}: it stays where it is${because(event.data.reason)}`;
    case "probation.changed":
      return event.data.healthy
        ? `the new side of ${run} is healthy`
        : `the new side of ${run} is not healthy: ${event.data.says.join("; ")} (${failures(event.data)})`;
    case "probation.ended":
      return event.data.moved
        ? `the watch over ${run} ended: the same was moved again`
        : `probation of ${run} is over: ${event.data.healthy ? "healthy" : `not healthy, ${event.data.says.join("; ")}`} (${failures(event.data)})`;
    case "standby.missing":
      return `no standby after ${run}: ${event.data.says}`;
    case "standby.streams":
      return `a standby again after ${run}: ${event.data.says}`;
    case "gate.opened":
      return `requested approval of ${step(event.data.step)} (${event.data.quorum} by ${roles(event.data.role)}); data lost: ${event.data.loss}`;
    case "gate.escalated":
      return event.data.why
        ? `${roles(event.data.role)} asked too about ${step(event.data.step)}: ${event.data.why}`
        : `no decision on ${step(event.data.step)}: escalated to ${roles(event.data.role)}`;
    case "gate.reminded":
      return `reminded ${event.data.roles.map(roles).join(" and ")}: ${step(event.data.step)} waits for an answer`;
    case "gate.answered":
      return `answered about ${step(event.data.step)}: ${event.data.answer}`;
    case "gate.explained":
      return `said why they denied ${step(event.data.step)}: ${event.data.reason}`;
    case "gate.shown":
      return `opened all steps of the plan, ${event.data.complete ? "to the last page" : "first page"}, before ${step(event.data.step)}`;
    case "gate.asked":
      return `asked before deciding on ${step(event.data.step)}: ${event.data.question}`;
    case "gate.summoned": {
      const { people, role, source, why } = event.data;
      const who = people.length === 0 ? "nobody" : people.map(names).join(" and ");
      return `on call as ${roles(role)} for ${step(event.data.step)}: ${who}, by the ${source === "roster" ? "roster" : "pager"}${because(why)}`;
    }
    case "update.posted":
      return `told ${event.data.audience}: ${event.data.title}`;
    case "update.delivered":
      return `the update reached ${event.data.to} by ${VIA[event.data.via]}`;
    case "update.delayed":
      return `the update could not go out by ${VIA[event.data.via]} yet: ${event.data.says}`;
    case "update.undelivered":
      return `the update did not go out by ${VIA[event.data.via]}: ${event.data.says}`;
    case "comms.reminded":
      return `reminded the comms lead: ${DUE_TITLES[event.data.kind]} due at ${stamp(new Date(event.data.dueAt))}`;
    case "comms.snoozed":
      return `put the reminder off until ${stamp(new Date(event.data.until))}`;
    case "comms.late":
      return `${DUE_TITLES[event.data.kind]} late: it was due at ${stamp(new Date(event.data.dueAt))}`;
    case "triage.asked":
      return `triage asks: ${event.data.asks}`;
    case "triage.answered":
      return `triage: ${event.data.says}${event.data.saw === null ? "" : ` (${event.data.saw})`}`;
    case "triage.unseen":
      return `triage could not look: ${event.data.says}`;
    case "triage.concluded": {
      const { runbook, advice } = event.data;
      return `triage comes to ${[...(runbook ? [`"${runbook.title}"`] : []), ...(advice ? [advice] : [])].join(": ")}`;
    }
    case "incident.escalated":
      return `not resolved after ${length(event.data.afterSeconds)}: reached ${event.data.role}`;
    case "incident.responseLate":
      return `no response within the ${length(event.data.withinSeconds)} of ${event.data.severity}`;
    case "alert.fired": {
      const { alert, instances, summary } = event.data;
      return `alert ${alert} fires${instances.length > 1 ? ` (${instances.length} instances)` : ""}${summary === null ? "" : `: ${summary}`}`;
    }
    case "alert.resolved": {
      const { alert, instances } = event.data;
      return `alert ${alert} resolved${instances.length > 1 ? ` (${instances.length} instances)` : ""}`;
    }
    case "alert.looked":
      return `looked at what answers alert ${event.data.alert}: ${event.data.says.join("; ")}`;
    case "alert.incidentOpened":
      return `alerts opened ${event.data.incident}`;
    case "page.sent": {
      const { role, people } = event.data;
      return `paged ${role === null ? "on-call" : roles(role)}${people.length > 0 ? ` (${people.map(names).join(" and ")})` : ""}`;
    }
    case "person.enrolled":
      return `can prove who they are from ${event.data.countsFrom ? stamp(new Date(event.data.countsFrom)) : "now"} on (${event.data.method})`;
    case "person.vouched":
      return `vouched for ${[...new Set(event.data.people.map((one) => one.slice(one.indexOf("/") + 1)))].map(names).join(" and ")}`;
    case "person.locked":
      return `five wrong codes for ${event.data.people.map((one) => names(one.slice(one.indexOf("/") + 1))).join(" and ")}, by ${event.data.by}: codes are locked there until ${stamp(new Date(event.data.until))}`;
    case "bot.startedWithoutSlack":
      return `started without Slack by the user ${event.data.user} on ${event.data.host}`;
    case "catalogue.changed":
      return `read the catalogue of ${event.data.system}: ${event.data.says.map(({ person, says }) => (person === null ? says : `${names(person)}: ${says}`)).join("; ")}`;
    case "policy.recorded":
      return `recorded the policy of ${event.data.system}`;
    case "record.signedOff":
      return `signed off the record up to event ${event.data.version}: ${event.data.statement}`;
    case "checkpoint.made":
      return `made checkpoint ${event.data.checkpoint} of all timelines (${event.data.sha256})`;
    case "anchor.placed":
      return `placed checkpoint ${event.data.checkpoint} at ${event.data.receipt.at}`;
    case "anchor.refused":
      return `could not place checkpoint ${event.data.checkpoint} (${event.data.place}): ${event.data.says}`;
    case "readiness.changed":
      return `readiness of ${event.data.title}, ${event.data.mode}: ${VERDICTS[event.data.to]}${event.data.findings.map(({ says }) => `; ${says}`).join("")}`;
    case "readiness.reported":
      return `readiness in ${event.data.week}: ${event.data.ready} ready, ${event.data.notReady.length} not ready, ${event.data.stale} stale, ${event.data.neverProven} never proven`;
    case "page.failed":
      return `could not page ${event.data.role === null ? "on-call" : roles(event.data.role)}: ${event.data.problem.what}`;
    case "page.acknowledged":
      return `the page was acknowledged by ${event.data.person ? names(event.data.person) : event.data.name}`;
    case "gate.approved": {
      const { person, role, onBehalfOf, proved, signed, ahead } = event.data;
      const as = `${step(event.data.step)} as ${roles(role)}${onBehalfOf ? `, in the place of ${names(onBehalfOf)}` : ""}`;
      if (ahead) return `${names(person)} had approved ${as}${aheadWords(ahead)}`;
      return `approved ${as}${proved ? ", and proved who it was" : ""}${signedBy(signed)}`;
    }
    case "gate.breakAsked":
      return `requests break-glass for ${step(event.data.step)}, waiting for a second person: ${event.data.reason}`;
    case "gate.broken": {
      const { person, second, alone, reason } = event.data;
      const who = second
        ? `${names(person)} and ${names(second)}`
        : `${names(person)} alone (${alone ?? "no second person"})`;
      return `BREAK-GLASS: ${who} overrode ${step(event.data.step)}: ${reason}`;
    }
    case "gate.reviewed":
      return `reviewed the break-glass of ${step(event.data.step)}: ${event.data.finding}`;
    case "gate.denied":
      return `denied ${step(event.data.step)} as ${roles(event.data.role)}${because(event.data.reason)}`;
    case "gate.expired":
      return `the question of ${step(event.data.step)} expired`;
    case "gate.voided":
      return `the question of ${step(event.data.step)} no longer holds: ${event.data.why}`;
    case "gate.passed":
      return `${step(event.data.step)} passed, approved by ${event.data.people.map(names).join(" and ")}${withoutSlack(event.data, names)}`;
    case "approval.refused":
      return `tried to ${event.data.decision} ${step(event.data.step)}, refused: ${withoutTitle(event.data.says, step(event.data.step))}`;
    case "step.started":
      return `${step(event.data.step)} started${event.data.attempt > 1 ? `, attempt ${event.data.attempt}` : ""}`;
    case "step.verified":
      return `${step(event.data.step)} done: ${event.data.says}`;
    case "step.failed":
      return `${step(event.data.step)} failed: ${event.data.problem.what}`;
    case "step.stopped":
      return `${step(event.data.step)} stopped, outcome not known: ${event.data.problem.what}`;
    case "step.opened":
      return `${step(event.data.step)} waits${event.data.until ? ` until ${stamp(new Date(event.data.until))}` : " for people"}`;
    case "step.confirmed":
      return `${step(event.data.step)} done by hand${because(event.data.note)}`;
    case "step.retried":
      return `retried ${step(event.data.step)}`;
    case "step.skipped":
      return `skipped ${step(event.data.step)}${because(event.data.reason)}`;
    case "step.intended":
    case "step.applied":
    case "step.progressed":
      return null;
    default:
      return event satisfies never;
  }
}

function roleWords(
  { actor: who, data }: Extract<Recorded, { type: "incident.roleAssigned" }>,
  names: (who: string) => string,
  roles: (role: string) => string,
): string {
  const own = who.kind === "person" && who.person === data.person;
  return own ? `took the role ${roles(data.role)}` : `gave the role ${roles(data.role)} to ${names(data.person)}`;
}

/** What was said began with the step's title, which stands before it here. Records of before have a colon after every title. */
function withoutTitle(says: string, title: string): string {
  const name = title.slice(1, -1);
  const head = [`${endOfPlace(name)} `, `${name}: `].find((one) => says.startsWith(one));
  return says.slice(head?.length ?? 0);
}

const VIA = { email: "e-mail", page: "the status page", statuspage: "Statuspage" } as const;
const DUE_TITLES = {
  firstNotice: "the first notice is",
  update: "the next update is",
  resolution: "the notice of the resolution is",
  postmortem: "the post-mortem is",
} as const;

function withoutSlack(
  { withoutSlack: who = [] }: Extract<Recorded, { type: "gate.passed" }>["data"],
  names: (who: string) => string,
): string {
  return who.map(({ person, instead }) => `; Slack didn't answer for ${names(person)}, ${instead} counted`).join("");
}

function because(reason: string | null): string {
  return reason ? `: ${reason}` : "";
}

/** Why it was requested though the same was moved shortly before. */
function secondMove(again: Again | undefined): string {
  return again === undefined
    ? ""
    : `. A second move after the one at ${stamp(new Date(again.movedAt))}, because: ${again.reason}`;
}

function failures({ asked, failed }: ProbationLook): string {
  return `${failed} of ${asked} checks failed`;
}
