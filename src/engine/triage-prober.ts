import type { Action, Check, Fact } from "../actions/contract.ts";
import { bindProbe } from "../catalog/probe.ts";
import { answerOf } from "../catalog/triage.ts";
import type { ActionCard, Catalog, Probe, Question, System } from "../catalog/types.ts";
import type { Event } from "../incident/events.ts";
import { fold } from "../incident/evolve.ts";
import type { IncidentState } from "../incident/state.ts";
import { answering, openTriage, questionIn } from "../incident/triage.ts";
import type { Incidents } from "../incidents/index.ts";
import { withDeadline } from "../lib/deadline.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { createTasks } from "../projection/flights.ts";
import { createProjector } from "../projection/projector.ts";
import type { StoredEvent, Timeline } from "../timeline/contract.ts";

export interface TriageProberOptions {
  readonly timeline: Pick<Timeline, "decide" | "follow">;
  readonly incidents: Pick<Incidents, "read" | "toCatchUp">;
  readonly catalog: Catalog;
  readonly cards: ReadonlyMap<string, ActionCard>;
  readonly actions: ReadonlyMap<string, Action>;
  /** Values of the catalogue's variables as they are now: system id → name → value. */
  readonly variables: () => ReadonlyMap<string, ReadonlyMap<string, string | number | boolean>>;
  readonly secret: (name: string) => string;
  readonly practice: boolean;
  readonly log: Logger;
  /** One look at one target; 15 if left out. */
  readonly lookSeconds?: number;
}

/**
 * Answers the questions of a triage that the world can answer: looks, by a read action, and writes what it saw. Which question
 * is open is on the timeline, so it survives a restart; several processes may look, and the first answer, a person's or
 * a probe's, is the one that counts. What can't be seen is left to people.
 */
export interface TriageProber {
  start(): void;
  stop(): Promise<void>;
}

/** A question that is open and asks the world. */
interface Open {
  readonly stream: string;
  readonly walk: string;
  readonly system: System;
  readonly question: Question;
}

type Seen = { readonly value: string | number | boolean | null; readonly says: string } | { readonly unseen: string };

const LOOK_SECONDS = 15;

export function createTriageProber(options: TriageProberOptions): TriageProber {
  const { timeline, incidents, log } = options;
  const probes = createTasks();
  const projector = createProjector({
    name: "triage-prober",
    timeline,
    log,
    look: probe,
    missed: async () => (await incidents.toCatchUp()).flatMap(({ id, over }) => (over ? [] : [id])),
  });

  /** Another question may be open before the probe of the last one has ended, so nothing waits for a probe here. */
  async function probe(stream: string): Promise<void> {
    const found = openIn(stream, await incidents.read(stream), options.catalog);
    if (found === null) return;
    probes.start(`${found.walk}/${found.question.id}`, () =>
      answer(found).catch((error) => {
        log.warn({ event: "triage.probe_failed", stream, error: messageOf(error) }, "probe failed; retrying");
        projector.changedLater(stream);
      }),
    );
  }

  async function answer(open: Open): Promise<void> {
    const seen = await look(open);
    if (projector.stopping.aborted) return;
    const events = eventsOf(open, seen, options.catalog);
    await timeline.decide(open.stream, (stored) => ({ events: isStill(open, stored) ? events : [], value: null }));
  }

  async function look({ system, question }: Open): Promise<Seen> {
    const probe = question.probe as Probe;
    const bound = bindProbe(system, probe, options.cards.get(probe.action), options.variables().get(system.id));
    const action = options.actions.get(probe.action);
    if (!bound.ok || action === undefined) return { unseen: bound.ok ? `there is no ${probe.action}` : bound.says };
    const seconds = options.lookSeconds ?? LOOK_SECONDS;
    try {
      await action.load?.();
      return await withDeadline(
        `Looking at "${question.asks}"`,
        seconds,
        async (signal) => {
          const { secret, practice } = options;
          const nothing = { evidenceOf: () => null };
          const seen = await action.observe({ kind: "real", signal, log, secret, practice, ...nothing }, bound.input);
          return valueIn(probe, action.facts(seen, bound.input), action.ready(seen, bound.input, nothing));
        },
        projector.stopping,
      );
    } catch (error) {
      return { unseen: messageOf(error) };
    }
  }

  return {
    start: projector.start,
    async stop() {
      await projector.stop();
      await probes.settled();
    },
  };
}

/** Null: none is, or people have to answer it. */
function openIn(stream: string, state: IncidentState, catalog: Catalog): Open | null {
  const walk = openTriage(state);
  if (!walk?.open?.probed || walk.open.unseen !== null || isOver(state)) return null;
  const system = catalog.systems.find(({ id }) => id === state.declared?.system);
  const question = system === undefined ? null : questionIn(system, walk.open.question);
  return system && question?.probe ? { stream, walk: walk.id, system, question } : null;
}

function eventsOf({ walk, system, question }: Open, seen: Seen, catalog: Catalog) {
  const found = "value" in seen ? answerOf(question, seen.value) : null;
  const unseen = "value" in seen ? `${seen.says}, and no answer is for that` : seen.unseen;
  const books = catalog.runbooks.filter((one) => one.system === system.id);
  const events: readonly Event[] =
    found !== null && "value" in seen
      ? answering({ triage: walk, question, answer: found, saw: seen.says }, system, books)
      : [{ type: "triage.unseen", data: { triage: walk, question: question.id, says: unseen } }];
  return events.map((event) => ({
    ...event,
    key: `${walk}/${question.id}/${event.type}`,
    run: null,
    actor: { kind: "bot" } as const,
  }));
}

function valueIn({ fact, check }: Probe, facts: readonly Fact[], checks: readonly Check[]): Seen {
  if (fact !== null) {
    const found = facts.find(({ id }) => id === fact);
    if (found === undefined) return { unseen: `nothing is seen that is called ${fact}` };
    return { value: found.value, says: `${found.label}: ${sayValue(found.value)}` };
  }
  const found = checks.find(({ id }) => id === check);
  if (found === undefined) return { unseen: `nothing is checked that is called ${check}` };
  return { value: found.ok, says: found.says };
}

function sayValue(value: Fact["value"]): string {
  if (value === null) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}

/** No one has answered since, and it was not begun again. */
function isStill({ stream, walk, question }: Open, stored: readonly StoredEvent[]): boolean {
  const state = fold(stream, stored, new Map());
  const now = openTriage(state);
  return !isOver(state) && now?.id === walk && now.open?.question === question.id && now.open.unseen === null;
}

function isOver({ status }: IncidentState): boolean {
  return status === "resolved" || status === "closed";
}
