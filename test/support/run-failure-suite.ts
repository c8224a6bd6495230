import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Death } from "./attempt.ts";
import { describeWith } from "./describe-with.ts";
import { FAILURE_MODES, type FailureCase, type FailureMode, type FailureSuite, type Fault } from "./failure-case.ts";
import { FailureRun } from "./failure-run.ts";

/** What each danger is, as a fault of the target or as a death. The others have a test of their own shape. */
const FAULTS: Readonly<Partial<Record<FailureMode, readonly Fault[]>>> = {
  "reply lost": ["dropAfter"],
  "error after accepting": ["failAfter"],
  refused: ["throttle", "fail"],
  hanging: ["hang", "hangAfter"],
  "answered, not done": ["lie"],
};
const DEATHS: Readonly<Partial<Record<FailureMode, readonly Death[]>>> = {
  "killed before": ["before"],
  "killed during": ["during"],
  "killed after": ["after"],
};

/**
 * Every trial of a target against every danger it does not excuse itself from, told from the target's side: by the
 * ledger. To be called at the top of one test file of the target's folder; what it opens is there for the whole file.
 */
export async function runFailureSuite({ needs, open, close, cases, actions }: FailureSuite): Promise<void> {
  const here = needs ? await describeWith(needs.programs, needs.packages) : describe;
  if (here === describe) {
    beforeAll(async () => void (await open?.()), 120_000);
    afterAll(async () => void (await close?.()), 60_000);
  }
  if (cases.length === 0) return;
  here("survives", () => {
    for (const failureCase of cases) {
      describe([failureCase.action, failureCase.of].filter(Boolean).join(" "), () => everything(failureCase, actions));
    }
  });
}

function everything(failureCase: FailureCase, actions: FailureSuite["actions"]): void {
  const { requests = 1, seconds = {}, instead = {} } = failureCase;
  const within = Math.max(failureCase.kill ? 120_000 : 30_000, (seconds.usual ?? 0) * 8_000);
  let run: FailureRun;
  beforeEach(async () => {
    run = await FailureRun.begin(failureCase, actions);
  }, 120_000);
  afterEach(async () => void (await run?.fixture.close?.()), 60_000);

  test(
    "does it once, and finds it done; is undone, or says why nothing undoes it",
    async () => {
      expect(await run.materialFacts()).toEqual(await run.materialFacts());
      await run.expectNothingSent();
      const outcome = await run.go();
      expect(outcome).toMatchObject({ is: "verified" });
      expect([await run.fixture.holds(), await run.fixture.accepted()]).toEqual([true, requests]);
      // What can't be seen afterwards is never done again by itself.
      const seen = run.action.repeat === "destructive" ? ["yes", "no"] : ["yes"];
      expect(seen).toContain(await run.found(outcome.before));
      const back = run.inverse(outcome.before);
      expect(back.says).toMatch(/\w+ \S+/);
      // The plan said as much before anything was done.
      const ahead = run.action.undo.ahead(run.action.input.parse(run.fixture.input)).kind;
      if (ahead !== "step") expect(back.kind).toBe(ahead);
      if (back.kind === "step") await run.expectUndone(back, outcome.before);
    },
    within,
  );

  for (const mode of FAILURE_MODES.filter((one) => !(one in instead))) {
    const each = failureCase.inTurn && (mode === "reply lost" || mode === "killed during") ? requests : 1;
    for (const [fault, after] of placed(FAULTS[mode], each)) {
      test(
        `${mode} (${fault}${nth(after, each)}): at most one effect, and it ends right or asks a person`,
        async () => run.expectRight(await run.meets(fault, after)),
        within,
      );
    }
    for (const [dies, after] of placed(DEATHS[mode], each)) {
      test(
        `${mode} the call${nth(after, each)}: no second effect, and it ends right or asks a person`,
        async () => run.expectRight(await run.outlives(dies, after)),
        within,
      );
    }
    const bring = BROUGHT[mode];
    if (bring) test(`${mode}: nothing is sent`, () => bring(run, failureCase), within);
  }
}

const BROUGHT: Readonly<Partial<Record<FailureMode, (run: FailureRun, failureCase: FailureCase) => Promise<void>>>> = {
  async "done by hand"(run, { intentFirst }) {
    const before = intentFirst ? await run.look() : null;
    await run.brings("byHand");
    expect(["verified", "failed", "asksAPerson"]).toContain((await run.go({ before })).is);
    await run.expectNothingSent();
  },
  async "wrong state"(run) {
    const input = await run.brings("wrong");
    const why = expect.stringMatching(`^blocked: .*${run.fixture.blocks ?? ""}`);
    expect(await run.go({ input })).toMatchObject({ is: "failed", why });
    await run.expectNothingSent();
  },
  async "another target"(run) {
    const input = await run.brings("other");
    expect(await run.go({ input })).toMatchObject({ is: "failed" });
    await run.expectNothingSent();
  },
};

function placed<T>(all: readonly T[] = [], places: number): (readonly [T, number])[] {
  return all.flatMap((one) => Array.from({ length: places }, (_, after) => [one, after] as const));
}

function nth(after: number, places: number): string {
  return places === 1 ? "" : `, request ${after + 1} of ${places}`;
}
