import { safe } from "../../../templates/messages/kit/escape.ts";
import { type RecordedAs, recordedIn, runRequested, undoRequested } from "../../../templates/messages/run/answers.ts";
import { fold } from "../../incident/evolve.ts";
import { incidentName } from "../../incident/numbers.ts";
import type { IncidentState, RunState } from "../../incident/state.ts";
import { idFor } from "../../lib/id-for.ts";
import type { Reply, Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { announcedElsewhere, say, whereOf } from "../reply/say.ts";

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
  // The incident as this request left it: a maintenance that is raised later was none when it was requested.
  const until = events.slice(0, own.at(-1)?.version ?? events.length);
  const known = await context.incidents.read(incident);
  const state = known.version === until.length ? known : fold(incident, until, await context.incidents.plansOf(until));
  const run = state.runs.get(id);
  return run === undefined ? null : answerFor(context, state, run, new Set(own.map(({ type }) => type)));
}

async function answerFor(context: CommandContext, state: IncidentState, run: RunState, wrote: ReadonlySet<string>) {
  const { plan, dryRun } = run;
  const where = await whereOf(context, state.id);
  if (plan.undoes !== undefined && !dryRun) return say(undoRequested(run, where));
  return say(runRequested(run, await about(context, state, run, wrote)));
}

/** Where it is recorded, and what was opened for it. */
async function about(context: CommandContext, state: IncidentState, { plan }: RunState, wrote: ReadonlySet<string>) {
  const channel = await context.channelOf(state.id);
  const where = channel === null ? safe(incidentName(state)) : await whereOf(context, state.id);
  return recordedIn(recordedAs(context, state, plan, wrote), where, channel === null);
}

function recordedAs(
  context: CommandContext,
  { severity, declared }: IncidentState,
  plan: RunState["plan"],
  wrote: ReadonlySet<string>,
): RecordedAs {
  if (wrote.has("incident.raised")) return { kind: "raised", severity };
  if (declared?.kind === "maintenance")
    return { kind: "maintenance", elsewhere: announcedElsewhere(context, declared.announceIn) };
  if (!wrote.has("incident.declared")) return { kind: "joined" };
  const unannounced = declared?.drill?.unannounced === true;
  return { kind: "declared", severity, drill: plan.kind === "drill", unannounced };
}
