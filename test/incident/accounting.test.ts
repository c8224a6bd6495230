import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Plan, PlanStep } from "../../src/catalog/types.ts";
import { account, type PhaseName } from "../../src/incident/accounting.ts";
import { fold } from "../../src/incident/evolve.ts";
import { action, gate, IncidentScenario, manual, plan } from "../support/incident-scenario.ts";

const EXPIRES = 100_000;
const wait = (id: string, seconds: number): PlanStep => ({ id, title: id, when: null, kind: "wait", seconds });
const PLAN: Plan = plan([
  [gate("go", { expiresSeconds: EXPIRES, escalate: [] }), action("fence", { retries: 1 })],
  [gate("cut", { expiresSeconds: EXPIRES, escalate: [] }), action("promote", { retries: 1 })],
  [manual("tell"), wait("settle", 60), action("smoke", { risk: "read", retries: 1 })],
]);

/**
 * A run told by its script, which adds up by itself whose time passes: `spend` is told, and reads nothing of the log. The
 * answer of the code under test has to be the same.
 */
class Script {
  readonly story = new IncidentScenario();
  readonly spent: Record<PhaseName, number> = { detecting: 0, deciding: 0, people: 0, machines: 0 };
  #asks = 0;
  #facts = 0;

  constructor(detecting: number, deciding: number) {
    const impact = this.story.now;
    this.spend("detecting", detecting).story.declared("real", impact);
    this.spend("deciding", deciding).story.requested(PLAN);
  }

  spend(whose: PhaseName, seconds: number): this {
    this.spent[whose] += seconds;
    this.story.at(this.story.seconds + seconds);
    return this;
  }

  /** A preflight that takes this long. */
  look(seconds: number): this {
    this.spend("machines", seconds).story.preflighted({ factsHash: `facts-${++this.#facts}` });
    return this;
  }

  open(step: string): this {
    this.story.gateOpened(step, `ask-${++this.#asks}`);
    return this;
  }

  get ask(): string {
    return `ask-${this.#asks}`;
  }

  deny(): this {
    expect(this.story.deny("bo", this.ask)).toMatchObject({ kind: "accepted" });
    return this;
  }

  approve(): this {
    expect(this.story.approve("bo", this.ask)).toMatchObject({ kind: "accepted" });
    return this;
  }

  again(step: string): this {
    expect(this.story.asks("cy", { type: "retryStep", run: "run-1", step })).toMatchObject({ kind: "accepted" });
    return this;
  }

  pause(): this {
    expect(this.story.asks("ana", { type: "pause", run: "run-1", reason: null })).toMatchObject({ kind: "accepted" });
    return this;
  }

  resume(): this {
    expect(this.story.asks("ana", { type: "resume", run: "run-1" })).toMatchObject({ kind: "accepted" });
    return this;
  }

  /** The engine looks once more for so long, then starts it. */
  start(step: string, looking = 0): this {
    const begins = this.spend("machines", looking).story.starts(step);
    expect(begins.ok).toBe(true);
    return this;
  }

  work(seconds: number): this {
    return this.spend("machines", seconds);
  }

  fail(step: string, retryable: boolean): this {
    const attempt = this.story.run().steps.get(step)?.attempts ?? 1;
    const problem = { code: "x", what: "it failed" };
    this.story.happened({ type: "step.failed", data: { step, attempt, problem, retryable, seconds: 1 } });
    return this;
  }

  verify(step: string): this {
    const attempt = this.story.run().steps.get(step)?.attempts ?? 1;
    const data = { step, attempt, says: "done", facts: [], rpo: null, seconds: 1 };
    this.story.happened({ type: "step.verified", data });
    return this;
  }

  /** The engine itself gives up, a person takes so long, and it goes on. */
  stuck(seconds: number): this {
    this.story.happened({ type: "run.stuck", data: { problem: { code: "x", what: "the engine failed" } } });
    return this.spend("people", seconds).resume();
  }

  /** What the code says, of the state and of a state folded from the log. */
  counted(): Record<PhaseName, number> {
    const { story } = this;
    const known = account(story.state, story.run(), story.now);
    const folded = fold(story.state.id, story.log, story.plans);
    const run = folded.runs.get("run-1");
    expect(run && account(folded, run, story.now)).toEqual(known);
    const parts = known?.phases.map(({ name, seconds }) => [name, seconds]) ?? [];
    expect(parts.reduce((sum, [, seconds]) => sum + (seconds as number), 0)).toBe(known?.totalSeconds);
    expect(known?.totalSeconds).toBe(story.seconds);
    return Object.fromEntries(parts) as Record<PhaseName, number>;
  }
}

describe("where the minutes went", () => {
  test("two gates: the preflight of the second is no more of the machines' time than it took", () => {
    const run = new Script(60, 30).look(4).open("go").spend("people", 300).approve().start("fence", 2).work(5);
    run.verify("fence").look(3).open("cut").spend("people", 120).approve().start("promote", 1);
    expect(run.counted()).toEqual({ detecting: 60, deciding: 30, people: 420, machines: 15 });
  });

  test("a denial and “ask again”: waiting for the answer, and for someone to ask again, is people's", () => {
    const run = new Script(0, 10).look(4).open("go").spend("people", 50).deny().spend("people", 70).again("go");
    expect(run.look(6).open("go").spend("people", 20).counted()).toEqual({
      ...{ detecting: 0, deciding: 10, people: 140, machines: 10 },
    });
  });

  test("an approval that is void at the start, and is requested again", () => {
    const run = new Script(0, 0).look(4).open("go").spend("people", 50).approve().look(5);
    run.story.happened({ type: "gate.voided", data: { step: "go", ask: run.ask, why: "the facts changed" } });
    run.work(1).open("go").spend("people", 30);
    expect(run.counted()).toEqual({ detecting: 0, deciding: 0, people: 80, machines: 10 });
  });

  test("retries: by itself it is the machines' time, by a person theirs", () => {
    const run = new Script(0, 0).look(1).open("go").spend("people", 10).approve().start("fence");
    run.work(5).fail("fence", true).work(2).start("fence").work(7).fail("fence", true);
    run.spend("people", 90).again("fence").start("fence").work(3).verify("fence");
    expect(run.counted()).toEqual({ detecting: 0, deciding: 0, people: 100, machines: 18 });
  });

  test("a pause is people's, but for what is still in progress", () => {
    const run = new Script(0, 0).pause().spend("people", 11).resume().look(1).open("go");
    run.spend("people", 10).approve().start("fence").work(2).pause().work(3).verify("fence");
    run.spend("people", 40).resume().look(2).open("cut");
    expect(run.counted()).toEqual({ detecting: 0, deciding: 0, people: 61, machines: 8 });
  });

  test("a run of an older log, in which a later preflight says only when it ended", () => {
    const run = new Script(0, 0).look(2).open("go").spend("people", 156).approve().start("fence").work(4);
    run.verify("fence").look(1).open("cut").spend("people", 50);
    expect(run.counted()).toEqual({ detecting: 0, deciding: 0, people: 206, machines: 7 });
  });

  test("whatever happens in whatever order, each part is what it says and their sum is the wall clock", () => {
    const endings = new Map<string, number>();
    fc.assert(
      fc.property(fc.gen(), (draw) => {
        const seconds = () => draw(fc.integer, { min: 0, max: 400 });
        const oneOf = (...of: string[]) => draw(fc.constantFrom<string[]>, ...of);
        const run = new Script(seconds(), seconds());
        const seen = (what: string) => void endings.set(what, (endings.get(what) ?? 0) + 1);
        const people = (): void => {
          run.spend("people", seconds());
          if (oneOf("on", "on", "pause") === "on") return;
          seen("pause");
          run.pause().spend("people", seconds()).resume();
        };
        const passes = (step: string, covered: string): void => {
          for (let left = 3; ; left--) {
            run.look(seconds()).open(step);
            people();
            const what = left === 0 ? "approve" : oneOf("approve", "deny", "void", "stuck");
            seen(what);
            if (what === "deny") {
              run.deny();
              people();
              run.again(step);
              continue;
            }
            if (what === "stuck") run.stuck(seconds());
            run.approve();
            if (what !== "void") return void run.start(covered, seconds());
            run.look(seconds());
            run.story.happened({ type: "gate.voided", data: { step, ask: run.ask, why: "the facts changed" } });
          }
        };
        const works = (step: string, isLast = false): void => {
          for (let left = 3; ; left--) {
            run.work(seconds());
            // It counts until the last step is verified, so nothing is spent after it.
            const what = left === 0 ? "done" : oneOf("done", "fails", "fails for good", isLast ? "done" : "paused");
            seen(what);
            if (what === "done") return void run.verify(step);
            if (what === "paused") {
              run.pause().work(seconds()).verify(step).spend("people", seconds()).resume();
              return;
            }
            const before = run.story.run().steps.get(step);
            const again = what === "fails" && before !== undefined && before.attempts - before.forgiven <= 1;
            run.fail(step, what === "fails");
            if (again) run.work(seconds());
            else {
              people();
              run.again(step).work(seconds());
            }
            run.start(step);
          }
        };
        if (oneOf("on", "pause") === "pause") run.pause().spend("people", seconds()).resume();
        passes("go", "fence");
        works("fence");
        passes("cut", "promote");
        works("promote");
        run.story.happened({ type: "step.opened", data: { step: "tell", until: null } });
        people();
        run.story.asks("oli", { type: "confirmStep", run: "run-1", step: "tell", note: null });
        run.story.happened({ type: "step.opened", data: { step: "settle", until: run.story.now.toISOString() } });
        run.work(seconds()).story.happened({ type: "step.confirmed", data: { step: "settle", note: null } });
        run.start("smoke");
        works("smoke", true);
        run.story.happened({ type: "run.verified", data: { dryRun: false } });
        expect(run.counted()).toEqual(run.spent);
      }),
      { numRuns: 300 },
    );
    expect([...endings.keys()].sort()).toEqual(
      ["approve", "deny", "done", "fails", "fails for good", "pause", "paused", "stuck", "void"].sort(),
    );
  });
});
