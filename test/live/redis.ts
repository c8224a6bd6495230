import { REDIS_PACKAGES, REDIS_PROGRAMS, startRedis } from "../../practice/targets/redis/index.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { insist, type Target } from "./target.ts";

export const redis: Target = {
  id: "redis",
  title: "a Redis Sentinel set",
  settings: [
    { name: "REDIS_SENTINELS", says: "its Sentinels: 10.0.0.5:26379,10.0.0.6:26379,…" },
    { name: "REDIS_MASTER", says: "the name of its master", otherwise: "mymaster" },
    { name: "REDIS_PASSWORD", says: "of the data nodes", otherwise: "" },
    { name: "REDIS_SENTINEL_PASSWORD", says: "of the Sentinels", otherwise: "" },
  ],
  mayChange: { is: "the name of the master", does: "fails over without loss, a second or two without writes" },
  needs: { programs: REDIS_PROGRAMS, packages: REDIS_PACKAGES },
  async standIn() {
    const practiceEnvironment = await startRedis();
    return {
      environment: {
        REDIS_SENTINELS: practiceEnvironment.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(),
        REDIS_MASTER: practiceEnvironment.master,
      },
      mayChange: practiceEnvironment.master,
      stop: () => practiceEnvironment.stop(),
    };
  },
  deals({ setting, optional, environment, practice, mayChange, signal }) {
    const harness = actionHarness({ ...environment }, { practice, signal });
    const login = (name: string) => (optional(name) === "" ? {} : { passwordFrom: name });
    const master = setting("REDIS_MASTER");
    const set = {
      master,
      sentinels: setting("REDIS_SENTINELS")
        .split(",")
        .map((place) => ({
          host: place.slice(0, place.lastIndexOf(":")),
          port: Number(place.slice(place.lastIndexOf(":") + 1)),
        })),
      login: login("REDIS_PASSWORD"),
      sentinelLogin: login("REDIS_SENTINEL_PASSWORD"),
    };
    return [
      {
        says: "it is looked at",
        async hold() {
          return (await harness.perform("check", "redis.check", { set })).evidence.says;
        },
      },
      {
        says: "it is ready for a failover that loses nothing",
        async hold() {
          const { checks } = await harness.look("redis.failover", { set });
          insist(blockedBy(checks).length === 0, `blocked by ${blockedBy(checks).join()}`);
          return checks.map(({ says }) => says).join(" ");
        },
      },
      {
        says: "it fails over without loss",
        changes: `${master}: one failover; writes wait a second or two`,
        async hold() {
          insist(mayChange === master, `--may-change says ${mayChange}, and the master is ${master}`);
          return (await harness.perform("failover", "redis.failover", { set })).evidence.says;
        },
      },
    ];
  },
};
