import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { absent } from "../../practice/environment/fleet.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { describeWith } from "../support/describe-with.ts";
import { dealsOf, hold } from "./hold.ts";
import { type Served, type Serving, serve } from "./served.ts";
import { targetNamed, targets } from "./targets.ts";
import { noteTested, programOf, versionOf } from "./tested.ts";

/**
 * Each target's contract, over its stand-in in another process that is pointed to by the environment, as the real one
 * would be. Over the real one: `npm run test:live -- <target>`.
 */
let serving: Serving;
beforeAll(async () => {
  const missing = await Promise.all(targets.map(({ needs }) => absent(needs?.programs ?? [])));
  serving = await serve(targets.filter((_, i) => missing[i]?.length === 0).map(({ id }) => id));
}, 120_000);
afterAll(() => serving?.stop(), 60_000);

for (const target of targets) {
  const describe = await describeWith(target.needs?.programs ?? [], target.needs?.packages ?? []);

  describe(`the contract of ${target.title}`, () => {
    let served: Served;
    let before: string | undefined;
    beforeAll(async () => {
      served = await serving.of(target.id);
      before = process.env.AWS_ENDPOINT_URL;
      if (served.environment.AWS_ENDPOINT_URL) process.env.AWS_ENDPOINT_URL = served.environment.AWS_ENDPOINT_URL;
    }, 120_000);
    afterAll(() => {
      if (before === undefined) delete process.env.AWS_ENDPOINT_URL;
      else process.env.AWS_ENDPOINT_URL = before;
    });

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
      const program = programOf(target);
      if (program === null) return;
      const noted = { target: target.id, program, by: "suite", held: dealsOf(target).map(({ says }) => says) };
      await noteTested(noted, () => versionOf(target, served.environment));
    }, 120_000);
  });
}

test("where the real one is has to be said whole", async () => {
  const half = { KUBECONFIG: "/nowhere" };
  await expect(hold(targetNamed("kubernetes"), half, null, () => {})).rejects.toThrow(
    /KUBE_CLUSTER_UID: kubectl get namespace/,
  );
});

test("CONTRIBUTING names every target with each of its settings", async () => {
  const text = await readFile(join(projectRoot(), "docs", "testing.md"), "utf8");
  for (const { id, settings } of targets) {
    const row = text.split("\n").find((line) => line.startsWith(`| \`${id}\` `)) ?? "";
    expect([id, ...settings.map(({ name }) => name).filter((name) => !row.includes(`\`${name}\``))]).toEqual([id]);
  }
});
