import { execFile } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { systems } from "../../practice/systems/index.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `npm run practice -- …`, as a shell would see it. */
async function practice(given: readonly string[], environment: Record<string, string> = {}): Promise<Said> {
  const args = [await built("src/cli.ts"), "practice", ...given];
  return new Promise((done) => {
    const options = { cwd: projectRoot(), env: { ...process.env, NODE_OPTIONS: "", ...environment } };
    execFile(process.execPath, args, options, (error, out, err) =>
      done({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
    );
  });
}

/** No program of Debian's is found there. */
const bare = { PATH: "/nonexistent" };

describe("what to practise is said on the command line", () => {
  test.each([
    [
      ["--system", "practise"],
      /There is no system "practise" to practise\. Systems: practice\b.*Did you mean --system practice\?/,
    ],
    [["--all", "--system", "nothing"], /There is no system "nothing" to practise\. Systems: practice/],
    [["--headless", "databse"], /Practice orders: There is no runbook "databse"\. Runbooks: database-check, .*\./],
    [["--headless", "database-rejoin", "--unplanned"], /This runbook has no unplanned mode/],
    [["--port", "4190"], /--port 4190: Browsers refuse to connect to this port\. Give another one/],
    [["--port", "80o"], /--port 80o: This is no port\. A whole number from 1024 to 65535\./],
  ] as const)(
    "%j: what is wrong, and what there is",
    async (given, says) => {
      const said = await practice(given);
      expect(said.err).toMatch(says);
      expect(said.code).toBe(1);
    },
    60_000,
  );

  const needy = systems.find(({ needs }) => needs.length > 0);
  (needy ? test : test.skip)(
    "a system whose programs are absent: the command that brings them; it counts unless told otherwise",
    async () => {
      const { system = "", needs = [] } = needy ?? {};
      const [counted, left, started] = await Promise.all([
        practice(["--all", "--system", system, "--json"], bare),
        practice(["--all", "--system", system, "--present-only"], bare),
        practice(["--system", system], bare),
      ]);
      const install = `apt-get install --no-install-recommends ${needs[0]?.package}`;
      expect(counted.code).toBe(1);
      expect(counted.out).toContain(install);
      const { runbooks } = JSON.parse(counted.out.trim().split("\n").at(-1) ?? "");
      expect(runbooks.length).toBeGreaterThan(0);
      expect(new Set(runbooks.map(({ outcome }: { outcome: string }) => outcome))).toEqual(new Set(["absent"]));
      expect(left.code).toBe(0);
      expect(started).toMatchObject({ code: 1, err: expect.stringContaining(install) });
    },
    150_000,
  );
});

describe("every runbook of a system", () => {
  test("ends verified in each of its modes; a table, and one line for machines", async () => {
    const { code, out, err } = await practice(["--all", "--system", "practice", "--json"]);
    expect(err).toBe("");
    const { runbooks } = JSON.parse(out.trim().split("\n").at(-1) ?? "");
    expect(runbooks.map((one: Record<string, unknown>) => [one.system, one.runbook, one.mode, one.outcome])).toEqual(
      [
        ["database-check", "planned"],
        ["database-check", "unplanned"],
        ["database-failover", "planned"],
        ["database-failover", "unplanned"],
        ["database-rejoin", "planned"],
        ["practice-manual", "planned"],
        ["region-failover", "planned"],
        ["region-failover", "unplanned"],
      ].map(([runbook, mode]) => ["practice", runbook, mode, "verified"]),
    );
    expect(runbooks[2]).toMatchObject({
      rto: { objectiveSeconds: 300, met: true },
      rpo: { seconds: 0, rowsLost: 0 },
      parts: [{ kind: "real" }, { kind: "real" }],
      problem: null,
    });
    expect(out).toMatch(
      /^practice\/database-failover +planned +verified +[\d.]+ s \(5 min\) +0 s, 0 rows +[\d.]+ +2 real$/m,
    );
    expect(out).toContain("8 of 8 ended verified.");
    expect(code).toBe(0);
  }, 400_000);
});
