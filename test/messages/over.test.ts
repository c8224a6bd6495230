import { describe, expect, test } from "@jest/globals";
import { isAnswered } from "../../src/incident/authority.ts";
import { blankIncident, evolveStrictly } from "../../src/incident/evolve.ts";
import type { RunState } from "../../src/incident/state.ts";
import type { ShownMessage } from "../../templates/messages/kit/view.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import * as nights from "../support/incident-states.ts";
import * as moves from "../support/probation-states.ts";
import type { RecordedIncident } from "../support/recorded-incident.ts";
import { around } from "../support/surroundings.ts";

/**
 * What a view no longer holds stays in Slack as it was shown last, and what is said `once` is never edited. Neither may have a button:
 * it would be pressed long after it means nothing.
 */
const stories: readonly (readonly [string, () => RecordedIncident])[] = [
  ...Object.entries(nights),
  ...Object.entries(moves),
].filter((one): one is [string, () => RecordedIncident] => typeof one[1] === "function" && one[1].length === 0);

const buttonsIn = ({ message }: ShownMessage) =>
  message.blocks.flatMap((block) =>
    block.type === "actions" ? (block.elements as { action_id: string }[]).map(({ action_id }) => action_id) : [],
  );

describe("a message that stays as it is has no button", () => {
  test.each(stories)("%s", (_, tell) => {
    const story = tell();
    const last = new Map<string, ShownMessage>();
    let state = blankIncident(story.state.id);
    for (const [n, event] of story.events.entries()) {
      state = evolveStrictly(state, event, story.plans);
      for (const now of new Set([event.at, story.events[n + 1]?.at ?? story.now])) {
        const { messages } = renderIncident(state, { ...around(story), now });
        for (const shown of messages) last.set(shown.key, shown);
        const there = new Set(messages.map(({ key }) => key));
        const left = [...last.values()].filter(({ key, once }) => once || !there.has(key));
        expect(left.flatMap((shown) => buttonsIn(shown).map((id) => `${shown.key} ${id} after ${event.type}`))).toEqual(
          [],
        );
      }
    }
  });
});

describe("what is over is said to be over", () => {
  const told = (story: RecordedIncident) => {
    const { messages } = renderIncident(story.state, around(story));
    return new Map(messages.map(({ key, message }) => [key, `${message.text} ${JSON.stringify(message.blocks)}`]));
  };

  test("a run that was blocked and went on, and one that ended while it was", () => {
    const all = told(nights.stuckAgainAndAborted());
    expect(all.get("stuck:run-4hx8w2pd")).toMatch(/was blocked.* Since then: resumed\./);
    expect(all.get("stuck:run-4hx8w2pd:2")).toMatch(/was blocked.* Since then: the run ended\./);
    expect([...all.values()].join()).not.toContain("is blocked");
  });

  test("a question about an approval that was decided without an answer", () => {
    expect(told(nights.questionDenied()).get("gate:ask-first:said:1")).toContain("Closed: no answer needed");
  });

  test("a move that another one replaced: no standby of it is missing, and nothing about it is to be decided", () => {
    for (const tell of [moves.movedWhileUnhealthy, moves.movedAfterwards, moves.movedAfterCommit]) {
      const all = told(tell());
      expect(all.get("probation:run-4hx8w2pd")).toContain("moved again since, nothing to decide here");
      expect([...all.values()].join()).not.toContain("No standby");
    }
    // Nothing was said of it while it was well, so nothing is to be taken back.
    expect(told(moves.movedWhileWell()).has("probation:run-4hx8w2pd")).toBe(false);
  });
});

/** Between the last approval and the first step that it covers, machines look once more: no one is waited for. */
function isDecided({ steps, endedAt }: RunState): boolean {
  const open = [...steps.values()].flatMap((step) =>
    step.status === "gate" && step.gate.outcome === "open" ? [step.gate] : [],
  );
  return endedAt === null && open.length > 0;
}

test.each(stories)("no one is waited for once enough have approved: %s", (_, tell) => {
  const story = tell();
  let state = blankIncident(story.state.id);
  for (const event of story.events) {
    state = evolveStrictly(state, event, story.plans);
    for (const run of [...state.runs.values()].filter(isDecided)) {
      const open = [...run.steps.values()].filter((step) => step.status === "gate" && step.gate.outcome === "open");
      if (!open.every((step) => step.status === "gate" && isAnswered(run, step.gate))) continue;
      const { messages } = renderIncident(state, { ...around(story), now: event.at });
      const own = messages.filter(
        ({ key }) => [`run:${run.id}`, `steps:${run.id}`].includes(key) || key.startsWith("gate:"),
      );
      for (const { key, message } of own)
        expect([key, JSON.stringify(message)]).toEqual([
          key,
          expect.not.stringMatching(/nobody available|waiting for approval|Waiting for|needs nothing/),
        ]);
    }
  }
});
