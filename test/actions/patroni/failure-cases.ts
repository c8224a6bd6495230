import { admit } from "../../../practice/targets/patroni/behind.ts";
import {
  PATRONI_PACKAGES,
  PATRONI_PROGRAMS,
  type PatroniCluster,
  type PatroniNode,
  startPatroni,
} from "../../../practice/targets/patroni/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import {
  asked,
  type CaseFixture,
  type FailureCase,
  type FailureSuite,
  type Handmade,
  type Struck,
  shownBy,
  struck,
} from "../../support/failure-case.ts";
import { type FaultProxy, openFront } from "../fault-proxy.ts";

let environment: PatroniCluster;
/** For the tests beside these. */
export const opened = () => environment;
export const secretsOf = (one: PatroniCluster) => ({
  API_PASSWORD: one.login.password,
  DB_PASSWORD: one.superuser.password,
});
export function clusterOf(one: PatroniCluster, api?: Readonly<Record<string, string>>) {
  return {
    name: one.scope,
    api: api ?? Object.fromEntries(one.nodes.map((node) => [node.name, node.api])),
    login: { user: one.login.user, passwordFrom: "API_PASSWORD" },
    database: { user: one.superuser.user, passwordFrom: "DB_PASSWORD" },
  };
}

const FILE = "patroni/switchover.test.ts";
const paused = async () =>
  ((await (await fetch(`${environment.nodes[0]?.api}/cluster`)).json()) as { pause?: boolean }).pause === true;

/** Every member's API behind a proxy of its own. */
export async function openApi(one: PatroniCluster) {
  const ways = await Promise.all(
    one.nodes.map(async ({ name, api }) => ({ name, way: await openFront(api, (method) => method !== "GET") })),
  );
  const api = Object.fromEntries(ways.map(({ name, way }) => [name, `http://127.0.0.1:${way.port}`]));
  return {
    cluster: clusterOf(one, api),
    way: together(ways.map(({ way }) => way)),
    close: () => Promise.all(ways.map(({ way }) => way.close())),
  };
}

/** The cluster's scope says whose the members are. */
function overApi(
  action: string,
  scene: (cluster: object) => Promise<Pick<CaseFixture, "input" | "holds" | "byHand" | "wrong" | "blocks">>,
  more: Omit<FailureCase, "action" | "begin"> = {},
): FailureCase {
  return {
    action,
    ...more,
    async begin() {
      const { cluster, way, close } = await openApi(environment);
      const own = await scene(cluster);
      return {
        ...own,
        secrets: secretsOf(environment),
        ...struck(way),
        other: () => asked({ ...(own.input as object), cluster: { ...cluster, name: "another" } }),
        close,
      };
    },
  };
}

function together(ways: readonly FaultProxy[]): Struck {
  return {
    faults: {
      throw(fault) {
        for (const way of ways) way.faults.throw(fault);
      },
    },
    writes: () => ways.flatMap((way) => way.writes()),
  };
}

async function set(to: "pause" | "resume"): Promise<void> {
  await actionHarness(secretsOf(environment)).perform(to, `patroni.${to}`, { cluster: clusterOf(environment) });
}

const ANY = "it is one value of the configuration all members share, and may be set in every state of the cluster";
const setting = (to: "pause" | "resume") =>
  overApi(
    `patroni.${to}`,
    async (cluster) => {
      await set(to === "pause" ? "resume" : "pause");
      return {
        input: { cluster },
        holds: async () => (await paused()) === (to === "pause"),
        byHand: () => set(to),
      };
    },
    { seconds: { usual: 10, hanging: 1 }, instead: { "wrong state": ANY } },
  );

const LED = "no one leads, and %s: one leads afterwards, asked for once";
const NOTHING = "no one leads: what does nothing is known to have done nothing, and is sent once";
/** A cluster without a leader takes long to make: what does nothing is tried on one, what does something on one each. */
const failover: Handmade = {
  action: "patroni.failover",
  instead: {
    "killed before": shownBy(FILE, NOTHING),
    "killed during": shownBy(FILE, LED),
    "killed after": shownBy(FILE, LED),
    "reply lost": shownBy(FILE, LED),
    "error after accepting": shownBy(FILE, LED),
    refused: shownBy(FILE, NOTHING),
    hanging: shownBy(FILE, NOTHING),
    "answered, not done": shownBy(FILE, NOTHING),
    "done by hand": shownBy(FILE, LED),
    "wrong state": shownBy(FILE, "a cluster that is led is not failed over, and a leader is not rebuilt"),
    "another target": shownBy(FILE, "members of another cluster behind these addresses do not count as an answer"),
  },
};

const SAME =
  "it is one PATCH of the configuration all members share, the same that patroni.pause sends: a second one changes nothing";
/** It takes a second server that was promoted from the same data: the reference system's cycles are played over two clusters. */
const demoteCluster: Handmade = {
  action: "patroni.demote_cluster",
  instead: {
    "killed before": SAME,
    "killed during": SAME,
    "killed after": SAME,
    "reply lost": SAME,
    "error after accepting": SAME,
    refused: SAME,
    hanging: SAME,
    "answered, not done": "that it follows is read from its servers, seen twice, whatever Patroni answered",
    "done by hand": "a cluster that follows already is seen to, and nothing is sent",
    "wrong state": shownBy(
      FILE,
      "a cluster is not made to follow a server that takes no writes, nor one of its own history",
    ),
    "another target": shownBy(FILE, "members of another cluster behind these addresses do not count as an answer"),
  },
};

/** Everyone runs and may follow again. */
export async function home(one: PatroniCluster): Promise<void> {
  await Promise.all(one.nodes.map((node) => one.restart(node)));
  await Promise.all(one.nodes.map((node) => admit(one, node)));
  await one.settled();
}

async function seats(): Promise<{ leader: PatroniNode; candidate: PatroniNode }> {
  const leader = await environment.settled();
  return { leader, candidate: environment.nodes.find((node) => node !== leader) as PatroniNode };
}

const switchover = overApi(
  "patroni.switchover",
  async (cluster) => {
    if (await paused()) await set("resume");
    const { leader, candidate } = await seats();
    return {
      input: { cluster, leader: leader.name, candidate: candidate.name },
      holds: async () => (await environment.settled()) === candidate,
    };
  },
  {
    seconds: { usual: 40, hanging: 2, lie: 3, between: 2 },
    instead: {
      "killed before": shownBy(FILE, "killed right %s the request, the run goes on and leadership moves once"),
      "killed after": shownBy(FILE, "killed right %s the request, the run goes on and leadership moves once"),
      "reply lost": shownBy(
        FILE,
        "an answer lost on the way: what happened is looked for, and a second request would be refused",
      ),
      "done by hand": shownBy(FILE, "a switchover under load loses nothing that was acknowledged"),
      "wrong state": shownBy(
        FILE,
        "a candidate that does not stream is refused by the leader's own account, whatever /cluster says",
      ),
    },
  },
);

const reinitialize = overApi(
  "patroni.reinitialize",
  async (cluster) => {
    if (await paused()) await set("resume");
    const { leader, candidate } = await seats();
    const input = { cluster, member: candidate.name };
    return {
      input,
      holds: async () => (await environment.settled()) === leader,
      wrong: () => asked({ ...input, member: leader.name }),
      blocks: "member.expendable",
    };
  },
  {
    seconds: { usual: 120, hanging: 2 },
    instead: {
      "answered, not done":
        "that a replica streams does not say whether it was rebuilt: Patroni's answer and a look for at least ten seconds are all there is",
      "done by hand": "whether a replica was rebuilt can't be seen, so a person who asks for it means it",
    },
  },
);

export const suite: FailureSuite = {
  needs: { programs: PATRONI_PROGRAMS, packages: PATRONI_PACKAGES },
  async open() {
    environment = await startPatroni({ loopSeconds: 1 });
  },
  close: () => environment?.stop(),
  cases: [setting("pause"), setting("resume"), switchover, reinitialize],
  handmade: [failover, demoteCluster],
};
