import { fold } from "../src/incident/evolve.ts";
import { incidentName } from "../src/incident/numbers.ts";
import type { IncidentState, RunState } from "../src/incident/state.ts";
import { safe } from "../templates/messages/kit/escape.ts";
import { modeWords } from "../templates/messages/kit/kind.ts";
import { againLines } from "../templates/messages/run/again.ts";
import type { Reply, Request } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { idFor } from "./ids.ts";
import { announcedElsewhere, say, whereOf } from "./say.ts";

/**
 * The answer to a request whose run is on the timeline: from what the request recorded, so a repeat is answered as the first one
 * was, whatever the targets say by now. Null: this request has started nothing yet.
 */
export async function startedBy(context: CommandContext, { key }: Pick<Request, "key">): Promise<Reply | null> {
  const id = idFor("run", key);
  const incident = await context.timeline.streamOfRun(id);
  if (incident === null) return null;
  const events = await context.timeline.read(incident);
  const own = events.filter((event) => event.key.startsWith(`${key}/`));
  // The incident as this request left it: a maintenance that is raised later was none when it was asked for.
  const until = events.slice(0, own.at(-1)?.version ?? events.length);
  const known = await context.incidents.read(incident);
  const state = known.version === until.length ? known : fold(incident, until, await context.incidents.plansOf(until));
  const run = state.runs.get(id);
  return run === undefined ? null : answerFor(context, state, run, new Set(own.map(({ type }) => type)));
}

async function answerFor(context: CommandContext, state: IncidentState, run: RunState, wrote: ReadonlySet<string>) {
  const { plan, dryRun } = run;
  const where = await whereOf(context, state.id);
  if (plan.undoes !== undefined && !dryRun)
    return say([
      `*${safe(plan.title)}* (${safe(run.id)}) requested: ${safe(plan.target)}.`,
      "Preflight runs now; nothing changes until the people who approved the step agree. You can't approve your own request.",
      `It runs in ${where}.`,
    ]);
  const head = `${dryRun ? "Dry run of " : ""}*${safe(plan.title)}* (${safe(run.id)}) requested: ${modeWords(plan.mode)}.`;
  const gates = plan.stages.flatMap(({ steps }) => steps).filter(({ kind }) => kind === "gate").length;
  const next = dryRun
    ? "Checking every target now; nothing changes."
    : `Running preflight checks now; ${gates === 0 ? "it starts when they pass, without an approval." : "nothing changes until it's approved. You can't approve your own request."}`;
  return say([head, safe(plan.target), ...againLines(run), next, await about(context, state, run, wrote)]);
}

/** Where it is recorded, and what was opened for it. */
async function about(context: CommandContext, state: IncidentState, { plan }: RunState, wrote: ReadonlySet<string>) {
  const channel = await context.channelOf(state.id);
  const where = channel === null ? safe(incidentName(state)) : await whereOf(context, state.id);
  const opened = channel === null ? ", creating its channel" : "";
  if (wrote.has("incident.raised")) return `The maintenance is an incident now (${state.severity}): ${where}${opened}.`;
  if (state.declared?.kind === "maintenance") {
    const elsewhere = announcedElsewhere(context, state.declared.announceIn);
    const thread = elsewhere === null ? "Its thread is in this channel." : `Follow its thread in ${elsewhere}.`;
    return `Maintenance: no incident, no pages. ${thread}`;
  }
  if (!wrote.has("incident.declared")) return `It runs in ${where}.`;
  const what = plan.kind === "drill" ? "A drill" : `An incident (${state.severity})`;
  const quiet = state.declared?.drill?.unannounced
    ? " It's not announced: only you and the people on the calendar are told."
    : "";
  return `${what} was declared for it: ${where}${opened}.${quiet}`;
}
