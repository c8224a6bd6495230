import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openServer } from "../../../practice/kit/server.ts";
import { sha256 } from "../../../src/lib/canonical.ts";
import { type FailureCase, type FailureSuite, struck } from "../../support/failure-case.ts";

let folder: string;

/** Makes one request, and fails when it is not answered well. */
const SCRIPT = `const answer = await fetch(process.argv[2], { method: "PUT", body: "on" });
if (!answer.ok) process.exit(1);
`;

/** A script changes something over HTTP, which is its target here. */
const run: FailureCase = {
  action: "script.run",
  seconds: { hanging: 1.5, lie: 3 },
  async begin() {
    let effect = "off";
    const world = await openServer({
      isWrite: ({ method }) => method === "PUT",
      answer({ method, body }) {
        if (method === "PUT") effect = body.toString("utf8");
        return { status: 200, body: { effect } };
      },
    });
    const path = join(folder, `${Math.random()}.mjs`);
    await writeFile(path, SCRIPT);
    await chmod(path, 0o755);
    const hash = sha256(await readFile(path));
    return {
      input: {
        script: { name: "switch-on", path, sha256: hash, environment: [] },
        arguments: [world.url],
        observe: { url: world.url, json: { effect: "on" } },
        settleSeconds: 0.5,
        timeoutSeconds: 3,
      },
      ...struck(world),
      holds: () => effect === "on",
      byHand() {
        effect = "on";
      },
      wrong: () => writeFile(path, `${SCRIPT}// and more\n`),
      blocks: "script.unchanged",
      close: () => world.close(),
    };
  },
  instead: {
    "another target":
      "what a script acts on is in its arguments, which the plan's hash binds; another script in its place is the wrong state",
  },
};

export const suite: FailureSuite = {
  async open() {
    folder = await mkdtemp(join(tmpdir(), "lifeboat-scripts-"));
  },
  close: () => rm(folder, { recursive: true, force: true }),
  cases: [run],
};
