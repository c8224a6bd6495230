import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { byDigest, createDocker, type PracticeDocker } from "../../../practice/targets/docker/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import {
  asked,
  type CaseFixture,
  type FailureCase,
  type FailureSuite,
  struck,
  until,
} from "../../support/failure-case.ts";

const PROJECT = "sav3";
const shared = { folder: "", engines: 0 };

/** A project of two services, and a namesake of one of them beside it. */
export async function openDocker(folder = shared.folder, stopMilliseconds = 60): Promise<PracticeDocker> {
  const docker = await createDocker({ socket: join(folder, `${++shared.engines}.sock`), stopMilliseconds });
  const api = { tag: "r.test/api:2", environment: ["MODE=two"] };
  await docker.up({ project: PROJECT, service: "api", image: api, environment: ["DB=pool"] });
  await docker.up({ project: PROJECT, service: "worker", image: { tag: "r.test/worker:1", healthcheck: false } });
  await docker.up({ project: "other", service: "api", image: { tag: "r.test/api:2" } });
  await until("the api healthy", () => docker.container("sav3-api-1")?.health === "healthy");
  return docker;
}
export const projectOf = (docker: PracticeDocker) => ({
  socket: docker.socket,
  engineId: docker.id,
  project: PROJECT,
});
export const apiOf = (docker: PracticeDocker) => ({ project: projectOf(docker), services: ["api"] });
export const stable = { stableSeconds: 0.1 };
export const earlier = (docker: PracticeDocker) =>
  byDigest(docker.publish({ tag: "r.test/api:1", environment: ["MODE=one"] }));

const state = (docker: PracticeDocker) => docker.container("sav3-api-1")?.state;
const order = (docker: PracticeDocker, word: "start" | "stop") =>
  actionHarness({}).perform(word, `compose.${word}`, apiOf(docker));

/** Told from the engine's side. Another engine behind the same socket is another target. */
function overDocker(
  action: string,
  scene: (docker: PracticeDocker) => Promise<Pick<CaseFixture, "input" | "holds" | "byHand" | "wrong" | "blocks">>,
  more: Omit<FailureCase, "action" | "begin"> = {},
): FailureCase {
  return {
    action,
    ...more,
    async begin() {
      const docker = await openDocker();
      const { byHand, ...own } = await scene(docker);
      const input = own.input as object;
      const past = { hands: 0 };
      const ledger = struck(docker);
      return {
        ...own,
        ...ledger,
        ...(byHand
          ? {
              async byHand() {
                await byHand();
                past.hands = Number(await ledger.sent());
              },
            }
          : {}),
        sent: async () => Number(await ledger.sent()) - past.hands,
        other: () => asked({ ...input, project: { ...projectOf(docker), engineId: "another" } }),
        close: () => docker.close(),
      };
    },
  };
}

const noOne = (docker: PracticeDocker) => asked({ project: projectOf(docker), services: ["nobody"] });

const restart = overDocker(
  "compose.restart",
  async (docker) => ({
    input: { ...apiOf(docker), ...stable },
    holds: () => state(docker) === "running",
    wrong: () => noOne(docker),
    blocks: "services.present",
  }),
  { instead: { "done by hand": "a restart by somebody else is not the one this step was asked for" } },
);

const stop = overDocker("compose.stop", async (docker) => ({
  input: apiOf(docker),
  holds: () => state(docker) === "exited",
  byHand: () => order(docker, "stop"),
  wrong: () => noOne(docker),
  blocks: "services.present",
}));

const kill = overDocker("compose.kill", async (docker) => ({
  input: apiOf(docker),
  holds: () => state(docker) === "exited",
  byHand: () => order(docker, "stop"),
  wrong: () => noOne(docker),
  blocks: "services.present",
}));

const start = overDocker("compose.start", async (docker) => {
  await order(docker, "stop");
  return {
    input: apiOf(docker),
    holds: () => state(docker) === "running",
    byHand: () => order(docker, "start"),
    wrong: () => noOne(docker),
    blocks: "services.present",
  };
});

const rollback = overDocker(
  "compose.rollback",
  async (docker) => {
    const image = earlier(docker);
    const input = { project: projectOf(docker), service: "api", image, ...stable };
    return {
      input,
      holds() {
        const now = docker.container("sav3-api-1");
        const kept = JSON.stringify(now?.config.Env ?? []);
        return (
          now?.reference === image &&
          /"DB=pool".*"MODE=one"|"MODE=one".*"DB=pool"/.test(kept) &&
          docker.containers().length === 3
        );
      },
      byHand: () => actionHarness({}).perform("by-hand", "compose.rollback", input),
      wrong: () => asked({ ...input, image: `r.test/api@sha256:${"0".repeat(64)}` }),
      blocks: "image.available",
    };
  },
  { requests: 7, inTurn: true },
);

export const suite: FailureSuite = {
  async open() {
    shared.folder = await mkdtemp(join(tmpdir(), "lifeboat-docker-"));
  },
  close: () => rm(shared.folder, { recursive: true, force: true }),
  cases: [restart, stop, kill, start, rollback],
};
