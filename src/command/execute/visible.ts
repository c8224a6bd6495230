import { unknownIncident } from "../../../templates/messages/incident/command-refusals.ts";
import { blankIncident } from "../../incident/evolve.ts";
import { isPrivate, mayKnowOf, type Reader } from "../../incident/members.ts";
import { personOf } from "../../incident/people.ts";
import type { IncidentState } from "../../incident/state.ts";
import type { Incidents } from "../../incidents/index.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { Timeline } from "../../timeline/contract.ts";
import { actorOf, type Caller } from "../command.ts";
import type { CommandContext } from "../context.ts";

/**
 * What this caller may know of: a private incident they are not a member of is not there, whichever command asks and however it is
 * named. Every command gets this context and no other.
 */
export function visibleTo(context: CommandContext, caller: Caller): CommandContext {
  // The one who may know of one at the beginning of their request may know of it until its end.
  const shown = new Set<string>();
  const knows = (state: IncidentState) => {
    const system = context.catalog.systems.find(({ id }) => id === state.declared?.system);
    const may = !isPrivate(state.declared) || mayKnowOf(state, system, readerIn(caller, system));
    if (may) shown.add(state.id);
    return may;
  };
  const { incidents } = context;
  const isShown = async (id: string) => !id.startsWith("inc-") || shown.has(id) || knows(await incidents.read(id));
  return Object.create(context, {
    incidents: { value: shownOf(incidents, knows) },
    timeline: { value: shownIn(context, isShown) },
    channelOf: { value: async (id: string) => ((await isShown(id)) ? context.channelOf(id) : null) },
    incidentAt: {
      value: async (channel: string) => {
        const id = await context.incidentAt(channel);
        return id !== null && (await isShown(id)) ? id : null;
      },
    },
  });
}

/** By the roster, as everywhere: what an account calls itself counts for nothing. */
function readerIn(caller: Caller, system: CommandContext["catalog"]["systems"][number] | undefined): Reader {
  const person = system === undefined ? null : personOf(actorOf(caller), system);
  return { person: person?.id ?? null, slackUser: caller.slackUser };
}

function shownOf(incidents: Incidents, knows: (state: IncidentState) => boolean): Incidents {
  const orNone = <T extends { readonly state: IncidentState } | null>(found: T) =>
    found !== null && knows(found.state) ? found : null;
  return {
    ...incidents,
    async read(id) {
      const state = await incidents.read(id);
      return knows(state) ? state : blankIncident(id);
    },
    decide: (id, decide) =>
      incidents.decide(id, (state, events, now) => {
        if (!knows(state)) throw unknown(id);
        return decide(state, events, now);
      }),
    open: async () => (await incidents.open()).filter(({ state }) => knows(state)),
    current: async () => (await incidents.current()).filter(knows),
    async *all() {
      for await (const state of incidents.all()) if (knows(state)) yield state;
    },
    withChannels: (states) => incidents.withChannels(states.filter(knows)),
    at: async (channel) => orNone(await incidents.at(channel)),
    async numbered(number) {
      const state = await incidents.numbered(number);
      return state !== null && knows(state) ? state : null;
    },
    async withRun(run) {
      const state = await incidents.withRun(run);
      return state !== null && knows(state) ? state : null;
    },
  };
}

function shownIn({ timeline }: CommandContext, isShown: (id: string) => Promise<boolean>): Timeline {
  const shown: Partial<Timeline> = {
    read: async (stream, after) => ((await isShown(stream)) ? timeline.read(stream, after) : []),
    async decide(stream, decide, options) {
      if (!(await isShown(stream))) throw unknown(stream);
      return timeline.decide(stream, decide, options);
    },
    async streamOfRun(run) {
      const stream = await timeline.streamOfRun(run);
      return stream !== null && (await isShown(stream)) ? stream : null;
    },
    async streamNumbered(number) {
      const stream = await timeline.streamNumbered(number);
      return stream !== null && (await isShown(stream)) ? stream : null;
    },
  };
  return { ...timeline, ...shown };
}

/** The same words as for what was never declared. */
function unknown(id: string): LifeboatError {
  return new LifeboatError(unknownIncident(id));
}
