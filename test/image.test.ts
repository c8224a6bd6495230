import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { freePort } from "../src/lib/pgserver.ts";
import { projectRoot } from "../src/lib/root.ts";
import { createWorkspace, type Workspace } from "../src/practice/workspace/index.ts";
import { testServer } from "./timeline/server.ts";

/**
 * No container engine is needed for this: the last stage of the Dockerfile is laid out in a folder, from its own COPY
 * lines, made read-only, and its CMD is run against a real PostgreSQL and a local Slack.
 */
const root = projectRoot();
let image: string;
let dockerfile: string;
let workspace: Workspace;
let server: Awaited<ReturnType<typeof testServer>>;

beforeAll(async () => {
  image = await mkdtemp(join(tmpdir(), "lifeboat-image-"));
  dockerfile = await readFile(join(root, "Dockerfile"), "utf8");
  await layOut();
  server = await testServer();
  workspace = await createWorkspace({ port: 0 });
}, 120_000);
afterAll(async () => {
  await workspace?.close();
  await server?.close();
  await promisify(execFile)("chmod", ["-R", "u+w", image]);
  await rm(image, { recursive: true, force: true });
}, 60_000);

async function layOut(): Promise<void> {
  const built = join(image, "..", `${image.split("/").at(-1)}-dist`);
  await promisify(execFile)(
    process.execPath,
    [join(root, "node_modules/.bin/tsc"), "-p", "tsconfig.build.json", "--outDir", built],
    { cwd: root },
  );
  const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  for (const [, stage, what] of last.matchAll(/^COPY (?:--from=(\w+) )?(.+)$/gm)) {
    const words = (what as string).split(" ");
    const to = words.pop() as string;
    for (const from of words) {
      const target = to.endsWith("/") ? join(image, to, from) : join(image, to);
      await mkdir(dirname(target), { recursive: true });
      if (stage === "dependencies") await symlink(join(root, "node_modules"), target);
      else if (stage === "build") await cp(built, target, { recursive: true });
      else await cp(join(root, from), target, { recursive: true });
    }
  }
  await rm(built, { recursive: true, force: true });
  await promisify(execFile)("chmod", ["-R", "a-w", image]);
  await chmod(image, 0o555);
}

describe("the image", () => {
  test("starts from what it copies and nothing else, says that it is ready, and leaves when asked", async () => {
    const port = await freePort();
    const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]") as string[];
    expect(command).toEqual(["lifeboat-node", "dist/src/main.js"]);
    const child = spawn(process.execPath, command.slice(1), {
      cwd: image,
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: await server.database(),
        HEALTH_PORT: String(port),
        LOG_LEVEL: "warn",
        ...workspace.environment(),
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    const gone = once(child, "exit");
    const answered = async (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(1000) }).then(
        (one) => one.ok,
        () => false,
      );
    const until = performance.now() + 30_000;
    while (!(await answered("/ready"))) {
      if (child.exitCode !== null || performance.now() > until) throw new Error(`It is not ready. It said:\n${said}`);
      await new Promise((soon) => setTimeout(soon, 50));
    }
    expect(await answered("/live")).toBe(true);
    child.kill("SIGTERM");
    expect(await gone).toEqual([0, null]);
  }, 90_000);

  test("runs as somebody who is not root, checks its health, and carries no embedded PostgreSQL", () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
    expect(dockerfile).toContain("npm ci --omit=dev --omit=optional");
  });

  test("is built from a base that a release pins, and runs nothing of a package while it is installed", () => {
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=\S+$/m);
    expect(dockerfile.match(/^FROM .*$/gm)).toHaveLength(3);
    expect(dockerfile.match(/^FROM \$\{NODE_IMAGE\}/gm)).toHaveLength(3);
    for (const [line] of dockerfile.matchAll(/^RUN npm (?:ci|install).*$/gm)) expect(line).toContain("npm ci");
    for (const [line] of dockerfile.matchAll(/^RUN npm ci.*$/gm)) expect(line).toContain("--ignore-scripts");
  });

  test("starts the bot with a node that its user can't read, so that scripts can't read its environment", () => {
    expect(dockerfile).toMatch(/^RUN cp \S+\/node (\S+\/lifeboat-node) && chmod 0711 \1\nUSER node$/m);
  });
});
