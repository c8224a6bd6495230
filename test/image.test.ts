import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createWorkspace, type Workspace } from "../practice/slack/index.ts";
import { freePort } from "../src/lib/port.ts";
import { projectRoot } from "../src/lib/root.ts";
import { testServer } from "./support/postgres.ts";

/**
 * No container engine is needed for this: the last stage of the Dockerfile is laid out in a folder, from its own COPY
 * lines, made read-only, and its CMD is run against a real PostgreSQL and a local Slack.
 */
const root = projectRoot();
let image: string;
/** Where what the build made of the sources was before it was copied: source maps are relative to it. */
let built: string;
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
  built = join(image, "..", `${image.split("/").at(-1)}-dist`);
  await promisify(execFile)("npm", ["run", "build", "--", `--outdir=${built}`], { cwd: root });
  const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  for (const [, stage, what] of last.matchAll(/^COPY (?:--from=(\w+) )?(.+)$/gm)) {
    const words = (what as string).split(" ");
    const to = words.pop() as string;
    for (const from of words) {
      const target = to.endsWith("/") ? join(image, to, from) : join(image, to);
      await mkdir(dirname(target), { recursive: true });
      if (stage === "dependencies") await linkPackages(target);
      else if (stage === "build") await cp(built, target, { recursive: true });
      else await cp(join(root, from), target, { recursive: true });
    }
  }
  await rm(built, { recursive: true, force: true });
  await promisify(execFile)("chmod", ["-R", "a-w", image]);
  await chmod(image, 0o555);
}

/** Folders of the packages that the Dockerfile's own `npm ci` installs, by the lock file. */
async function packagesOfImage(): Promise<string[]> {
  const [, flags = ""] = /^RUN npm ci (--omit=dev .*)$/m.exec(dockerfile) ?? [];
  const list = ["ls", "--all", "--package-lock-only", "--parseable", ...flags.split(" ")];
  const { stdout } = await promisify(execFile)("npm", list, { cwd: root });
  const [, ...folders] = stdout.trim().split("\n");
  return folders.map((folder) => relative(join(root, "node_modules"), folder));
}

async function linkPackages(target: string): Promise<void> {
  for (const name of await packagesOfImage()) {
    if (name.includes("/node_modules/")) continue;
    await mkdir(dirname(join(target, name)), { recursive: true });
    await symlink(join(root, "node_modules", name), join(target, name));
  }
}

/** What is in the build, by its source maps: paths in the project. */
async function sourcesOfImage(files: readonly string[]): Promise<string[]> {
  const maps = files.filter((file) => /^dist\/.*\.js\.map$/.test(file));
  const found = maps.map(async (file) => {
    const { sources } = JSON.parse(await readFile(join(image, file), "utf8")) as { sources: string[] };
    const folder = join(built, dirname(relative("dist", file)));
    return sources.map((source) => relative(root, resolve(folder, source)));
  });
  return (await Promise.all(found)).flat();
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
        LIFEBOAT_INTERNAL_LISTEN: String(port),
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

  test("holds nothing of practice: neither its code nor what it alone is made of", async () => {
    const files = await readdir(image, { recursive: true });
    expect(files.filter((file) => /^(dist\/)?(practice|src\/practice)(\/|$)/.test(file))).toEqual([]);
    expect(await readdir(join(image, "dist"))).toEqual(["src"]);
    const sources = await sourcesOfImage(files);
    expect(sources.filter((source) => source === "src/bot.ts")).toHaveLength(1);
    expect(sources.filter((source) => !/^(src|commands|templates)\//.test(source))).toEqual([]);
    const installed = await packagesOfImage();
    expect(installed).toContain("pg");
    const { dependencies } = JSON.parse(await readFile(join(root, "practice/package.json"), "utf8"));
    const { dependencies: shipped } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    // The Kubernetes client brings this one for itself.
    const own = Object.keys(dependencies).filter((name) => !(name in shipped) && name !== "ws");
    expect(own).toEqual(["htm", "postal-mime", "preact", "smtp-server"]);
    expect(installed.filter((name) => own.includes(name) || name === "lifeboat-practice")).toEqual([]);
  });

  test("says in one sentence where practice is had", async () => {
    const run = promisify(execFile)(process.execPath, ["dist/src/cli.js", "practice"], { cwd: image });
    const { code, stdout, stderr } = await run.then(
      () => ({ code: 0, stdout: "", stderr: "" }),
      (failed) => failed as { code: number; stdout: string; stderr: string },
    );
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe("Practice isn't part of this installation. In a checkout of Lifeboat: npm ci && npm start.\n");
  });

  test("runs as someone who is not root, checks its health, and carries no embedded PostgreSQL", () => {
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
