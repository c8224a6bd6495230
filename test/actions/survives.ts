import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { attempt, type Outcome, takeOver } from "./attempt.ts";
import { type Conductor, conduct } from "./conductor.ts";
import { performAndDie } from "./crash.ts";
import { describeWith } from "./present.ts";
import { Asked, DANGERS, type Danger, type Fault, type Proof, type Scene, type Trial, until } from "./trial.ts";

/** What each danger is, as faults of the target. The others have a test of their own shape. */
const FAULTS: Readonly<Partial<Record<Danger, readonly Fault[]>>> = {
  "reply lost": ["replyLost"],
  "error after accepting": ["errorAfter"],
  refused: ["refused", "error"],
  hanging: ["hang", "hangAfter"],
  "answered, not done": ["lie"],
};
const DEATHS = { "killed before": "before", "killed during": "during", "killed after": "after" } as const;

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
    for (const trial of trials)
      describe([trial.action, trial.of].filter(Boolean).join(" "), () => tests(trial, actions));
  });
}

function tests(trial: Trial, actions: Proof["actions"]): void {
  const { action: id, requests = 1, seconds = {}, instead = {} } = trial;
  const { usual = 5, hanging = 0.8, lie = 1.5, between = 0.03 } = seconds;
  let scene: Scene;
  let conductor: Conductor;
  let attempts = 0;
  beforeEach(async () => {
    scene = await trial.begin();
    conductor = conduct({ ...scene.secrets }, actions ? { actions } : {});
    for (const [step, evidence] of Object.entries(scene.evidence ?? {})) conductor.remember(step, evidence);
    attempts = 0;
  }, 120_000);
  afterEach(async () => void (await scene?.close?.()), 60_000);
  const within = Math.max(30_000, usual * 8_000);

  test(
    "does it once, and finds it done; knows the way back or says why there is none",
    async () => {
      expect(await facts()).toEqual(await facts());
      expect(await scene.sent()).toBe(0);
      const outcome = await go();
      expect(outcome).toMatchObject({ is: "verified" });
      expect(await scene.holds()).toBe(true);
      expect(await scene.accepted()).toBe(requests);
      // What can not be seen afterwards is never done again by itself.
      const seen = action().repeat === "destructive" ? ["yes", "no"] : ["yes"];
      expect(seen).toContain(await found(outcome.before));
      const undo = action().undo(outcome.before, action().input.parse(scene.input));
      expect(undo.possible ? undo.says : undo.why).toMatch(/\w+ \S+/);
    },
    within,
  );

  for (const danger of DANGERS) {
    if (danger in instead) continue;
    const places = trial.inTurn && (danger === "reply lost" || danger === "killed during") ? requests : 1;
    for (const [fault, passed] of (FAULTS[danger] ?? []).flatMap((fault) => placed(fault, places))) {
      test(
        `${danger} (${fault}${nth(passed, places)}): at most one effect, and it ends right or asks a person`,
        async () => {
          scene.throw(fault, passed);
          const failSeconds = fault.startsWith("hang") ? hanging : fault === "lie" ? lie : usual;
          await expectRight(await carryOn(await go({ failSeconds })));
        },
        within,
      );
    }
    for (const [dies, passed] of placed(DEATHS[danger as keyof typeof DEATHS], places)) {
      if (dies === undefined) continue;
      test(
        `${danger} the call${nth(passed, places)}: no second effect, and it ends right or asks a person`,
        async () => {
          const before = await (trial.kill ? killed(dies, trial.kill.at) : died(dies, passed));
          expect(await scene.accepted()).toBeGreaterThanOrEqual(dies === "before" ? 0 : 1);
          if (dies === "before") expect(await scene.accepted()).toBe(0);
          await expectRight(await carryOn(await takeOver(conductor, id, scene.input, before, usual)));
        },
        within,
      );
    }
  }

  if (!("done by hand" in instead)) {
    test(
      "done by hand: nothing is sent",
      async () => {
        const before = trial.intentFirst ? await look() : null;
        await must(scene, "byHand")();
        const outcome = await go({ before });
        expect(["verified", "failed", "asksAPerson"]).toContain(outcome.is);
        expect(await scene.sent()).toBe(0);
      },
      within,
    );
  }
  if (!("wrong state" in instead)) {
    test(
      "wrong state: nothing is sent",
      async () => {
        const input = inputOf(await must(scene, "wrong")());
        expect(await go({ input })).toMatchObject({
          is: "failed",
          why: expect.stringMatching(`^blocked: .*${scene.blocks ?? ""}`),
        });
        expect(await scene.sent()).toBe(0);
      },
      within,
    );
  }
  if (!("another target" in instead)) {
    test(
      "another target: nothing is sent",
      async () => {
        const input = inputOf(await must(scene, "other")());
        expect(await go({ input })).toMatchObject({ is: "failed" });
        expect(await scene.sent()).toBe(0);
      },
      within,
    );
  }

  const action = () => conductor.action(id);
  const inputOf = (said: unknown) => (said instanceof Asked ? said.input : scene.input);
  async function go(how: { failSeconds?: number; before?: unknown; input?: unknown } = {}): Promise<Outcome> {
    attempts += 1;
    const { input = scene.input, failSeconds = usual, before = null } = how;
    return await attempt(conductor, id, input, { failSeconds, before });
  }
  async function carryOn(first: Outcome): Promise<Outcome> {
    let outcome = first;
    for (let n = 1; outcome.is === "failed" && n < 4; n++) {
      await pause(between * 1000);
      outcome = await go({ before: outcome.before });
    }
    return outcome;
  }
  async function look(): Promise<unknown> {
    const input = action().input.parse(scene.input);
    return JSON.parse(JSON.stringify(await action().observe(conductor.context, input)));
  }
  async function found(before: unknown) {
    return action().done(await look(), action().input.parse(scene.input), before);
  }
  async function facts() {
    const input = action().input.parse(scene.input);
    const seen = await action().observe(conductor.context, input);
    expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
    return action()
      .facts(seen, input)
      .filter(({ material }) => material);
  }

  /** In this process: whoever waits for an answer is not listened to any more. */
  async function died(dies: "before" | "during" | "after", passed: number): Promise<unknown> {
    if (dies === "during") scene.throw("hangAfter", passed);
    attempts += 1;
    const reached = () => until("the request having had its effect", async () => (await scene.accepted()) > passed);
    const outcome = await attempt(conductor, id, scene.input, { dies, reached, failSeconds: 60 });
    expect(outcome).toMatchObject({ is: "died" });
    return outcome.before;
  }
  async function killed(dies: "before" | "during" | "after", at: string): Promise<unknown> {
    if (dies === "during") scene.throw("hangAfter");
    const effect = until("the request having had its effect", async () => (await scene.accepted()) > 0, 60);
    effect.catch(() => {});
    attempts += 1;
    const death = dies === "before" ? { at } : dies === "during" ? { when: effect } : {};
    const dead = await performAndDie(id, scene.input, { ...death, secrets: { ...scene.secrets } });
    expect(dead.applied).toBe(dies === "after");
    return dead.before;
  }

  async function expectRight(outcome: Outcome): Promise<void> {
    if (!trial.absolute) expect(await scene.accepted()).toBeLessThanOrEqual(requests);
    if (!trial.absolute && requests === 1) expect(await scene.sent()).toBeLessThanOrEqual(attempts);
    // What may not be repeated blindly, and whose fate is unknown, is for a person.
    const asks = action().repeat === "toggle" || action().repeat === "destructive";
    const why = "why" in outcome ? outcome.why : "";
    expect([outcome.is, why]).toEqual([expect.stringMatching(asks ? /^verified|asksAPerson$/ : /^verified$/), why]);
    if (outcome.is === "verified") expect(await scene.holds()).toBe(true);
  }
}

function placed<T>(what: T, places: number): (readonly [T, number])[] {
  return Array.from({ length: places }, (_, passed) => [what, passed] as const);
}

function nth(passed: number, places: number): string {
  return places === 1 ? "" : `, request ${passed + 1} of ${places}`;
}

/** A trial that does not excuse itself from a danger has to bring it about. */
function must(scene: Scene, what: "byHand" | "wrong" | "other"): () => unknown {
  const found = scene[what];
  if (!found) throw new Error(`The scene has no ${what}: write one, or say instead why it can not happen.`);
  return () => found.call(scene);
}
