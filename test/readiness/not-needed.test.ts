import { expect, test } from "@jest/globals";
import { actions } from "../../src/actions/index.ts";

/** Given what an action sees on a healthy day; when it is asked whether it may go ahead; then it refuses, and says that it isn't needed. */
const nothing = { evidenceOf: () => null };

function refusals(id: string, seen: unknown, input: unknown) {
  const checks = actions.get(id)?.ready(seen, input, nothing) ?? [];
  return checks.filter(({ ok, level }) => !ok && level === "block");
}

test("an emergency promotion of Redis takes a master along that still answers, and one that must find it there is not ready", () => {
  const replica = { name: "b", answers: true, role: "slave", loading: false, linkUp: true, follows: "a:6379" };
  const master = { name: "a", answers: true, role: "master", loading: false, address: "a:6379", offset: 1 };
  const pair = { from: master, to: { ...replica, role: "replica", address: "b:6379", offset: 1 } };
  expect(refusals("redis.promote_dr", pair, { mode: "unplanned" })).toEqual([]);
  const gone = { ...pair, from: { name: "a", answers: false, why: "it is silent", address: "a:6379" } };
  const planned = refusals("redis.promote_dr", gone, { mode: "planned" }).find(({ id }) => id === "master.fit");
  expect(planned).toBeDefined();
  expect(planned).not.toHaveProperty("notNeeded");
});

test("a Patroni failover isn't needed while a member leads, and is not ready where too few members say that no one does", () => {
  const api = (name: string, answers: boolean) => ({ name, answers });
  const member = (name: string) => ({ name, role: "replica", runs: true, mayLead: true, lag: 0, timeline: 1 });
  const cluster = (leader: string | null, answering: number) => ({
    ...{ leader, paused: false, members: [member("a"), member("b"), member("c")] },
    apis: ["a", "b", "c"].map((name, i) => api(name, i < answering)),
  });
  const led = refusals("patroni.failover", cluster("a", 3), { candidate: "b" });
  expect(led.find(({ id }) => id === "leader.lost")).toMatchObject({ notNeeded: true });
  const alone = refusals("patroni.failover", cluster(null, 1), { candidate: "b" }).find(
    ({ id }) => id === "leader.lost",
  );
  expect(alone).toBeDefined();
  expect(alone).not.toHaveProperty("notNeeded");
});
