import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";

const where = { cwd: projectRoot(), env: { PATH: process.env.PATH ?? "", LIFEBOAT_SYSTEMS: "/nonexistent" } };
const LINES_MAX = 40;

async function lifeboat(...given: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const program = [await built("src/cli.ts"), ...given];
  return new Promise((done) =>
    execFile(process.execPath, program, where, (error, out, err) =>
      done({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
    ),
  );
}

const VERBS = [
  ..."lint init permissions verify doctor keys manifest migrate erase accept-store dr bot unenroll practice".split(" "),
] as const;

describe("the command line answers a question, without a catalogue, a store or a bot", () => {
  test("help of everything, and of each command", async () => {
    const all = await lifeboat("--help");
    expect([all.code, all.err]).toEqual([0, ""]);
    const each = await Promise.all(VERBS.map((verb) => lifeboat(verb, "--help")));
    for (const [i, said] of each.entries()) {
      expect({ verb: VERBS[i], code: said.code, err: said.err }).toEqual({ verb: VERBS[i], code: 0, err: "" });
      expect(said.out).toContain(`lifeboat ${VERBS[i]}`);
      expect(all.out).toContain(`lifeboat ${VERBS[i]}`);
      expect(said.out.split("\n").length).toBeLessThan(LINES_MAX);
    }
    expect(Math.max(...all.out.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(120);
  }, 60_000);

  test("its version", async () => {
    expect((await lifeboat("--version")).out).toMatch(/^lifeboat \d+\.\d+\.\d+\n$/);
  }, 30_000);

  test.each([
    [["bogus"], 2, /There is no "bogus"/],
    [["lint", "--hlep"], 2, /Unknown option '--hlep'/],
    [["verify", "--bogus"], 2, /Unknown option '--bogus'/],
    [["practice", "--port"], 2, /--port/],
    [["practice", "--kill"], 2, /--kill/],
    [["verify", "--against", "/nonexistent/heads"], 1, /ENOENT|no such file/],
    [["init", "nothing"], 1, /nothing/],
  ] as const)(
    "%j: what is wrong, on one screen and without a trace",
    async (given, code, says) => {
      const said = await lifeboat(...given);
      expect(said).toMatchObject({ code, err: expect.stringMatching(says) });
      expect(said.err).not.toMatch(/^\s+at /m);
      expect(said.err.split("\n").length).toBeLessThan(LINES_MAX + 15);
    },
    30_000,
  );

  test("a reader that has read enough is no error", async () => {
    const child = spawn(process.execPath, [await built("src/cli.ts"), "practice", "--help"], where);
    child.stdout.destroy();
    let err = "";
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const [code] = await once(child, "close");
    expect([code, err]).toEqual([0, ""]);
  }, 30_000);
});
