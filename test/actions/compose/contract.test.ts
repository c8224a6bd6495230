import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { byDigest, createDocker, type PracticeDocker, sick } from "../../../src/practice/estate/docker/index.ts";
import { type Conductor, conduct } from "../conductor.ts";
import { performAndDie, recoverFrom } from "../crash.ts";
import { soon } from "../shop.ts";
import { Step } from "../step.ts";

let folder: string;
let docker: PracticeDocker;
let conductor: Conductor;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-docker-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
let engines = 0;
beforeEach(async () => {
  docker = await createDocker({ socket: join(folder, `${++engines}.sock`), stopMilliseconds: 60 });
  await docker.up({
    project: "sav3",
    service: "api",
    image: { tag: "r.test/api:2", environment: ["MODE=two"] },
    environment: ["DB=pool"],
  });
  await docker.up({ project: "sav3", service: "worker", image: { tag: "r.test/worker:1", healthcheck: false } });
  await docker.up({ project: "other", service: "api", image: { tag: "r.test/api:2" } });
  await soon("the api healthy", async () => docker.container("sav3-api-1")?.health === "healthy");
  conductor = conduct({});
});
afterEach(() => docker.close());

const project = () => ({ socket: docker.socket, engineId: docker.id, project: "sav3" });
const api = () => ({ project: project(), services: ["api"] });
const stable = { stableSeconds: 0.1 };
const back = () => byDigest(docker.publish({ tag: "r.test/api:1", environment: ["MODE=one"] }));

describe("a compose project", () => {
  test("is looked at by its labels, and a crash loop is not taken for health", async () => {
    const given = { project: project(), services: ["api", "worker"], stableSeconds: 0.05 };
    const { evidence, facts } = await conductor.perform("check", "compose.check", given);
    expect(evidence.says).toContain("sav3-api-1: running, healthy; sav3-worker-1: running");
    expect(facts).toMatchObject({ "image:sav3-api-1": "r.test/api:2", "restarts:sav3-api-1": 0 });
    const watched = conductor.perform("check", "compose.check", { ...given, stableSeconds: 0.4 });
    const outcome = watched.then(
      () => "stable",
      (error: Error) => error.message,
    );
    await soon("it being watched", async () => conductor.progress.some((says) => says.includes("again in 0.4 s")));
    await docker.crash("sav3-worker-1");
    expect(await outcome).toContain("sav3-worker-1 did not stay up");
    expect(docker.writes()).toEqual([]);
  });

  test("another engine behind the same address, and one that hangs, are said before anything is sent", async () => {
    const stranger = new Step(conductor, "compose.stop", { ...api(), project: { ...project(), engineId: "another" } });
    expect(await stranger.blockedBy()).toEqual(["engine.answers"]);
    const nobody = new Step(conductor, "compose.stop", { project: project(), services: ["nobody"] });
    expect(await nobody.blockedBy()).toEqual(["services.present"]);
    const step = new Step(conductor, "compose.stop", api());
    await step.intend();
    docker.faults.throw({ kind: "down" });
    expect(await step.blockedBy()).toEqual(["engine.answers"]);
    expect(await step.afterwards()).toBe("ask");
    expect(docker.writes()).toEqual([]);
  });
});

interface Case {
  readonly id: string;
  more(): Promise<object>;
  arrange?(): Promise<unknown>;
  readonly requests: number;
  byHand?(): Promise<unknown>;
  holds(): boolean;
}

const CASES: readonly Case[] = [
  {
    id: "compose.restart",
    more: async () => ({ ...api(), ...stable }),
    requests: 1,
    holds: () => docker.container("sav3-api-1")?.state === "running",
  },
  {
    id: "compose.stop",
    more: async () => api(),
    requests: 1,
    byHand: () => order("stop"),
    holds: () => docker.container("sav3-api-1")?.state === "exited",
  },
  {
    id: "compose.start",
    more: async () => api(),
    arrange: () => order("stop"),
    requests: 1,
    byHand: () => order("start"),
    holds: () => docker.container("sav3-api-1")?.state === "running",
  },
  {
    id: "compose.rollback",
    more: async () => ({ project: project(), service: "api", image: back(), ...stable }),
    requests: 7,
    holds: () => docker.container("sav3-api-1")?.reference === back() && docker.containers().length === 3,
  },
];

/** Somebody with the docker command, past the ledger. */
async function order(word: "start" | "stop"): Promise<void> {
  await conductor.perform(word, `compose.${word}`, api());
  docker.forget();
}

describe.each(CASES.map((one) => [one.id, one] as const))("%s", (id, one) => {
  let step: Step;
  let given: object;
  beforeEach(async () => {
    await one.arrange?.();
    given = await one.more();
    step = new Step(conductor, id, given);
    await step.intend();
  });

  test("killed before the call: nothing is there; then it is done once, and found done", async () => {
    expect(await step.afterwards()).toBe("again");
    expect(docker.writes()).toEqual([]);
    await step.apply();
    await step.verify();
    expect(docker.writes()).toHaveLength(one.requests);
    expect(await step.done()).toBe("yes");
    expect(one.holds()).toBe(true);
  });

  test.each(["failAfter", "dropAfter"] as const)(
    "the first answer was %s: it ends right, and nothing is sent twice",
    async (kind) => {
      docker.faults.throw({ kind, on: "writes", times: 1 });
      await expect(step.apply()).rejects.toThrow();
      if ((await step.afterwards()) === "again") await step.apply();
      await step.verify();
      expect(docker.writes()).toHaveLength(one.requests);
      expect(one.holds()).toBe(true);
    },
  );

  test.each(["hang", "down"] as const)("not done, by %s: sent once, and known not to be there", async (kind) => {
    docker.faults.throw({ kind, on: "writes", times: 1 });
    await expect(step.apply(400)).rejects.toThrow();
    expect(docker.writes()).toHaveLength(1);
    expect(await step.afterwards()).toBe("again");
  });

  test("a lie is not believed", async () => {
    docker.faults.throw({ kind: "lie", on: "writes" });
    await step.apply().catch(() => {});
    expect(await step.done()).toBe("no");
    await expect(step.verify(300)).rejects.toThrow();
  });

  if (one.byHand) {
    test("done by hand is found done, and nothing is sent", async () => {
      await one.byHand?.();
      expect(await step.done()).toBe("yes");
      expect(docker.writes()).toEqual([]);
    });
  }
});

describe("a process killed on the way", () => {
  test("while the engine restarts: nobody sends a second restart", async () => {
    const slow = await createDocker({ socket: join(folder, "slow.sock"), stopMilliseconds: 1500 });
    try {
      await slow.up({ project: "sav3", service: "api", image: { tag: "r.test/api:2" } });
      await soon("the api healthy", async () => slow.container("sav3-api-1")?.health === "healthy");
      const given = {
        project: { socket: slow.socket, engineId: slow.id, project: "sav3" },
        services: ["api"],
        ...stable,
      };
      const died = await performAndDie("compose.restart", given, {
        when: soon("the restart", async () => slow.writes().length === 1),
      });
      expect(died.applied).toBe(false);
      const step = new Step(conductor, "compose.restart", given);
      step.before = died.before;
      expect(await step.afterwards()).toBe("ask");
      await soon("the restart being over", async () => (await step.done()) === "yes");
      await step.verify();
      expect(slow.writes()).toHaveLength(1);
    } finally {
      await slow.close();
    }
  }, 30_000);

  test.each(["making a container", "giving it the service's name", "waiting until"])(
    "in a rollback, at “%s”: the next one goes on from there",
    async (at) => {
      const given = { project: project(), service: "api", image: back(), ...stable };
      const { before } = await performAndDie("compose.rollback", given, { at });
      const { way } = await recoverFrom(conductor, "compose.rollback", given, before);
      expect(way).toBe("again");
      const now = docker.container("sav3-api-1");
      expect([now?.reference, now?.config.Env]).toEqual([given.image, expect.arrayContaining(["DB=pool", "MODE=one"])]);
      expect(docker.containers()).toHaveLength(3);
      expect(docker.writes()).toHaveLength(7);
    },
    30_000,
  );
});

describe("compose.rollback refuses", () => {
  test("an image nobody has, a volume without a name, and a service of several containers", async () => {
    const image = `r.test/api@sha256:${"0".repeat(64)}`;
    expect(
      await new Step(conductor, "compose.rollback", { project: project(), service: "api", image }).blockedBy(),
    ).toEqual(["image.available"]);
    const Name = "f".repeat(64);
    await docker.up({
      project: "sav3",
      service: "db",
      image: { tag: "r.test/db:1" },
      mounts: [{ Type: "volume", Name, Destination: "/data" }],
    });
    expect(
      await new Step(conductor, "compose.rollback", { project: project(), service: "db", image: back() }).blockedBy(),
    ).toEqual(["volumes.named"]);
    expect(docker.writes()).toEqual([]);
  });

  test("to remove what it replaced before the new one is healthy", async () => {
    const image = byDigest(docker.publish({ tag: "r.test/api:sick", program: sick }));
    const step = new Step(conductor, "compose.rollback", { project: project(), service: "api", image });
    await step.intend();
    await expect(step.apply(1500)).rejects.toThrow();
    const kept = docker.containers().find(({ name }) => name.startsWith("sav3-api-lifeboat-old"));
    expect(kept?.reference).toBe("r.test/api:2");
  });
});
