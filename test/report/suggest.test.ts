import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import type { Event } from "../../src/incident/events.ts";
import type { Known } from "../../src/report/known.ts";
import { RULES, suggestionsOf } from "../../src/report/suggest.ts";
import { whenOf } from "../../src/report/when.ts";
import * as scenarios from "../support/incident-states.ts";
import { failover, orders } from "../support/orders-system.ts";
import { keepPages } from "../support/printed-page.ts";
import { RecordedIncident } from "../support/recorded-incident.ts";
import * as stories from "../support/report-stories.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));

function knownOf({ state, events }: RecordedIncident, overdue: readonly string[] = []): Known {
  const names = (who: string) => orders.people.find(({ id }) => id === who)?.name ?? who;
  const runs = [...state.runs.values()].filter(({ dryRun }) => !dryRun);
  return { state, events, system: orders, names, when: whenOf(orders), day: "2026-11-21", runs, overdue };
}

const after = (story: RecordedIncident, event: Event, run: string | null = "run-4hx8w2pd") => story.engine(event, run);
const lost = (rpo: { seconds: number | null; rows: number | null }) => {
  const story = scenarios.approved();
  story.engine({ type: "step.started", data: { step: "promote", attempt: 1, epoch: "1" } });
  const measured = { subject: "orders", method: "heartbeat table at promotion", ...rpo };
  const data = { step: "promote", attempt: 1, says: "It takes writes.", facts: [], rpo: measured, seconds: 9 };
  return story.engine({ type: "step.verified", data });
};

/** With one more event on its log, where the items are read. */
function withEvent(story: RecordedIncident, event: Event, run: string | null): Known {
  const known = knownOf(story);
  const more = { version: known.events.length + 1, key: "more", run, actor: { kind: "bot" }, at: story.now } as const;
  return { ...known, events: [...known.events, { ...event, ...more }] };
}

/** A story for every fact: it is a fact there, and the item follows from it. */
const TOLD: Readonly<Record<string, () => Known>> = {
  "split-brain": () => {
    const data = { step: "promote", says: "orders-a and orders-b both take writes.", next: "Fence orders-a." };
    return withEvent(scenarios.verified(), { type: "split-brain.seen", data }, "run-4hx8w2pd");
  },
  "not-fenced": () => knownOf(scenarios.wentOnUnfenced()),
  "no-standby": () => knownOf(scenarios.verified()),
  "left-half-way": () => knownOf(scenarios.aborted()),
  "review-open": () => knownOf(scenarios.breakGlassUsed()),
  "break-glass": () => knownOf(scenarios.breakGlassReviewed()),
  "rto-missed": () => knownOf(stories.drill()),
  "rpo-missed": () => knownOf(lost({ seconds: 95, rows: 212 })),
  "loss-unknown": () => knownOf(lost({ seconds: null, rows: null })),
  "no-answer": () => {
    const story = scenarios.escalated().after(900);
    return knownOf(after(story, { type: "gate.expired", data: { step: "go", ask: "ask-first" } }));
  },
  "page-failed": () => {
    const problem = { code: "x", what: "PagerDuty answered 503" };
    const data = { page: "p", ask: null, role: "dba", problem };
    return knownOf(after(scenarios.asked(), { type: "page.failed", data }, null));
  },
  "step-failed": () => knownOf(scenarios.verified()),
  stuck: () => knownOf(scenarios.stuckAndPaused()),
  "step-skipped": () => knownOf(stories.deniedAndAskedAgain()),
  "stage-late": () => knownOf(scenarios.late()),
  "told-late": () => knownOf(stories.unplannedWithLoss()),
  "not-delivered": () => {
    const data = { update: "u", via: "email", says: "550 no such mailbox" } as const;
    return withEvent(scenarios.declared(), { type: "update.undelivered", data }, null);
  },
  "impact-unknown": () => {
    const more = { system: "orders", severity: "P1", kind: "real", impactStartedAt: null, announceIn: null } as const;
    return knownOf(new RecordedIncident(orders).ask("ana", { type: "declare", title: "Orders are slow", ...more }));
  },
  afterwards: () => {
    const { events, plans } = scenarios.verified();
    const said = { ...failover, afterwards: ["Tell the payment provider that Frankfurt is back: `/dr runbook tell`"] };
    const story = scenarios.verified();
    for (const hash of plans.keys()) story.plans.set(hash, said);
    const runs = [...story.state.runs.values()].map((run) => ({ ...run, plan: said }));
    return { ...knownOf(story), events, runs };
  },
  "drill-overdue": () => knownOf(stories.planned(), ["Quarterly failover of the database"]),
};

describe("what is to be done, from facts", () => {
  test("every fact has a story, and the item that follows from it can be read", () => {
    expect(Object.keys(TOLD)).toEqual(RULES.map(({ id }) => id));
    const told = RULES.map((rule) => {
      const known = TOLD[rule.id]?.();
      const items = known === undefined ? [] : rule.of(known);
      expect(items.length).toBeGreaterThan(0);
      const lines = items.map(({ what, why, event }) => `  - ${what}\n    ${why}${event === null ? "" : ` #${event}`}`);
      return `${rule.id}: ${rule.fact}\n${lines.join("\n")}`;
    });
    expectPage("suggest.out", `${told.join("\n\n")}\n`);
  });

  test("each names an event there is", () => {
    for (const tell of Object.values(TOLD)) {
      const known = tell();
      const versions = new Set(known.events.map(({ version }) => version));
      for (const { event } of suggestionsOf(known)) if (event !== null) expect(versions).toContain(event);
    }
  });

  test("where all went well there is nothing to do", () => {
    expect(suggestionsOf(knownOf(stories.planned()))).toEqual([]);
  });

  test("a standby that was rebuilt later in the same incident is one", () => {
    const rejoin = {
      ...failover,
      title: "Rejoin the old primary",
      resources: ["postgres:10.0.0.5:5432/old"],
      stages: stories.rejoinStages(),
    };
    const story = scenarios.verified().request("bo", rejoin, { run: "run-rejoin00" });
    const run = "run-rejoin00";
    const promoted = () => suggestionsOf(knownOf(story)).filter(({ what }) => what.startsWith("Rebuild a standby"));
    expect(promoted()).toHaveLength(1);
    story.engine({ type: "step.started", data: { step: "rejoin", attempt: 1, epoch: "1" } }, run).after(40);
    const data = { step: "rejoin", attempt: 1, says: "It streams.", facts: [], rpo: null, seconds: 40 };
    story.engine({ type: "step.verified", data }, run);
    expect(promoted()).toEqual([]);
  });
});
