import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { actions, cards } from "../../src/actions/index.ts";
import type { Observations } from "../../src/catalog/binding.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { Mode } from "../../src/catalog/types.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { type PersonNote, type ProveParts, prove, type UnfilledRole } from "../../src/readiness/prove.ts";
import { quiet } from "../support/postgres.ts";

/** Given where Lifeboat itself runs; when the runbook that leaves a site is proven; then it's said whether Lifeboat would be left behind. */
const { catalog } = loadCatalog(join(projectRoot(), "templates", "systems"), cards);
const AT_HOME: Observations = new Map([
  [
    "database",
    new Map([
      ["orders-a", { state: "active", cluster: "7", says: "orders-a takes writes" }],
      ["orders-b", { state: "standby", cluster: "7", says: "orders-b follows" }],
    ]),
  ],
]);

async function findings(
  ownSites: readonly string[],
  mode: Mode = "unplanned",
  unfilled: readonly UnfilledRole[] = [],
  notes: readonly PersonNote[] = [],
) {
  const runbook = catalog.runbooks.find(({ system, leavesSite }) => system === "practice" && leavesSite);
  if (runbook === undefined) throw new Error("Practice leaves no site");
  const values = new Map<string, string | number>([
    ...([
      ["aPort", 1],
      ["bPort", 2],
    ] as const),
    ...(["appUrl", "hostsUrl"] as const).map((name) => [name, "http://127.0.0.1:1"] as const),
  ]);
  const parts: ProveParts = {
    ...{ catalog, cards, ownSites, variables: new Map([["practice", values]]), lookAt: async () => AT_HOME },
    people: async () => ({ unfilled, notes }),
    around: {
      ...{ actions, log: quiet, practice: true, secret: () => "secret", drillLimits: () => null, observeSeconds: 5 },
    },
  };
  const proof = await prove(parts, runbook, mode, new Date(), new AbortController().signal);
  expect(proof.way).toEqual({ from: "region A", to: "region B" });
  return proof.findings.filter(({ code }) => code === "own-site" || /^(seat|person)\./.test(code));
}

describe("Lifeboat in the site that is left", () => {
  test("is a reason where it's the only one", async () => {
    expect(await findings(["practice-a"])).toEqual([
      { code: "own-site", step: null, says: expect.stringMatching(/^With region A gone Lifeboat is gone, too/) },
    ]);
  });

  test.each([
    ["another one is elsewhere", ["practice-a", "practice-b"], "unplanned"],
    ["it's the one gone to", ["practice-b"], "unplanned"],
    ["nobody said where it runs", [], "unplanned"],
    ["the site is there to be left", ["practice-a"], "planned"],
  ] as const)("is none where %s", async (_, sites, mode) => expect(await findings(sites, mode)).toEqual([]));
});

describe("a role that decides", () => {
  const role = (id: string, problems: readonly string[]): UnfilledRole => ({
    ...{ role: id, title: "VP Engineering", needed: 1, can: 0, problems },
  });

  test("which too few can fill is a reason, by name", async () => {
    const left = role("vp-engineering", ["Vera Lindqvist: left"]);
    expect(await findings([], "planned", [left])).toEqual([
      {
        code: "seat.vp-engineering",
        step: null,
        says: "VP Engineering: 0 of 1 needed can approve (Vera Lindqvist: left)",
      },
    ]);
    const [empty] = await findings([], "planned", [role("vp-engineering", [])]);
    expect(empty?.says).toBe("VP Engineering: 0 of 1 needed can approve; no one holds the role");
  });

  test("and is filled without one of them is no reason; who that is stands beside it, by name", async () => {
    const away = {
      person: "dee",
      roles: ["vp-engineering"],
      about: "reach",
      says: "Dee Park can't approve: left",
    } as const;
    const idle = { person: "sam", roles: ["nobody-asks"], about: "drills", says: "Sam took part in 0 of 2" } as const;
    expect(await findings([], "planned", [], [away, idle])).toEqual([
      { code: "person.reach.dee", step: null, says: "Dee Park can't approve: left" },
    ]);
  });

  test("is none where this runbook asks it nowhere", async () => {
    expect(await findings([], "planned", [role("comms-lead", ["Cass Moreau: left"])])).toEqual([]);
  });
});
