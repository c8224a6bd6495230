import { describe, expect, test } from "@jest/globals";
import { calendarStream } from "../../src/calendar/events.ts";
import { readCalendar } from "../../src/calendar/read.ts";
import type { Occasion, Runbook, System } from "../../src/catalog/types.ts";
import { planOfOccasion } from "../../src/command/execute/look-and-plan.ts";
import { startOccasion } from "../../src/command/execute/start-occasion.ts";
import type { Store } from "../../src/timeline/index.ts";
import { storeForEach } from "../support/store-for-each.ts";
import { TestApp } from "../support/test-app.ts";

/** What is tried by way of an approval that is given ahead: by whom, for which plan, and of what. */
let store: Store;
let app: TestApp;

storeForEach((fresh) => {
  store = fresh;
  app = new TestApp(store);
  use({});
});

/** A reference, as it stands in a runbook. */
const ACTIVE = "\u0024{database.active}";
const runbook = (stepUp = false, action = "postgres.dump", extra: object = {}): Runbook =>
  ({
    ...{ id: "dump", system: "practice", title: "Dump the orders", summary: "A dump.", starts: null, component: null },
    ...{ modes: ["planned"], rtoSeconds: null, rpoSeconds: null, changes: "one more dump", maintenance: true },
    ...{ beforehand: [], afterwards: [] },
    stages: [
      {
        ...{ path: [], id: "decide", title: "Decide", parallel: false },
        steps: [
          {
            ...{ path: [], id: "approve", title: "Dump?", mode: null, when: null },
            does: {
              kind: "gate",
              gate: { role: "incident-commander", quorum: 1, expiresSeconds: 1800, escalate: [], stepUp },
            },
          },
          {
            ...{ path: [], id: "dump", title: "Dump", mode: null, when: null },
            does: {
              kind: "action",
              action,
              retries: 0,
              with: { node: ACTIVE, folder: "/tmp", ...extra },
            },
          },
        ],
      },
    ],
  }) as unknown as Runbook;

/** The calendar has one entry, which runs this. */
function use(more: Partial<Occasion>, book = runbook()): void {
  const { catalog } = app.context;
  const [system] = catalog.systems as [System];
  const nightly: Occasion = {
    ...{ id: "nightly", title: "Nightly dump", runbook: "dump", mode: null, kind: "backup", organiser: "responder" },
    ...{ schedule: "0 2 * * *", cron: "0 2 * * *", timezone: "UTC", takesSeconds: 7200, tells: [], audiences: [] },
    ...{ unannounced: false, environment: null, checklist: null, afterwards: null },
    ...{ approvedAhead: { expiresSeconds: 30 * 86_400 }, ...more },
  };
  const runbooks = [...catalog.runbooks.filter(({ id }) => id !== "dump"), book];
  Object.assign(app.context, { catalog: { runbooks, systems: [{ ...system, calendar: [nightly] }] } });
}

const system = () => app.context.catalog.systems[0] as System;
const entry = () => system().calendar?.[0] as Occasion;
const approvals = async () =>
  (await readCalendar(store.timeline, "practice")).occasions.get("nightly")?.ahead.approvals;
const said = async (person: string, line: string) => {
  const reply = await app.ask(person, line);
  return "message" in reply ? reply.message.text : "";
};
const hashShown = async (person = "sam") =>
  /calendar approve practice\/nightly ([0-9a-f]{12})/.exec(await said(person, "calendar approve nightly"))?.[1] ?? "";

describe("an approval that is given ahead", () => {
  test("is given for the plan that was shown, and for no other", async () => {
    const hash = await hashShown();
    expect(hash).not.toBe("");
    expect(await said("sam", "calendar approve nightly 0123456789ab")).toContain("no longer the one you were shown");
    expect(await said("sam", "calendar approve nightly 0")).toContain("no longer the one you were shown");
    use({}, runbook(false, "postgres.dump", { label: "other" }));
    expect(await said("sam", `calendar approve nightly ${hash}`)).toContain("no longer the one you were shown");
    expect(await approvals()).toBeUndefined();
  });

  test("is recorded with who gave it, their role, the whole hash and its end", async () => {
    expect(await said("sam", `calendar approve nightly ${await hashShown()}`)).toContain("Approved ahead");
    const [event] = await store.timeline.read(calendarStream("practice"));
    expect(event).toMatchObject({
      ...{ type: "occasion.approved", actor: { kind: "person", person: "sam-okafor" } },
      data: {
        ...{ person: "sam-okafor", role: "incident-commander", proved: false, vouchedBy: null },
        planHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
  });

  test.each([
    ["who holds no role of its gate", "cass", "You don't decide this approval"],
    ["who would be its requester", "alex", "You don't decide this approval"],
  ])("is refused to %s", async (_who, person, says) => {
    expect(await said(person, "calendar approve nightly")).toContain(says);
    expect(await approvals()).toBeUndefined();
  });

  test("is refused to who decides its gate and is the only one who could request it", async () => {
    use({ organiser: "incident-commander" });
    const people = system().people.filter(({ id }) => id !== "dee-park");
    Object.assign(app.context.catalog, { systems: [{ ...system(), people }] });
    expect(await said("sam", "calendar approve nightly")).toContain("You would be its requester");
  });

  test("needs the code its gate asks for, and is refused without one", async () => {
    use({}, runbook(true));
    const hash = await hashShown();
    expect(await said("sam", `calendar approve nightly ${hash}`)).toContain("needs an authenticator code");
    expect(await approvals()).toBeUndefined();
  });

  test.each<[string, Partial<Occasion>, Runbook | undefined]>([
    ["an entry that doesn't offer it", { approvedAhead: undefined } as unknown as Partial<Occasion>, undefined],
    ["a surprise", { unannounced: true, tells: ["incident-commander"] }, undefined],
    ["what restores, whatever the file says", {}, runbook(false, "postgres.restore_dump")],
    ["what fences", {}, runbook(false, "postgres.fence")],
    ["a script", {}, runbook(false, "script.run")],
  ])("is not offered for %s", async (_what, more, book) => {
    use(more, book);
    expect(await said("sam", "calendar approve nightly")).toContain("can't be approved ahead");
    expect(await approvals()).toBeUndefined();
  });

  test("is taken back by who could abort the run, and by no one else", async () => {
    await said("sam", `calendar approve nightly ${await hashShown()}`);
    expect(await said("cass", "calendar revoke nightly")).toContain("You can't take this approval back");
    expect(await approvals()).toHaveLength(1);
    expect(await said("alex", "calendar revoke nightly the disk is swapped")).toContain("No longer approved ahead");
    expect([await approvals(), await said("alex", "calendar revoke nightly")]).toEqual([
      [],
      expect.stringContaining("isn't approved ahead"),
    ]);
  });
});

describe("a start that uses one", () => {
  const start = (planHash: string, person = "sam-okafor") => {
    const given = {
      person,
      role: "incident-commander",
      at: "2026-01-01T00:00:00.000Z",
      until: "2099-01-01T00:00:00.000Z",
    };
    const approvals = [{ ...given, proved: false, vouchedBy: null, version: 1 }];
    const ahead = { occasion: "nightly", planHash, approvals };
    return startOccasion(app.context, async () => null, system(), {
      occasion: entry(),
      key: "key-1",
      postponedBy: null,
      ahead,
    });
  };
  const requested = async () => {
    const [stream] = await store.timeline.streams("inc-", 1);
    const events = await store.timeline.read(stream?.id ?? "");
    return events.find(({ type }) => type === "run.requested")?.data;
  };

  test("says on its own timeline whose approval it is, and is requested by someone else", async () => {
    await said("sam", `calendar approve nightly ${await hashShown()}`);
    expect(await start((await approvals())?.[0]?.planHash ?? "")).toMatchObject({ ok: true });
    expect(await requested()).toMatchObject({
      ...{ requester: "alex-rivera", runbook: "dump" },
      ahead: { occasion: "nightly", approvals: [{ person: "sam-okafor", until: "2099-01-01T00:00:00.000Z" }] },
    });
  });

  test("of another plan uses nothing: people are asked", async () => {
    expect(await start("0".repeat(64))).toMatchObject({ ok: true });
    expect(await requested()).not.toHaveProperty("ahead");
  });

  test("that only who gave it could request is requested in their name: its gate doesn't count them", async () => {
    use({ organiser: "incident-commander" });
    const people = system().people.filter(({ id }) => id !== "dee-park");
    Object.assign(app.context.catalog, { systems: [{ ...system(), people }] });
    const planned = await planOfOccasion(app.context, runbook(), entry());
    expect(await start(planned.ok ? planned.hash : "")).toMatchObject({ ok: true });
    const run = await requested();
    expect(run).toMatchObject({ requester: "sam-okafor", ahead: { approvals: [{ person: "sam-okafor" }] } });
  });
});
