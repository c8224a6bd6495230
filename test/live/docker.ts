import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDocker } from "../../practice/targets/docker/index.ts";
import { actionHarness, blockedBy } from "../support/action-harness.ts";
import { soon } from "../support/database-fixture.ts";
import { type Given, insist, type Target } from "./target.ts";

export const docker: Target = {
  id: "docker",
  title: "a compose project of a Docker engine",
  settings: [
    { name: "DOCKER_HOST", says: "the engine: unix:///var/run/docker.sock, or tcp://10.0.0.5:2376" },
    { name: "DOCKER_ENGINE_ID", says: "docker info --format {{.ID}}" },
    { name: "DOCKER_PROJECT", says: "the project, as docker compose ls shows it" },
    { name: "DOCKER_SERVICES", says: "services of it to look at: api,worker" },
    { name: "DOCKER_CERT_PATH", says: "a folder with ca.pem, cert.pem and key.pem, for tcp://", otherwise: "" },
  ],
  mayChange: { is: "a service of that project", does: "is restarted once, and watched" },
  async standIn() {
    const folder = await mkdtemp(join(tmpdir(), "lifeboat-docker-"));
    const engine = await createDocker({ socket: join(folder, "docker.sock") });
    for (const service of ["api", "worker"]) {
      await engine.up({ project: "shop", service, image: { tag: `r.test/${service}:1` } });
    }
    await soon("both healthy", async () => engine.containers().every(({ health }) => health === "healthy"));
    return {
      environment: {
        DOCKER_HOST: `unix://${engine.socket}`,
        DOCKER_ENGINE_ID: engine.id,
        DOCKER_PROJECT: "shop",
        DOCKER_SERVICES: "api,worker",
      },
      mayChange: "api",
      async stop() {
        await engine.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  deals(given) {
    const { setting, practice, mayChange, signal } = given;
    const { where, secrets } = engineOf(given);
    const harness = actionHarness(secrets, { practice, signal });
    const project = { ...where, engineId: setting("DOCKER_ENGINE_ID"), project: setting("DOCKER_PROJECT") };
    const services = setting("DOCKER_SERVICES").split(",");
    const stableSeconds = practice ? 0.1 : 10;
    return [
      {
        says: "its services run, are healthy and stay so",
        async hold() {
          const { evidence } = await harness.perform("check", "compose.check", { project, services, stableSeconds });
          return evidence.says;
        },
      },
      {
        says: "another engine at that address is refused",
        async hold() {
          const other = { ...project, engineId: "lifeboat-is-not-here" };
          const { checks } = await harness.look("compose.check", { project: other, services });
          insist(blockedBy(checks).join() === "engine.answers", "it was taken for the right one");
          return checks[0]?.says ?? "";
        },
      },
      {
        says: "a service that is not there is missed by name",
        async hold() {
          const { checks } = await harness.look("compose.check", { project, services: ["lifeboat-is-not-here"] });
          insist(blockedBy(checks).join() === "services.present", "it was not missed");
          return checks.find(({ id }) => id === "services.present")?.says ?? "";
        },
      },
      {
        says: "a service is restarted, and stays up",
        changes: `${project.project}: ${mayChange} restarted once`,
        async hold() {
          const restart = { project, services: [mayChange], stableSeconds };
          const { evidence, applied } = await harness.perform("restart", "compose.restart", restart);
          insist(applied, "nothing was sent");
          return evidence.says;
        },
      },
    ];
  },
};

/** `DOCKER_HOST` as Docker's own tools read it. */
function engineOf({ setting, optional }: Given) {
  const host = setting("DOCKER_HOST");
  if (host.startsWith("unix://")) return { where: { socket: host.slice("unix://".length) }, secrets: {} };
  const folder = optional("DOCKER_CERT_PATH");
  const url = host.replace(/^tcp:/, folder === "" ? "http:" : "https:");
  if (folder === "") return { where: { url }, secrets: {} };
  const pem = (name: string) => readFileSync(join(folder, `${name}.pem`), "utf8");
  return {
    where: { url, tls: { caFrom: "ca", certFrom: "cert", keyFrom: "key" } },
    secrets: { ca: pem("ca"), cert: pem("cert"), key: pem("key") },
  };
}
