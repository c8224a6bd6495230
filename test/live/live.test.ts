import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { describeWith } from "../actions/present.ts";
import { built } from "../built.ts";
import { hold } from "./hold.ts";
import { targets } from "./targets.ts";

/**
 * Each target's contract, over its stand-in as a process of its own that is pointed to by the environment, as the real one
 * would be. Over the real one: `npm run test:live -- <target>`.
 */
for (const target of targets) {
  const describe = await describeWith(target.needs?.programs ?? [], target.needs?.packages ?? []);

  describe(`the contract of ${target.title}`, () => {
    let served: Served;
    let before: string | undefined;
    beforeAll(async () => {
      served = await serve(target.id);
      before = process.env.AWS_ENDPOINT_URL;
      if (served.environment.AWS_ENDPOINT_URL) process.env.AWS_ENDPOINT_URL = served.environment.AWS_ENDPOINT_URL;
    }, 120_000);
    afterAll(async () => {
      if (before === undefined) delete process.env.AWS_ENDPOINT_URL;
      else process.env.AWS_ENDPOINT_URL = before;
      await served?.stop();
    }, 30_000);

    test("with nothing named to be changed, it is only looked at, and what would be done is said", async () => {
      const lines: string[] = [];
      const held = await hold(target, served.environment, null, (line) => lines.push(line));
      const failed = lines.filter((line) => line.startsWith("✗"));
      expect(failed).toEqual([]);
      expect(held.some(({ ok }) => ok === true)).toBe(true);
      expect(held.some(({ ok }) => ok === null)).toBe(true);
      expect(lines[0]).toBe("Nothing will be changed: --may-change names nothing.");
      expect(lines.join("\n")).toContain(target.mayChange.does);
    }, 60_000);

    test("with that one thing named, all of it holds", async () => {
      const lines: string[] = [];
      const held = await hold(target, served.environment, served.mayChange, (line) => lines.push(line));
      expect(held.filter(({ ok }) => ok !== true).map(({ says }) => [says, lines])).toEqual([]);
    }, 120_000);
  });
}

test("where the real one is has to be said whole", async () => {
  const [kubernetes] = targets;
  const half = { KUBECONFIG: "/nowhere" };
  if (!kubernetes) throw new Error("No target");
  await expect(hold(kubernetes, half, null, () => {})).rejects.toThrow(/KUBE_CLUSTER_UID: kubectl get namespace/);
});

interface Served {
  readonly environment: Readonly<Record<string, string>>;
  readonly mayChange: string;
  stop(): Promise<void>;
}

/** Reads what it prints as a shell would. */
async function serve(id: string): Promise<Served> {
  const child: ChildProcess = spawn(process.execPath, [await built("test/live/serve.ts"), id], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const environment: Record<string, string> = {};
  const unquoted = (value: string) => value.replace(/^'|'$/g, "").replaceAll("'\\''", "'");
  if (!child.stdout) throw new Error("It prints nowhere");
  for await (const line of createInterface({ input: child.stdout })) {
    const given = /^export ([A-Z0-9_]+)=(.*)$/.exec(line);
    if (given) environment[given[1] as string] = unquoted(given[2] as string);
    const named = /--may-change (.*)$/.exec(line);
    if (!named) continue;
    return {
      environment,
      mayChange: unquoted(named[1] as string),
      async stop() {
        const gone = once(child, "exit");
        child.stdin?.end();
        await gone;
      },
    };
  }
  throw new Error(`test/live/serve.ts ${id} ended without saying what may be changed`);
}
