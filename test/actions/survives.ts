import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Death } from "./attempt.ts";
import { Bout } from "./bout.ts";
import { describeWith } from "./present.ts";
import { DANGERS, type Danger, type Fault, type Proof, type Trial } from "./trial.ts";

/** What each danger is, as a fault of the target or as a death. The others have a test of their own shape. */
const FAULTS: Readonly<Partial<Record<Danger, readonly Fault[]>>> = {
  "reply lost": ["dropAfter"],
  "error after accepting": ["failAfter"],
  refused: ["throttle", "fail"],
  hanging: ["hang", "hangAfter"],
  "answered, not done": ["lie"],
};
const DEATHS: Readonly<Partial<Record<Danger, readonly Death[]>>> = {
  "killed before": ["before"],
  "killed during": ["during"],
  "killed after": ["after"],
};

/**
 * Every trial of a target against every danger it does not excuse itself from, told from the target's side: by the
 * ledger. To be called at the top of one test file of the target's folder; what it opens is there for the whole file.
 */
export async function survives({ needs, open, close, trials, actions }: Proof): Promise<void> {
  const here = needs ? await describeWith(needs.programs, needs.packages) : describe;
  if (here === describe) {
    beforeAll(async () => void (await open?.()), 120_000);
    afterAll(async () => void (await close?.()), 60_000);
  }
  if (trials.length === 0) return;
  here("survives", () => {
    for (const trial of trials) {
      describe([trial.action, trial.of].filter(Boolean).join(" "), () => everything(trial, actions));
    }
  });
}

function everything(trial: Trial, actions: Proof["actions"]): void {
  const { requests = 1, seconds = {}, instead = {} } = trial;
  const within = Math.max(trial.kill ? 120_000 : 30_000, (seconds.usual ?? 0) * 8_000);
  let bout: Bout;
  beforeEach(async () => {
    bout = await Bout.begin(trial, actions);
  }, 120_000);
  afterEach(async () => void (await bout?.scene.close?.()), 60_000);

  test(
    "does it once, and finds it done; is undone, or says why nothing undoes it",
    async () => {
      expect(await bout.materialFacts()).toEqual(await bout.materialFacts());
      await bout.expectNothingSent();
      const outcome = await bout.go();
      expect(outcome).toMatchObject({ is: "verified" });
      expect([await bout.scene.holds(), await bout.scene.accepted()]).toEqual([true, requests]);
      // What can not be seen afterwards is never done again by itself.
      const seen = bout.action.repeat === "destructive" ? ["yes", "no"] : ["yes"];
      expect(seen).toContain(await bout.found(outcome.before));
      const back = bout.inverse(outcome.before);
      expect(back.says).toMatch(/\w+ \S+/);
      // The plan said as much before anything was done.
      const ahead = bout.action.undo.ahead(bout.action.input.parse(bout.scene.input)).kind;
      if (ahead !== "step") expect(back.kind).toBe(ahead);
      if (back.kind === "step") await bout.expectUndone(back, outcome.before);
    },
    within,
  );

  for (const danger of DANGERS.filter((one) => !(one in instead))) {
    const each = trial.inTurn && (danger === "reply lost" || danger === "killed during") ? requests : 1;
    for (const [fault, after] of placed(FAULTS[danger], each)) {
      test(
        `${danger} (${fault}${nth(after, each)}): at most one effect, and it ends right or asks a person`,
        async () => bout.expectRight(await bout.meets(fault, after)),
        within,
      );
    }
    for (const [dies, after] of placed(DEATHS[danger], each)) {
      test(
        `${danger} the call${nth(after, each)}: no second effect, and it ends right or asks a person`,
        async () => bout.expectRight(await bout.outlives(dies, after)),
        within,
      );
    }
    const bring = BROUGHT[danger];
    if (bring) test(`${danger}: nothing is sent`, () => bring(bout, trial), within);
  }
}

const BROUGHT: Readonly<Partial<Record<Danger, (bout: Bout, trial: Trial) => Promise<void>>>> = {
  async "done by hand"(bout, { intentFirst }) {
    const before = intentFirst ? await bout.look() : null;
    await bout.brings("byHand");
    expect(["verified", "failed", "asksAPerson"]).toContain((await bout.go({ before })).is);
    await bout.expectNothingSent();
  },
  async "wrong state"(bout) {
    const input = await bout.brings("wrong");
    const why = expect.stringMatching(`^blocked: .*${bout.scene.blocks ?? ""}`);
    expect(await bout.go({ input })).toMatchObject({ is: "failed", why });
    await bout.expectNothingSent();
  },
  async "another target"(bout) {
    const input = await bout.brings("other");
    expect(await bout.go({ input })).toMatchObject({ is: "failed" });
    await bout.expectNothingSent();
  },
};

function placed<T>(all: readonly T[] = [], places: number): (readonly [T, number])[] {
  return all.flatMap((one) => Array.from({ length: places }, (_, after) => [one, after] as const));
}

function nth(after: number, places: number): string {
  return places === 1 ? "" : `, request ${after + 1} of ${places}`;
}
