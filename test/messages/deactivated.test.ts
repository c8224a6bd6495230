import { describe, expect, test } from "@jest/globals";
import type { System } from "../../src/catalog/types.ts";
import type { IncidentCommand } from "../../src/incident/commands.ts";
import { decide } from "../../src/incident/decide.ts";
import type { DataOf } from "../../src/incident/events.ts";
import { fold, type LogEvent } from "../../src/incident/evolve.ts";
import { withoutAccounts } from "../../src/incident/people.ts";
import type { IncidentState } from "../../src/incident/state.ts";
import { roleForm } from "../../templates/messages/incident/forms.ts";
import { worded } from "../../templates/messages/refused.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import * as scenarios from "../support/incident-states.ts";
import { orders } from "../support/orders-system.ts";
import type { RecordedIncident } from "../support/recorded-incident.ts";
import { around } from "../support/surroundings.ts";

/** One more holder of every role, whose Slack account was deactivated after each question was asked. */
const gone = orders.roles.map(({ id, title }) => ({
  id: `gone-${id}`,
  name: `Gone ${title}`,
  slack: [`U0GONE${id.replaceAll("-", "").toUpperCase()}`],
  roles: [id],
}));
const accounts = new Set(gone.flatMap(({ slack }) => slack));
const roster: System = { ...orders, people: [...gone, ...orders.people] };

/** The same story, in which each question was put to them as well. */
function askedOf(event: LogEvent & { hash: string }): LogEvent & { hash: string } {
  if (event.type !== "gate.opened") return event;
  const data = event.data as DataOf<"gate.opened">;
  const roles = [data.role, ...data.escalate.map(({ role }) => role)];
  const asked = gone.filter((one) => one.roles.some((role) => roles.includes(role)));
  const holders = asked.map(({ id, roles: [role = ""], slack: [account = null] }) => ({ role, person: id, account }));
  const approvers = [...data.approvers, ...asked.map(({ id }) => id)];
  return { ...event, data: { ...data, approvers, holders: [...(data.holders ?? []), ...holders] } };
}

function stateOf(story: RecordedIncident, count = story.events.length): IncidentState {
  return fold(story.state.id, story.events.slice(0, count).map(askedOf), story.plans);
}

function names(who: string): string {
  const person = roster.people.find(({ id }) => id === who);
  return person === undefined ? who : `<@${person.slack[0]}>`;
}

function shown(story: RecordedIncident, count: number, system: System): string {
  const state = stateOf(story, count);
  const now = story.events[count - 1]?.at ?? story.now;
  const later = new Date(now.getTime() + 3_600_000);
  const views = [now, later].map((at) => renderIncident(state, { ...around(story), now: at, system, names }));
  return JSON.stringify([views, roleForm(state.id, system)]);
}

/** Every one of them in what is said; a mention, a name and an id alike. */
function goneIn(said: string): readonly string[] {
  return gone.flatMap(({ id, name, slack }) => [id, name, ...slack].filter((word) => said.includes(word)));
}

const stories = Object.entries(scenarios);

describe("someone whose Slack account is deactivated", () => {
  test.each(stories)("%s: is named in no message, invited nowhere, and written to by no one", (_, tell) => {
    const story = tell();
    const counts = story.events.map((_event, n) => n + 1);
    const found = counts.map((count) => goneIn(shown(story, count, withoutAccounts(roster, accounts))));
    expect(found.flat()).toEqual([]);
  });

  test("is named while the account is active: by a card, as a mention, a direct message and an invitation", () => {
    const said = goneIn(stories.map(([, tell]) => shown(tell(), tell().events.length, roster)).join());
    for (const { id, slack } of gone) expect(said).toEqual(expect.arrayContaining([id, ...slack]));
  });

  test.each(stories)("%s: is named by no refusal", (_, tell) => {
    const story = tell();
    const state = stateOf(story);
    const refusals = refused(state, story.now, accounts);
    expect(refusals.filter((says) => goneIn(says).length > 0)).toEqual([]);
    expect(refusals.filter((says) => /undefined|nobody/.test(says))).toEqual([]);
  });

  test("would be named by refusals if the account were active", () => {
    const said = stories.flatMap(([, tell]) => refused(stateOf(tell()), tell().now, new Set())).join();
    for (const { name } of gone) expect(said).toContain(name);
  });
});

/** What everyone is answered who may not do what they want, in every word of the domain that takes an approval or a role. */
function refused(state: IncidentState, now: Date, unreachable: ReadonlySet<string>): readonly string[] {
  return roster.people
    .filter(({ id }) => !id.startsWith("gone-"))
    .flatMap(({ id, name, slack }) =>
      commandsFor(state).flatMap((command) => {
        const actor = { kind: "person", person: id, slackUser: slack[0] ?? null, name, door: "slack" } as const;
        const context = { now, actor, blocked: null, system: roster, unreachable, provedAfresh: true, key: "k" };
        const outcome = worded(decide(command, state, context));
        return outcome.kind === "refused" ? [JSON.stringify(outcome.problem)] : [];
      }),
    );
}

function commandsFor(state: IncidentState): readonly IncidentCommand[] {
  const update = { update: "u", template: "t", audience: "customers", moment: "update", channels: ["email"] };
  const words = { fields: {}, email: null, page: null, slack: null };
  return [
    ...orders.roles.map(({ id }): IncidentCommand => ({ type: "assignRole", role: id, person: "cleo", note: null })),
    { type: "postUpdate", update: { ...update, ...words } as never },
    ...[...state.runs.values()].flatMap(({ id: run, steps }): IncidentCommand[] => [
      { type: "resume", run },
      { type: "abort", run, reason: "a mistake" },
      ...[...steps.values()].flatMap(({ step, ...at }): IncidentCommand[] => {
        if (at.status !== "gate")
          return [
            { type: "skipStep", run, step: step.id, reason: "done" },
            { type: "confirmStep", run, step: step.id, note: null },
            { type: "retryStep", run, step: step.id },
          ];
        const { ask } = at.gate;
        return [
          { type: "approve", run, ask },
          { type: "deny", run, ask, reason: "no" },
          { type: "question", run, ask, text: "why" },
          { type: "escalate", run, ask, why: null },
          { type: "breakGlass", run, ask, reason: "silence" },
          { type: "confirmBreak", run, ask },
        ];
      }),
    ]),
  ];
}
