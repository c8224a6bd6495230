import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Plan, System } from "../../src/catalog/types.ts";
import type { LogEvent } from "../../src/incident/evolve.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { draftPostmortem } from "../../src/report/postmortem.ts";
import { templateFor } from "../../src/report/templates.ts";
import { faultsIn } from "../support/html-syntax.ts";
import * as scenarios from "../support/incident-states.ts";
import { orders } from "../support/orders-system.ts";
import type { RecordedIncident } from "../support/recorded-incident.ts";
import * as stories from "../support/report-stories.ts";

const systems = join(projectRoot(), "templates", "systems");
const templates = ["none", "marimo-erp", "sav3"].map((system) => templateFor(systems, system).source);
const zones = ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"];
const tellers = Object.values({ ...scenarios, ...stories }).filter(
  (tell): tell is () => RecordedIncident => typeof tell === "function" && tell !== (stories.rejoinStages as unknown),
);

interface Timeline {
  readonly id: string;
  readonly events: readonly LogEvent[];
  readonly plans: ReadonlyMap<string, Plan>;
}

const told: readonly Timeline[] = tellers.map((tell) => {
  const { state, events, plans } = tell();
  return { id: state.id, events, plans };
});

/** What 0.1 wrote in practice. */
const kept: readonly Timeline[] = JSON.parse(
  readFileSync(join(projectRoot(), "test/incident/fixtures/timelines-0.1.json"), "utf8"),
  (key, value) => (key === "at" && typeof value === "string" ? new Date(value) : value),
).map(
  ({ stream, events, plans }: { stream: string; events: LogEvent[]; plans: { planHash: string; plan: Plan }[] }) => ({
    ...{ id: stream, events, plans: new Map(plans.map(({ planHash, plan }) => [planHash, plan])) },
  }),
);

/** People as the practice workspace and the orders' shop know them. Who is on neither is told as someone. */
function names(who: string): string {
  return orders.people.find(({ id }) => id === who)?.name ?? (/^[a-z]+$/.test(who) ? `Person ${who.length}` : who);
}

function holdsUp({ id, events, plans }: Timeline, system: System, template: string): void {
  const request = { incident: id, events, plans, system, names, practice: false, template };
  const draft = draftPostmortem({ ...request, pictures: true });
  expect(faultsIn(draft.html)).toEqual([]);
  for (const text of [draft.markdown, draft.html, ...draft.pictures.map(({ content }) => content)]) {
    expect(text).not.toMatch(/undefined|NaN|Infinity|\[object|Invalid Date|-\d+(\.\d+)? (s|min|h)\b/);
    for (const { id: person } of system.people)
      expect(text).not.toMatch(new RegExp(`(?<![\\w./-])${person}(?![\\w/-])`));
  }
  expect(draft.pictures.every(({ name }) => draft.markdown.includes(`](${name})`))).toBe(true);
  for (const { content } of draft.pictures)
    for (const [, value] of content.matchAll(/ (?:x|y|width|height|x1|x2)="([^"]*)"/g))
      expect(Number(value)).toBeGreaterThanOrEqual(0);
  expect(draftPostmortem({ ...request, pictures: false }).markdown).not.toMatch(/\.svg/);
}

describe("a report of any timeline", () => {
  test("is rendered at each of its moments, by every template, in any time zone", () => {
    fc.assert(
      fc.property(
        fc.nat(told.length - 1),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(templates.length - 1),
        fc.constantFrom(...zones),
        (one, count, by, timezone) => {
          const timeline = told[one] as Timeline;
          const template = templates[by] as string;
          const events = timeline.events.slice(0, Math.min(count, timeline.events.length));
          holdsUp({ ...timeline, events }, { ...orders, timezone }, template);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("is rendered of each whole story", () => {
    for (const timeline of told) holdsUp(timeline, orders, templates[0] ?? "");
  });

  test.each(kept.map((one) => [one.plans.values().next().value?.title ?? one.id, one] as const))(
    "is rendered of what 0.1 wrote: %s",
    (_, timeline) => {
      for (const template of templates) holdsUp(timeline, orders, template);
    },
  );
});
