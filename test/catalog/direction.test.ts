// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how a runbook writes references.
import { afterEach, describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { loadCatalog } from "../../src/catalog/load.ts";
import { planRunbook } from "../../src/catalog/plan.ts";
import { type PlanRequest, preparePlan } from "../../src/catalog/prepare.ts";
import type { RoleObservation } from "../../src/catalog/roles.ts";
import type { ActionCard } from "../../src/catalog/types.ts";
import { type Folder, makeFolder, shopSystem, valuesRunbook } from "../support/catalog-folder.ts";
import { cards as known } from "./cards.ts";

const cards = new Map([
  ...known,
  ["roles.check", openCard("postgres.check", "roles.check")] as const,
  ["postgres.fence", openCard("postgres.fence")] as const,
  ["postgres.promote", openCard("postgres.promote")] as const,
]);
const folders: Folder[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

const approve = { id: "approve", title: "Leave ${from.title}?", gate: { role: "incident-commander" } };
const move = {
  title: "Move the store",
  summary: "Moves it to the other site.",
  starts: ["failover database", "failover site"],
  component: "database",
  modes: ["planned", "unplanned"],
  direction: { of: "store" },
  changes: "writes move from ${store.from.name} to ${store.to.name}",
  stages: [
    { id: "decide", title: "Decide", steps: [approve] },
    {
      id: "move",
      title: "Move to ${to.title}",
      steps: [
        { id: "fence", title: "Fence", action: "postgres.fence", with: { node: "${store.from}", peer: "${store.to}" } },
        {
          id: "promote",
          title: "Promote",
          action: "postgres.promote",
          with: { node: "${store.to}", fenceStep: "fence" },
        },
        { id: "home", title: "Only home", towards: "eu-west-1", action: "http.check", with: { url: "${to.url}/home" } },
      ],
    },
  ],
  beforehand: ["Rebuild the other server first."],
};

/** Has no roles of its own: its pods serve where the store is. */
const pods =
  "pods: { title: Pods, kind: kubernetes, follows: store, members: { ie: { site: eu-west-1, with: { host: ie } }, de: { site: eu-central-1, with: { host: de } } } }";

const EAST_HOST = "10.0.0.1";

function request(
  runbook: object,
  a: RoleObservation["state"],
  b: RoleObservation["state"],
  more: Partial<PlanRequest> = {},
  mender: object | null = null,
): PlanRequest {
  const folder = makeFolder({
    ...(mender && { "shop/runbooks/mender.yml": stringify(mender) }),
    "shop/system.yml": shopSystem.replace("cache: { title", `${pods}\n  cache: { title`),
    "shop/runbooks/values.yml": valuesRunbook,
    "shop/runbooks/move.yml": stringify(runbook),
  });
  folders.push(folder);
  const { catalog, problems } = loadCatalog(folder.path, cards);
  expect(problems).toEqual([]);
  const one = (id: string, state: RoleObservation["state"]): [string, RoleObservation] => [
    id,
    { state, says: `${id} is ${state}` },
  ];
  return {
    ...{ catalog, cards, system: "shop", runbook: "move", mode: "unplanned", kind: "real" },
    variables: new Map([
      [
        "shop",
        new Map([
          ["primaryHost", EAST_HOST],
          ["standbyHost", "10.0.0.2"],
        ]),
      ],
    ]),
    seen: new Map([["store", new Map([one("ireland", a), one("frankfurt", b)])]]),
    ...more,
  };
}

function planned(
  runbook: object,
  a: RoleObservation["state"],
  b: RoleObservation["state"],
  more: Partial<PlanRequest> = {},
) {
  const made = planRunbook(request(runbook, a, b, more));
  if (!made.ok) return made.problems.map(({ code, what, next }) => ({ code, what, next }));
  return made.plan;
}

describe("one runbook, both directions", () => {
  test("there: what it changes, its steps and its hash are of this direction", () => {
    const there = planned(move, "active", "standby");
    expect(there).toMatchObject({
      target: "writes move from ireland to frankfurt",
      direction: { from: { id: "eu-west-1" }, to: { id: "eu-central-1", title: "Frankfurt" }, basis: "seen" },
      roles: [{ target: "store", active: "ireland", basis: "seen" }],
    });
    expect(stepIds(there)).toEqual(["approve", "roles-unchanged", "fence", "promote"]);
  });

  test("and back, by the same file", () => {
    const back = planned(move, "standby", "active");
    expect(back).toMatchObject({
      target: "writes move from frankfurt to ireland",
      direction: { to: { id: "eu-west-1" } },
    });
    expect(stepIds(back)).toEqual(["approve", "roles-unchanged", "fence", "promote", "home"]);
    expect(inputOf(back, "promote")).toMatchObject({
      node: { name: "ireland", host: EAST_HOST, passwordFrom: "STORE_PW" },
    });
    expect(inputOf(back, "home")).toEqual({ url: "https://ie.shop.example/home" });
  });

  test("with its side lost the direction is inferred, and the plan says so", () => {
    expect(planned(move, "silent", "standby")).toMatchObject({
      direction: { from: { id: "eu-west-1" }, basis: "inferred", says: "ireland is silent, and frankfurt is standby" },
    });
  });

  test("right before the first change it is looked at again who is active", () => {
    const plan = planned(move, "active", "standby");
    expect(inputOf(plan, "roles-unchanged")).toEqual({
      targets: [
        {
          ...{ target: "store", title: "Orders store", kind: "postgres", active: "ireland", basis: "seen" },
          members: [
            { id: "ireland", site: "eu-west-1", input: { passwordFrom: "STORE_PW", name: "ireland", host: EAST_HOST } },
            {
              id: "frankfurt",
              site: "eu-central-1",
              input: { passwordFrom: "STORE_PW", name: "frankfurt", host: "10.0.0.2" },
            },
          ],
        },
      ],
    });
  });

  test("what people look at before they are asked is before it, and no change", () => {
    const seen = {
      ...{ id: "seen", title: "Seen from two places", action: "human.confirm" },
      with: { instructions: "Look from another network too." },
    };
    const stages = [{ id: "confirm", title: "Confirm", steps: [seen] }, ...move.stages];
    expect(stepIds(planned({ ...move, stages }, "silent", "standby")).slice(0, 4)).toEqual([
      ...["seen", "approve", "roles-unchanged", "fence"],
    ]);
  });

  test("nothing to fail over to: said, with what to do first, before anyone is asked", () => {
    expect(planned(move, "fenced", "active")).toEqual([
      {
        code: "no-standby",
        what: "Active in eu-central-1; no standby is ready (frankfurt is active; not a standby: ireland)",
        next: "Rebuild the other server first.",
      },
    ]);
    expect(planned(move, "active", "active")).toMatchObject([{ code: "split-brain" }]);
    expect(planned(move, "silent", "silent")).toMatchObject([
      { code: "active-unknown", next: "Say which side served last: from=eu-west-1 or from=eu-central-1" },
    ]);
  });

  test("a person says where it comes from; against what is seen they are refused", () => {
    const inputs = (from: string) => ({ inputs: new Map([["from", from]]) });
    expect(planned(move, "active", "standby", inputs("eu-central-1"))).toMatchObject([{ code: "direction-conflict" }]);
    expect(planned(move, "active", "standby", inputs("eu-west-1"))).toMatchObject({
      inputs: [{ name: "from", value: "eu-west-1" }],
    });
    expect(planned(move, "active", "standby", inputs("mars"))).toMatchObject([{ code: "input-wrong" }]);
    const to = { inputs: new Map([["to", "eu-west-1"]]) };
    expect(planned(move, "active", "standby", to)).toMatchObject([{ code: "direction-there" }]);
  });

  test("what has to be looked at is said before: every member, with its values", () => {
    const ask = request(move, "active", "standby");
    const members = [{ id: "ireland", input: { host: EAST_HOST } }, { id: "frankfurt" }];
    expect(preparePlan(ask)).toMatchObject({ ok: true, targets: [{ target: "store", kind: "postgres", members }] });
    expect(preparePlan({ ...ask, runbook: "values" })).toMatchObject({ ok: true, targets: [] });
    expect(preparePlan({ ...ask, variables: new Map() })).toMatchObject({
      ok: false,
      problems: [{ code: "missing-values" }],
    });
  });
});

describe("roles without a direction", () => {
  const rejoin = {
    title: "Rebuild the old one",
    summary: "Makes it a standby again.",
    component: "database",
    modes: ["planned"],
    changes: "${store.detached.name} follows ${store.active.name}",
    stages: [
      { id: "decide", title: "Decide", steps: [approve].map((one) => ({ ...one, title: "Rebuild?" })) },
      {
        id: "look",
        title: "Look",
        steps: [
          fenceOf("${store.detached}", "${store.active}"),
          {
            id: "rebuild",
            title: "Rebuild",
            action: "postgres.promote",
            with: { node: "${store.detached}", fenceStep: "fence" },
          },
        ],
      },
    ],
  };

  test("two that take writes: the runbook that ends it is the next command, and only where there is one", () => {
    const mender = { ...rejoin, starts: "restore database", mends: "split-brain" };
    const refused = planRunbook(request(move, "active", "active", {}, mender));
    expect(refused).toMatchObject({
      problems: [{ code: "split-brain", next: "End that first: `/dr restore database`" }],
    });
    const by = planRunbook(request(move, "active", "active", {}, { ...rejoin, mends: "split-brain" }));
    expect(by).toMatchObject({ problems: [{ next: "End that first: `/dr runbook mender`" }] });
    const none = planRunbook(request(move, "active", "active", {}, rejoin));
    expect(none).toMatchObject({ problems: [{ next: expect.stringMatching(/^Stop or fence the wrong one first/) }] });
  });

  test("the old primary is the one that is rebuilt, whichever that is", () => {
    expect(planned(rejoin, "fenced", "active", { mode: "planned" })).toMatchObject({
      target: "ireland follows frankfurt",
    });
    expect(planned(rejoin, "active", "silent", { mode: "planned" })).toMatchObject({
      target: "frankfurt follows ireland",
    });
  });

  test("a target that follows another has its roles, at the same sites", () => {
    const drain = {
      ...rejoin,
      title: "Drain the side that serves nobody",
      changes: "pods on ${pods.standby.host} stop, those on ${pods.active.host} stay",
      stages: [
        { ...rejoin.stages[0] },
        {
          id: "stop",
          title: "Stop",
          steps: [
            fenceOf("${pods.standby}", "${pods.active}"),
            {
              id: "rebuild",
              title: "Rebuild",
              action: "postgres.promote",
              with: { node: "${pods.standby}", fenceStep: "fence" },
            },
          ],
        },
      ],
    };
    const there = planned(drain, "active", "standby", { mode: "planned" });
    expect(there).toMatchObject({ target: "pods on de stop, those on ie stay", roles: [{ target: "store" }] });
    expect(inputOf(there, "fence")).toEqual({ node: { host: "de" }, peer: { host: "ie" } });
    expect(planned(drain, "standby", "active", { mode: "planned" })).toMatchObject({
      target: "pods on ie stop, those on de stay",
    });
    expect(planned(drain, "fenced", "active", { mode: "planned" })).toMatchObject([{ code: "target-absent" }]);
  });

  test("on a healthy day there is nothing to rebuild, and no plan", () => {
    expect(planned(rejoin, "active", "standby", { mode: "planned" })).toEqual([
      {
        code: "nothing-to-rejoin",
        what: "Orders store has no member that needs to rejoin (ireland is active)",
        next: undefined,
      },
    ]);
  });
});

function fenceOf(node: string, peer: string) {
  return { id: "fence", title: "Fence", action: "postgres.fence", with: { node, peer } };
}

function stepIds(plan: unknown): string[] {
  return (plan as { stages: { steps: { id: string }[] }[] }).stages.flatMap(({ steps }) => steps.map(({ id }) => id));
}

function inputOf(plan: unknown, id: string): unknown {
  const all = (plan as { stages: { steps: { id: string; input?: unknown }[] }[] }).stages.flatMap(({ steps }) => steps);
  return all.find((step) => step.id === id)?.input;
}

/** The card of an action, whatever its input is. */
function openCard(like: string, id = like): ActionCard {
  return { ...(known.get(like) as ActionCard), id, checkInput: (input) => ({ ok: true, input }) };
}
