import { describe, expect, test } from "@jest/globals";
import type { Mode, Runbook, System } from "../../src/catalog/types.ts";
import type { Preflight } from "../../src/incident/events.ts";
import { blankIncident, evolveStrictly, fold } from "../../src/incident/evolve.ts";
import { stepsInOrder } from "../../src/incident/order.ts";
import { COMMANDER } from "../../src/incident/people.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import * as scenarios from "../support/incident-states.ts";
import { orders } from "../support/orders-system.ts";
import type { RecordedIncident } from "../support/recorded-incident.ts";
import { asked, everyRunbook, planOf } from "../support/runbook-plans.ts";
import { around } from "../support/surroundings.ts";

/** How loud an incident is: lines Slack writes by itself, and messages where it is followed. */
const stories: readonly (readonly [string, () => RecordedIncident])[] = Object.entries(scenarios);

describe("the topic", () => {
  test.each(stories)("%s: changes only with severity, status or commander, and never with time", (_, tell) => {
    const story = tell();
    const shown = story.events.map((event, index) => {
      const state = fold(story.state.id, story.events.slice(0, index + 1), story.plans);
      const topicAt = (now: Date) => renderIncident(state, { ...around(story), now }).channel?.topic;
      const topic = topicAt(event.at);
      expect(topicAt(new Date(event.at.getTime() + 3_600_000))).toBe(topic);
      return { topic, means: [state.severity, state.status, state.roles.get(COMMANDER)].join() };
    });
    for (const [before, after] of shown.slice(1).map((after, n) => [shown[n], after] as const))
      if (before?.means === after.means && before.topic !== undefined) expect(after.topic).toBe(before.topic);
  });
});

/** What is posted while a story is told, each once: edits ring no phone. */
interface Heard {
  /** Where the run is followed: its own card and the thread below it. */
  readonly thread: ReadonlySet<string>;
  /** In the incident's channel, or where planned work was typed: what stands alone, and what a thread shows there too. */
  readonly channel: ReadonlySet<string>;
  /** What one person gets directly, at most. */
  readonly direct: number;
  /** Topics and joins Slack tells of by itself, after the channel was made. */
  readonly lines: number;
}

function heardIn({ state: { id }, events, plans, now }: RecordedIncident, system: System): Heard {
  const [thread, channel] = [new Set<string>(), new Set<string>()];
  const direct = new Map<string, Set<string>>();
  const [topics, invited] = [[] as string[], [] as number[]];
  let state = blankIncident(id);
  for (const [n, event] of events.entries()) {
    state = evolveStrictly(state, event, plans);
    // Right before the next thing happens: all that time brought with it is there.
    for (const time of new Set([event.at, events[n + 1]?.at ?? now])) {
      const view = renderIncident(state, { ...around({ now: time } as RecordedIncident), system, names: (who) => who });
      if (view.channel) topics.push(view.channel.topic);
      if (view.channel) invited.push(new Set(view.channel.invite).size);
      for (const { key, in: place, under, broadcast } of view.messages) {
        if (typeof place === "object" && "person" in place)
          direct.set(place.person, (direct.get(place.person) ?? new Set()).add(key));
        else {
          if (key.startsWith("run:") || under !== null) thread.add(key);
          if (under === null || broadcast) channel.add(`${key}`);
        }
      }
    }
  }
  const changed = topics.filter((topic, n) => n > 0 && topic !== topics[n - 1]).length;
  const joined = invited.filter((count, n) => n > 0 && count > (invited[n - 1] ?? 0)).length;
  return {
    thread,
    channel,
    lines: changed + joined,
    direct: Math.max(0, ...[...direct.values()].map(({ size }) => size)),
  };
}

const calm: Preflight = { ready: true, factsHash: "f", facts: [], checks: [], loss: "nothing" };

/** A run in which everything goes as planned: everyone approves at once, nothing fails, nothing is late. */
function calmRun(book: Runbook, mode: Mode): { readonly story: RecordedIncident; readonly system: System } {
  const { system, plan } = planOf(book, mode, false);
  const { story, run } = asked(system, plan, calm);
  for (const { step } of stepsInOrder(plan)) {
    if (run().steps.get(step.id)?.status === "passedOver") continue;
    if (step.kind === "gate") {
      const ask = `ask-${step.id}`;
      story.open(step.id, ask).after(1);
      story.engine({ type: "gate.passed", data: { step: step.id, ask, people: ["somebody"] } });
    } else if (step.kind === "action") story.step(step.id, 1, "Done.");
    else
      story
        .engine({ type: "step.opened", data: { step: step.id, until: null } })
        .after(1)
        .engine({ type: "step.confirmed", data: { step: step.id, note: null } });
  }
  story.engine({ type: "run.verified", data: { dryRun: false } });
  const look = { healthy: true, says: [], asked: 10, failed: 0 };
  // Watched and well: one look is recorded, and the end.
  if (run().moves)
    story
      .after(5)
      .engine({ type: "probation.changed", data: look })
      .after(1800)
      .engine({ type: "probation.ended", data: { ...look, moved: false } });
  return { story, system };
}

/** Card, preflight, list of steps and result, one message for each decision and each manual step, and one when a move's probation is over. */
function mostOf(plan: RecordedIncident): number {
  const [run] = plan.state.runs.values();
  const steps = [...(run?.steps.values() ?? [])];
  return (
    4 +
    (run?.moves ? 1 : 0) +
    steps.filter(({ step, status }) => status !== "passedOver" && (step.kind === "gate" || step.kind === "manual"))
      .length
  );
}

function rolesAsked({ plans }: RecordedIncident): number {
  const roles = [...plans.values()].flatMap((plan) =>
    stepsInOrder(plan).flatMap(({ step }) => (step.kind === "gate" ? [step.gate.role] : [])),
  );
  return new Set(roles).size;
}

describe("a calm run", () => {
  const isRegion = ({ leavesSite, id }: Runbook) => leavesSite || /region|dc-|route53/.test(id);
  // Back is as loud as there.
  const told = everyRunbook.flatMap(([name, book, mode, back]) => {
    if (back) return [];
    const { story, system } = calmRun(book, mode);
    return [{ name, book, mode, story, heard: heardIn(story, system) }];
  });

  const failovers = told.filter(
    ({ book, mode }) => book.starts?.verb === "failover" && mode === "planned" && !book.drill && !book.exercise,
  );

  test("of any runbook says each thing once: card, preflight, steps, result, and what people decide or do", () => {
    expect(told.length).toBeGreaterThan(50);
    const loud = told
      .map(({ name, story, heard }) => ({ name, said: heard.thread.size, most: mostOf(story) }))
      .filter(({ said, most }) => said > most);
    expect(loud).toEqual([]);
  });

  test("of a planned failover makes at most six messages where it is followed, of a region's at most nine", () => {
    expect(failovers.filter(({ book }) => isRegion(book)).length).toBeGreaterThan(2);
    const loud = failovers
      .map(({ name, book, heard }) => ({ name, said: heard.thread.size, most: isRegion(book) ? 9 : 6 }))
      .filter(({ said, most }) => said > most);
    expect(loud).toEqual([]);
  });

  test("has Slack tell of two changes by itself, and of each role that is asked in", () => {
    const loud = told
      .map(({ name, story, heard }) => ({ name, lines: heard.lines, most: 2 + rolesAsked(story) }))
      .filter(({ lines, most }) => lines > most);
    expect(loud).toEqual([]);
    expect(failovers.filter(({ heard }) => heard.lines > 2).map(({ name }) => name)).toEqual([]);
  });

  test("asks no one directly more than once a decision", () => {
    const loud = told
      .map(({ name, story, heard }) => ({ name, direct: heard.direct, most: mostOf(story) - 4 }))
      .filter(({ direct, most }) => direct > most);
    expect(loud).toEqual([]);
  });
});

describe("a long night", () => {
  const RUN = "run-4hx8w2pd";
  const night = () =>
    scenarios
      .asked()
      .after(30)
      .ask("vera", { type: "question", run: RUN, ask: "ask-first", text: "Is the provider back?" })
      .after(20)
      .ask("ana", { type: "answer", run: RUN, ask: "ask-first", text: "Not before five." })
      .after(20)
      .ask("bo", { type: "deny", run: RUN, ask: "ask-first", reason: "Wait for the provider" })
      .after(60)
      .ask("bo", { type: "retryStep", run: RUN, step: "go" })
      .open("go", "ask-second")
      .after(60)
      .ask("bo", { type: "escalate", run: RUN, ask: "ask-second", why: "Ana is on a plane" })
      .after(30)
      .ask("vera", { type: "approve", run: RUN, ask: "ask-second" })
      .engine({ type: "gate.passed", data: { step: "go", ask: "ask-second", people: ["vera"] } })
      .step("fence", 4, "The old primary accepts no more writes.")
      .engine({ type: "step.started", data: { step: "promote", attempt: 1, epoch: "1" } })
      .after(12)
      .engine({
        type: "step.failed",
        data: {
          ...{ step: "promote", attempt: 1, retryable: false, seconds: 12 },
          problem: { code: "promote-late", what: "The standby did not leave recovery", next: "Retry" },
        },
      })
      .after(45)
      .ask("bo", { type: "retryStep", run: RUN, step: "promote" })
      .step("promote", 9, "The standby takes writes.")
      .engine({ type: "step.opened", data: { step: "tell-provider", until: null } })
      .after(60)
      .ask("bo", { type: "confirmStep", run: RUN, step: "tell-provider", note: null })
      .step("verify", 2, "An order was placed and read back.")
      .engine({ type: "run.verified", data: { dryRun: false } })
      .ask("bo", { type: "resolve", summary: "Over." });

  test("with a denial, a question, an escalation, a failed step and a retry stays one thread people can read", () => {
    const { thread, channel, lines, direct } = heardIn(night(), orders);
    // Card, preflight, steps, result; two questions put, one talk of two, one escalation, one failure, one manual step.
    expect([...thread]).toHaveLength(11);
    expect(channel.size).toBeLessThanOrEqual(14);
    expect(lines).toBeLessThanOrEqual(4);
    expect(direct).toBeLessThanOrEqual(2);
  });
});
