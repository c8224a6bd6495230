import { PATRONI_PACKAGES, PATRONI_PROGRAMS, startPatroni } from "../../practice/targets/patroni/index.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { soon } from "../support/database-fixture.ts";
import { insist, type Target } from "./target.ts";

export const patroni: Target = {
  id: "patroni",
  title: "a Patroni cluster",
  settings: [
    { name: "PATRONI_URL", says: "REST API of any member: http://10.0.0.5:8008" },
    { name: "PATRONI_SCOPE", says: "its scope" },
    { name: "PATRONI_USER", says: "user of its REST API", otherwise: "" },
    { name: "PATRONI_PASSWORD", says: "that user's password", otherwise: "" },
    { name: "PATRONI_DATABASE_USER", says: "a login with pg_monitor", otherwise: "lifeboat" },
    { name: "PATRONI_DATABASE_PASSWORD", says: "that login's password" },
  ],
  mayChange: {
    is: "the cluster's scope",
    does: "is paused and resumed, and its leadership goes to a member that streams and back",
  },
  needs: { programs: PATRONI_PROGRAMS, packages: PATRONI_PACKAGES },
  async standIn() {
    const practiceEnvironment = await startPatroni({ loopSeconds: 1 });
    return {
      environment: {
        PATRONI_URL: practiceEnvironment.nodes[0]?.api ?? "",
        PATRONI_SCOPE: practiceEnvironment.scope,
        PATRONI_USER: practiceEnvironment.login.user,
        PATRONI_PASSWORD: practiceEnvironment.login.password,
        PATRONI_DATABASE_USER: practiceEnvironment.superuser.user,
        PATRONI_DATABASE_PASSWORD: practiceEnvironment.superuser.password,
      },
      mayChange: practiceEnvironment.scope,
      stop: () => practiceEnvironment.stop(),
    };
  },
  deals({ setting, optional, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const restorer = actionHarness({ ...environment }, { practice });
    const scope = setting("PATRONI_SCOPE");
    /** Its members as it tells them itself. */
    const clusterOf = async () => {
      const answer = await fetch(new URL("/cluster", setting("PATRONI_URL")), { signal: AbortSignal.timeout(10_000) });
      const told = (await answer.json()) as {
        members: readonly { readonly name: string; readonly api_url: string }[];
      };
      const user = optional("PATRONI_USER");
      return {
        name: scope,
        members: told.members.map((one) => ({ name: one.name, url: new URL(one.api_url).origin })),
        ...(user === "" ? {} : { login: { user, passwordFrom: "PATRONI_PASSWORD" } }),
        database: { user: setting("PATRONI_DATABASE_USER"), passwordFrom: "PATRONI_DATABASE_PASSWORD" },
      };
    };
    const readyOne = async (leader: string) => {
      const cluster = await clusterOf();
      for (const { name: candidate } of cluster.members.filter(({ name }) => name !== leader)) {
        const { checks } = await harness.look("patroni.switchover", { cluster, leader, candidate });
        if (blockedBy(checks).length === 0) return candidate;
      }
      throw new Error("No member is ready to lead");
    };
    const named = () => insist(mayChange === scope, `--may-change says ${mayChange}, and the scope is ${scope}`);
    return [
      {
        says: "it is looked at, twice with the same material facts",
        async hold() {
          const cluster = await clusterOf();
          const first = await harness.perform("first", "patroni.check", { cluster });
          const second = await harness.perform("second", "patroni.check", { cluster });
          insist(first.facts.leader === second.facts.leader, "the leader changed meanwhile");
          return second.evidence.says;
        },
      },
      {
        says: "a member is ready to lead, by the leader's own account",
        async hold() {
          const cluster = await clusterOf();
          const { facts } = await harness.look("patroni.check", { cluster });
          return `${await readyOne(String(facts.leader))} streams from ${facts.leader}.`;
        },
      },
      {
        says: "a cluster that is led is not failed over",
        async hold() {
          const cluster = await clusterOf();
          const candidate = cluster.members[0]?.name ?? "";
          const { checks } = await harness.look("patroni.failover", { cluster, candidate, allowDataLoss: true });
          insist(blockedBy(checks).includes("leader.lost"), "it would have been");
          return checks.find(({ id }) => id === "leader.lost")?.says ?? "";
        },
      },
      {
        says: "it holds still, and acts again",
        changes: `${scope}: paused and resumed`,
        async hold(changes) {
          named();
          const cluster = await clusterOf();
          const { done } = await harness.look("patroni.pause", { cluster });
          insist(done === "no", "it is paused already, and resuming it is for whoever paused it");
          const putBack = changes.until({
            left: `${scope} is paused, so nothing fails over by itself`,
            by: `patronictl resume ${scope}`,
            back: () => restorer.perform("resume", "patroni.resume", { cluster }),
          });
          const { evidence } = await harness.perform("pause", "patroni.pause", { cluster });
          await putBack();
          return evidence.says;
        },
      },
      {
        says: "leadership goes to a member that streams, and back",
        changes: `${scope}: two switchovers, each a second or two without writes`,
        async hold(changes) {
          named();
          const cluster = await clusterOf();
          const { facts } = await harness.look("patroni.check", { cluster });
          const leader = String(facts.leader);
          const candidate = await readyOne(leader);
          const back = { cluster, leader: candidate, candidate: leader };
          const putBack = changes.until({
            left: `${candidate} leads ${scope}, not ${leader}`,
            by: `patronictl switchover ${scope} --candidate ${leader}`,
            async back() {
              if ((await restorer.look("patroni.check", { cluster })).facts.leader === leader) return;
              // The former leader is a replica some rounds of Patroni's later.
              await soon(
                `${leader} following`,
                async () => blockedBy((await restorer.look("patroni.switchover", back)).checks).length === 0,
                60,
              );
              await restorer.perform("back", "patroni.switchover", back);
            },
          });
          const { evidence } = await harness.perform("there", "patroni.switchover", { cluster, leader, candidate });
          await putBack();
          return `${evidence.says} ${leader} leads again.`;
        },
      },
    ];
  },
};
