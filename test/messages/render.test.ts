import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { toCalendar } from "../../src/catalog/calendar.ts";
import type { System } from "../../src/catalog/types.ts";
import { watchedNow } from "../../src/incident/probation.ts";
import type { OccasionNow } from "../../templates/messages/incident/calendar.ts";
import { renderHome } from "../../templates/messages/incident/home.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import * as scenarios from "../support/incident-states.ts";
import { orders } from "../support/orders-system.ts";
import { keepPages, printBlocks, printView } from "../support/printed-page.ts";
import * as moves from "../support/probation-states.ts";
import type { RecordedIncident } from "../support/recorded-incident.ts";
import { around } from "../support/surroundings.ts";

const expectPage = keepPages(dirname(fileURLToPath(import.meta.url)));

const pages: Record<string, () => RecordedIncident> = {
  "a-declared": scenarios.declared,
  "b-requested": scenarios.requested,
  "c-asked": scenarios.asked,
  "d-escalated": scenarios.escalated,
  "e-approved": scenarios.approved,
  "f-failed": scenarios.failed,
  "g-by-hand": scenarios.byHand,
  "h-verified": scenarios.verified,
  "i-resolved": scenarios.resolved,
  "j-aborted": scenarios.aborted,
  "k-denied": scenarios.denied,
  "l-denied-and-asked-again": scenarios.deniedAndAskedAgain,
  "m-planned-but-dead": scenarios.plannedButDead,
  "n-drill-dry-run": scenarios.drillDryRun,
  "o-stuck-and-paused": scenarios.stuckAndPaused,
  "q-asked-back-and-delegated": scenarios.askedBack,
  "r-break-glass-requested": scenarios.breakGlassRequested,
  "s-break-glass-used": scenarios.breakGlassUsed,
  "t-break-glass-reviewed": scenarios.breakGlassReviewed,
  "u-triage-looks": scenarios.triageLooks,
  "v-triage-asks": scenarios.triageAsks,
  "w-triage-proposes": scenarios.triageProposes,
  "x-branches": scenarios.parallelBranches,
  "y-late": scenarios.late,
  "z-updates-sent": scenarios.updatesSent,
  "probation-healthy": moves.watchedHealthy,
  "probation-unhealthy": moves.watchedUnhealthy,
  "probation-over": moves.probationOver,
  "probation-committed": moves.committed,
};

describe("everything Slack shows of an incident", () => {
  for (const [name, tell] of Object.entries(pages)) {
    test(name, () => {
      const story = tell();
      expectPage(`${name}.out`, printView(renderIncident(story.state, around(story))));
    });
  }

  test.each(Object.entries(pages))("says UTC beside one moment of a card at most: %s", (_, tell) => {
    const story = tell();
    const found = renderIncident(story.state, around(story)).messages.flatMap(({ key, message }) => {
      const beside = JSON.stringify(message.blocks).match(/> \(\d\d:\d\d(?::\d\d)? UTC\)/g) ?? [];
      return beside.length > 1 ? [`${key}: ${beside.join(" ")}`] : [];
    });
    expect(found).toEqual([]);
  });

  test.each([scenarios.verified, moves.watchedHealthy, moves.watchedUnhealthy, moves.committed])(
    "a card offers to resolve exactly where that isn't refused: $name",
    (tell) => {
      const story = tell();
      const { messages } = renderIncident(story.state, around(story));
      const offers = messages.filter(({ message }) => JSON.stringify(message.blocks).includes('"incident.resolve'));
      const watched = watchedNow(story.state).length > 0;
      expect(offers.map(({ key }) => key.split(":")[0])).toEqual(watched ? [] : ["card", "result"]);
    },
  );

  test("before its channel exists and in the practice workspace it says both", () => {
    const story = scenarios.declared();
    const view = renderIncident(story.state, around(story, { channel: null, practice: true }));
    expectPage("p-practice-without-channel.out", printView(view));
  });

  test("the same state, surroundings and time draw the same view", () => {
    const [one, other] = [scenarios.verified(), scenarios.verified()];
    expect(renderIncident(one.state, around(one))).toEqual(renderIncident(other.state, around(other)));
  });

  test("an incident no one declared shows nothing", () => {
    const story = scenarios.declared();
    const blank = { ...story.state, declared: null };
    expect(renderIncident(blank, around(story))).toEqual({ channel: null, messages: [], redrawAt: null });
  });
});

describe("a run that is over", () => {
  const over = Object.entries(pages).flatMap(([name, tell]) =>
    [...tell().state.runs.values()].some(({ endedAt }) => endedAt !== null) ? [[name, tell] as const] : [],
  );

  test.each(over)("%s: nothing of it is pending, and nothing of it lags behind its result", (_, tell) => {
    const story = tell();
    const { messages } = renderIncident(story.state, around(story));
    for (const { id, endedAt } of story.state.runs.values()) {
      if (endedAt === null) continue;
      const own = messages.filter(({ key, under }) => under === `run:${id}` || key === `run:${id}`);
      expect(own.map(({ key }) => key)).toContain(`result:${id}`);
      for (const { priority, message } of own) {
        expect(priority).toBe(0);
        expect(JSON.stringify(message)).not.toMatch(/pending|waits (its turn|for)/);
      }
    }
  });
});

describe("a server that could not be fenced", () => {
  const shown = (story: RecordedIncident) => {
    const { messages } = renderIncident(story.state, around(story));
    return new Map(messages.map(({ key, message }) => [key, message]));
  };
  const LINE = "NOT FENCED: orders-a";

  test("stands on the preflight, the decision and its confirmation, which the approval accepts", () => {
    const all = shown(scenarios.askedUnfenced());
    const card = all.get("gate:ask-first");
    expect(card?.text).toContain(`⚠️ ${LINE}. If it comes back, two servers take writes. You accept this by approving.`);
    expect(JSON.stringify(card?.blocks)).toContain(`*${LINE}.*`);
    // In preflight it is known that it does not answer: no later step "does it".
    expect(JSON.stringify(card?.blocks)).not.toContain("Fencing:");
    expect(JSON.stringify(card?.blocks)).toMatch(/"text":"⚠ NOT FENCED: orders-a\. You accept this by approving\./);
    expect(JSON.stringify(all.get("preflight:run-4hx8w2pd")?.blocks)).toContain(LINE);
  });

  test("is accepted by no one who reads of it after the decision", () => {
    const story = scenarios
      .askedUnfenced()
      .ask("vera", { type: "approve", run: "run-4hx8w2pd", ask: "ask-first" })
      .engine({ type: "gate.passed", data: { step: "go", ask: "ask-first", people: ["vera"] } })
      .engine({ type: "step.started", data: { step: "fence", attempt: 1, epoch: "1" } });
    const { text } = shown(story).get("preflight:run-4hx8w2pd") ?? {};
    expect(text).toContain(LINE);
    expect(text).not.toContain("You accept this by approving");
  });

  test("stands on the outcome of the question, the result, and the status, with who accepted it", () => {
    const all = shown(scenarios.wentOnUnfenced());
    for (const key of ["gate:ask-first", "result:run-4hx8w2pd", "card"])
      expect([key, JSON.stringify(all.get(key)?.blocks)]).toEqual([
        key,
        expect.stringContaining(`*${LINE}.* If it comes back, two servers take writes. Accepted by <@U0VERA>.`),
      ]);
    expect(all.get("result:run-4hx8w2pd")?.text).toContain(LINE);
  });
});

describe("a run that did not begin", () => {
  const resultOf = (story: RecordedIncident) => {
    const { messages } = renderIncident(story.state, around(story));
    const found = messages.find(({ key }) => key === "result:run-4hx8w2pd")?.message;
    if (!found) throw new Error("There is no result.");
    return { text: found.text, blocks: JSON.stringify(found.blocks) };
  };

  test("says one cause once and one way on: what the runbook asks for beforehand is none when the primary is dead", () => {
    const { text, blocks } = resultOf(scenarios.plannedButDead());
    expect(blocks.match(/does not answer/g)).toHaveLength(1);
    expect(blocks.match(/\*Next:\*/g)).toHaveLength(1);
    expect(blocks).toContain("/dr unplanned run-4hx8w2pd");
    expect(`${text}${blocks}`).not.toMatch(/restore database|fenced/);
  });

  test("does not offer a mode its runbook does not have", () => {
    const { blocks } = resultOf(scenarios.onlyPlannedAndDead());
    expect(blocks).not.toContain("unplanned");
    expect(blocks.match(/\*Next:\*/g)).toHaveLength(1);
  });

  test("a dry run says its warnings and its loss, and the line that runs it for real", () => {
    const { text, blocks } = resultOf(scenarios.dryRunWarned());
    for (const said of [text, blocks]) {
      expect(said).toContain("ready to run, with 2 warnings");
      expect(said).toContain("disk is 91 % full");
      expect(said).toContain("Data loss: about 3 s of writes");
      expect(said).toContain("Run it for real: `/dr runbook orders/database-failover --unplanned`");
    }
  });
});

describe("one key is one message for ever", () => {
  for (const [name, tell] of Object.entries(pages)) {
    test(`${name}: keys and buttons are unique, roots are there, and what was shown stays shown`, () => {
      const story = tell();
      const { messages } = renderIncident(story.state, around(story));
      const keys = messages.map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
      for (const { under } of messages) if (under !== null) expect(keys).toContain(under);
      for (const { message } of messages) {
        const ids = message.blocks.flatMap((block) =>
          block.type === "actions" ? (block.elements as { action_id: string }[]).map(({ action_id }) => action_id) : [],
        );
        expect(new Set(ids).size).toBe(ids.length);
      }
    });
  }

  test("no message of an earlier moment vanishes with its buttons still on it", () => {
    const moments = [
      scenarios.asked,
      scenarios.escalated,
      scenarios.approved,
      scenarios.failed,
      scenarios.byHand,
      scenarios.verified,
    ];
    const drawn = moments.map((tell) => {
      const story = tell();
      return renderIncident(story.state, around(story)).messages;
    });
    for (let n = 1; n < drawn.length; n++) {
      const later = new Set(drawn[n]?.map(({ key }) => key));
      const withButtons = drawn[n - 1]?.filter(({ message }) => message.blocks.some(({ type }) => type === "actions"));
      for (const { key } of withButtons ?? []) expect([...later]).toContain(key);
    }
  });

  test("what is over ends with what is to be ticked off: of a drill, and of an incident where a list is for those", () => {
    const calendar = toCalendar({
      quarter: {
        ...{ title: "Quarterly drill", runbook: "database-failover", mode: "unplanned", kind: "drill" },
        ...{ schedule: "quarterly", timezone: "UTC", takes: 3600, tells: [], unannounced: false },
        ...{ checklist: "before", afterwards: "after" },
      },
    });
    const checklists = [
      { id: "before", title: "Before it", items: ["Everybody knows"] },
      { id: "after", title: "After it", items: ["The RTO was met", "There is a <standby> again"] },
      { id: "learn", title: "After an incident", items: ["The post-mortem has a date"], afterIncidents: true as const },
    ];
    const end = (story: RecordedIncident, kind: "real" | "drill") => {
      const runs = [...story.state.runs].map(([id, run]) => [id, { ...run, plan: { ...run.plan, kind } }] as const);
      const state = { ...story.state, runs: new Map(runs) };
      const { messages } = renderIncident(state, around(story, { system: { ...orders, calendar, checklists } }));
      return printBlocks(messages.find(({ key }) => key.startsWith("result:"))?.message.blocks ?? []);
    };
    expect(end(scenarios.verified(), "drill")).toMatch(
      /\*After it\*\n\s+☐ The RTO was met\n\s+☐ There is a &lt;standby&gt; again/,
    );
    expect(end(scenarios.verified(), "drill")).not.toContain("Before it");
    expect(end(scenarios.verified(), "drill")).not.toContain("After an incident");
    expect(end(scenarios.verified(), "real")).not.toContain("After it");
    expect(end(scenarios.verified(), "real")).toMatch(/\*After an incident\*\n\s+☐ The post-mortem has a date/);
  });

  test("who was asked and has lost the role since is told so in the letter they have, and by its outcome in the end", () => {
    const moved: System = {
      ...orders,
      people: orders.people.map((one) => (one.id === "bo" ? { ...one, roles: [], slack: ["U0BONEW"] } : one)),
    };
    const gone: System = { ...orders, people: orders.people.filter(({ id }) => id !== "bo") };
    for (const system of [moved, gone]) {
      const letter = (story: RecordedIncident) =>
        renderIncident(story.state, around(story, { system })).messages.find(
          ({ key }) => key === "gate:ask-first:to:bo",
        );
      expect(letter(scenarios.asked())).toMatchObject({ in: { person: "U0BO" } });
      expect(letter(scenarios.asked())?.message.text).toContain("no longer hold a role that decides this");
      expect(letter(scenarios.asked())?.message.blocks.filter(({ type }) => type === "actions")).toEqual([]);
      expect(letter(scenarios.approved())?.message.text).toContain("pproved by");
    }
  });

  test("when a run is over, nothing of it can be pressed but what comes next", () => {
    for (const tell of [scenarios.verified, scenarios.aborted]) {
      const story = tell();
      const verbs = renderIncident(story.state, around(story))
        .messages.filter(({ key }) => key !== "card" && key !== "roles")
        .flatMap(({ message }) => message.blocks)
        .flatMap((block) => (block.type === "actions" ? (block.elements as { action_id: string }[]) : []))
        .map(({ action_id }) => action_id);
      const over = ["incident.resolve", "postmortem", "run.details:run"];
      expect(verbs.filter((verb) => !over.includes(verb))).toEqual([]);
    }
  });
});

describe("the Home tab", () => {
  const home = (person: string | null, story: RecordedIncident) =>
    renderHome({
      slackUser: "U0",
      personIn: new Map(person ? [["orders", person]] : []),
      systems: [orders],
      incidents: [{ state: story.state, channel: "C0INC7K2M" }],
      now: story.now,
      practice: false,
      names: (who) => who,
    });

  test("of someone who may decide", () => expectPage("home-vera.out", printBlocks(home("vera", scenarios.asked()))));
  test("of the requester of the run", () => expectPage("home-ana.out", printBlocks(home("ana", scenarios.asked()))));
  test("of someone a role is delegated to", () =>
    expectPage("home-cleo.out", printBlocks(home("cleo", scenarios.askedBack()))));
  test("of someone who may review a break-glass, and of one who may not", () => {
    expectPage("home-vera-break-glass.out", printBlocks(home("vera", scenarios.breakGlassUsed())));
    expect(printBlocks(home("bo", scenarios.breakGlassUsed()))).not.toContain("waits for a review");
  });
  test("with what is practised next, and what is overdue", () => {
    const story = scenarios.declared();
    const one = {
      system: "Orders",
      title: "Fail over & back",
      kind: "drill",
      hidden: false,
      line: "/dr failover database --drill",
      ...{
        entry: "orders/region",
        id: "region",
        postponed: false,
        isStarted: false,
        startsItself: false,
        missed: null,
      },
      year: { done: 1, missed: 0 },
    } as const;
    const at = (iso: string) => new Date(iso);
    const occasions: readonly OccasionNow[] = [
      {
        ...one,
        nextAt: at("2026-12-02T10:00:00Z"),
        overdueSince: at("2026-11-04T10:00:00Z"),
        last: { run: "run-1", at: at("2026-10-07T11:00:00Z") },
      },
      {
        ...one,
        title: "Look",
        kind: "verification",
        nextAt: at("2026-11-22T06:00:00Z"),
        overdueSince: null,
        last: null,
      },
      { ...one, title: "Leave the region", hidden: true, nextAt: null, overdueSince: null, last: null },
    ];
    const drawn = renderHome({
      ...{ slackUser: "U0", personIn: new Map([["orders", "ana"]]), systems: [orders], incidents: [], occasions },
      ...{ now: story.now, practice: false, names: (who: string) => who },
    });
    expectPage("home-drills.out", printBlocks(drawn));
  });
  test("of a stranger", () => expectPage("home-stranger.out", printBlocks(home(null, scenarios.asked()))));
});
