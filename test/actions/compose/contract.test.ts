import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  byDigest,
  createDocker,
  dockerCovered,
  type PracticeDocker,
  sick,
} from "../../../practice/targets/docker/index.ts";
import { type ActionHarness, actionHarness } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { soon } from "../../support/database-fixture.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { Step } from "../../support/step.ts";
import { apiOf, earlier, openDocker, projectOf, stable, suite } from "./failure-cases.ts";

await runFailureSuite(suite);

let folder: string;
let docker: PracticeDocker;
let harness: ActionHarness;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-docker-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  docker = await openDocker(folder);
  harness = actionHarness({});
});
afterEach(() => docker.close());

const project = () => projectOf(docker);
const api = () => apiOf(docker);
const back = () => earlier(docker);

describe("a compose project", () => {
  test("is looked at by its labels, and a crash loop is not taken for health", async () => {
    const given = { project: project(), services: ["api", "worker"], stableSeconds: 0.05 };
    const { evidence, facts } = await harness.perform("check", "compose.check", given);
    expect(evidence.says).toContain("sav3-api-1: running, healthy; sav3-worker-1: running");
    expect(facts).toMatchObject({ "image:sav3-api-1": "r.test/api:2", "restarts:sav3-api-1": 0 });
    const watched = harness.perform("check", "compose.check", { ...given, stableSeconds: 0.4 });
    const outcome = watched.then(
      () => "stable",
      (error: Error) => error.message,
    );
    await soon("it being watched", async () => harness.progress.some((says) => says.includes("again in 0.4 s")));
    await docker.crash("sav3-worker-1");
    expect(await outcome).toContain("sav3-worker-1 did not stay up");
    expect(docker.writes()).toEqual([]);
  });

  test("another engine behind the same address, and one that hangs, are said before anything is sent", async () => {
    const stranger = new Step(harness, "compose.stop", { ...api(), project: { ...project(), engineId: "another" } });
    expect(await stranger.blockedBy()).toEqual(["engine.answers"]);
    const noOne = new Step(harness, "compose.stop", { project: project(), services: ["nobody"] });
    expect(await noOne.blockedBy()).toEqual(["services.present"]);
    const step = new Step(harness, "compose.stop", api());
    await step.intend();
    docker.faults.throw({ kind: "down" });
    expect(await step.blockedBy()).toEqual(["engine.answers"]);
    expect(await step.afterwards()).toBe("ask");
    expect(docker.writes()).toEqual([]);
  });
});

describe("a process killed on the way", () => {
  test("while the engine restarts: no one sends a second restart", async () => {
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
        when: () => soon("the restart", async () => slow.writes().length === 1),
      });
      expect(died.applied).toBe(false);
      const step = new Step(harness, "compose.restart", given);
      step.before = died.before;
      expect(await step.afterwards()).toBe("ask");
      await soon("the restart being over", async () => (await step.done()) === "yes");
      await step.verify();
      expect(slow.writes()).toHaveLength(1);
    } finally {
      await slow.close();
    }
  }, 90_000);

  test("in a rollback, between two of its requests: the next one goes on from there", async () => {
    const at = "giving it the service's name";
    const given = { project: project(), service: "api", image: back(), ...stable };
    const { before } = await performAndDie("compose.rollback", given, { at });
    const { way } = await recoverFrom(harness, "compose.rollback", given, before);
    expect(way).toBe("again");
    const now = docker.container("sav3-api-1");
    expect([now?.reference, now?.config.Env]).toEqual([given.image, expect.arrayContaining(["DB=pool", "MODE=one"])]);
    expect(docker.containers()).toHaveLength(3);
    expect(docker.writes()).toHaveLength(7);
  }, 90_000);
});

describe("compose.rollback refuses", () => {
  test("an image no one has, a volume without a name, and a service of several containers", async () => {
    const image = `r.test/api@sha256:${"0".repeat(64)}`;
    expect(
      await new Step(harness, "compose.rollback", { project: project(), service: "api", image }).blockedBy(),
    ).toEqual(["image.available"]);
    const Name = "f".repeat(64);
    await docker.up({
      project: "sav3",
      service: "db",
      image: { tag: "r.test/db:1" },
      mounts: [{ Type: "volume", Name, Destination: "/data" }],
    });
    expect(
      await new Step(harness, "compose.rollback", { project: project(), service: "db", image: back() }).blockedBy(),
    ).toEqual(["volumes.named"]);
    expect(docker.writes()).toEqual([]);
  });

  test("to remove what it replaced before the new one is healthy", async () => {
    const image = byDigest(docker.publish({ tag: "r.test/api:sick", program: sick }));
    const step = new Step(harness, "compose.rollback", { project: project(), service: "api", image });
    await step.intend();
    await expect(step.apply(1500)).rejects.toThrow();
    const kept = docker.containers().find(({ name }) => name.startsWith("sav3-api-lifeboat-old"));
    expect(kept?.reference).toBe("r.test/api:2");
  });
});

test("what the stand-in covers is what its table answers", () => {
  expect(dockerCovered().join(" ")).toMatchInlineSnapshot(
    `"ContainerCreate ContainerDelete ContainerInspect ContainerKill ContainerList ContainerRename ContainerRestart ContainerStart ContainerStop DistributionInspect ImageCreate ImageInspect SystemEvents SystemInfo SystemPing SystemVersion"`,
  );
});
