import { describe, expect, test } from "@jest/globals";
import { fold } from "../../../src/incident/evolve.ts";
import { safe } from "../../../templates/messages/kit/escape.ts";
import type { ShownMessage } from "../../../templates/messages/kit/view.ts";
import { renderIncident } from "../../../templates/messages/render.ts";
import * as scenarios from "../../support/incident-states.ts";
import { printMessage } from "../../support/print-blocks.ts";
import type { RecordedIncident } from "../../support/recorded-incident.ts";
import { asked, everyRunbook, planOf } from "../../support/runbook-plans.ts";
import { around } from "../../support/surroundings.ts";

const RUN = "run-4hx8w2pd";

function cardAt(story: RecordedIncident, now = story.now): { readonly says: string; readonly redrawAt: Date | null } {
  const view = renderIncident(story.state, { ...around(story), now });
  const card = view.messages.find(({ key }) => key === `run:${RUN}`) as ShownMessage;
  return { says: printMessage(card.message), redrawAt: view.redrawAt };
}

/** Moments at which the card becomes another though nothing happens, within so many seconds. */
function ticks(story: RecordedIncident, seconds: number): readonly number[] {
  const moments: number[] = [];
  const end = story.now.getTime() + seconds * 1000;
  let { says, redrawAt } = cardAt(story);
  while (redrawAt !== null && redrawAt.getTime() < end) {
    const next = cardAt(story, redrawAt);
    if (next.says !== says) moments.push((redrawAt.getTime() - story.now.getTime()) / 1000);
    ({ says, redrawAt } = next);
  }
  return moments;
}

const promoting = () =>
  scenarios.approved().engine({ type: "step.started", data: { step: "promote", attempt: 1, epoch: "1" } });

describe("the card of a run in progress", () => {
  test("says how far it is, what it does now and usually needs for it, and what comes next", () => {
    const story = promoting().after(31);
    expect(cardAt(story).says).toContain(
      [
        "▓▓▓▓░░░░░░ *2 of 5* · 40 s of about 28 s",
        "  *Now:* Promote the standby (31 s, usually 20 s)",
        "  *Next:* manual step: Tell the payment provider",
      ].join("\n"),
    );
  });

  test("says who is waited for", () => {
    expect(cardAt(scenarios.asked()).says).toContain("*Waiting for:* Database administrator (<@U0BO>)");
    expect(cardAt(scenarios.failed()).says).toContain("*Waiting for:* a decision about Promote the standby");
    expect(cardAt(scenarios.byHand()).says).toContain(": Tell the payment provider");
  });

  test("is edited at a pace that leaves edits for others: six times in the first minute, then less", () => {
    const moments = ticks(promoting(), 3600);
    const within = (from: number, to: number) => moments.filter((at) => at >= from && at < to).length;
    expect(within(0, 60)).toBeLessThanOrEqual(7);
    expect(within(60, 600)).toBeLessThanOrEqual(2 * 9 + 1);
    expect(within(600, 3600)).toBeLessThanOrEqual(51);
    expect(within(600, 3600)).toBeGreaterThan(45);
  });

  test("counts the time of machines only, and stands still while people are waited for", () => {
    expect(ticks(scenarios.failed(), 3600)).toEqual([]);
    expect(cardAt(scenarios.failed().after(1800)).says).toBe(cardAt(scenarios.failed()).says);
  });

  test.each(Object.entries(scenarios))("%s: never says something else before it said it would", (_, tell) => {
    const told = tell();
    for (const index of told.events.keys()) {
      const event = told.events[index];
      if (event === undefined) continue;
      const state = fold(told.state.id, told.events.slice(0, index + 1), told.plans);
      const draw = (now: Date) => renderIncident(state, { ...around(told), now });
      const first = draw(event.at);
      const until = first.redrawAt ?? new Date(event.at.getTime() + 3_600_000);
      const before = new Date(Math.max(event.at.getTime(), until.getTime() - 1));
      const cards = (view: typeof first) =>
        view.messages.filter(({ key }) => key.startsWith("run:")).map(({ message }) => printMessage(message));
      expect(cards(draw(before))).toEqual(cards(first));
    }
  });
});

test("no run lists its steps twice", () => {
  const seen = { ready: true, factsHash: "f", facts: [], checks: [], loss: "nothing" };
  for (const [name, book, mode, back] of everyRunbook) {
    const { system, plan } = planOf(book, mode, back);
    const { story } = asked(system, plan, seen);
    const titles = plan.stages.flatMap(({ steps }) => steps.map(({ title }) => safe(title)));
    if (titles.length < 5) continue;
    const view = renderIncident(story.state, { ...around(story), system });
    const listing = view.messages.filter(({ message }) =>
      titles.every((title) => printMessage(message).includes(title)),
    );
    expect([name, listing.map(({ key }) => key)]).toEqual([name, [`steps:${RUN}`]]);
  }
});
