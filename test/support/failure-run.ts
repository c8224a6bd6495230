import { setTimeout as pause } from "node:timers/promises";
import { expect } from "@jest/globals";
import type { Action, Done, Fact, Inverse, NotUndone } from "../../src/actions/contract.ts";
import { actions as listed } from "../../src/actions/index.ts";
import { type ActionHarness, actionHarness } from "./action-harness.ts";
import { attempt, type Death, type Outcome, takeOver } from "./attempt.ts";
import { performAndDie } from "./crash.ts";
import { Asked, type CaseFixture, type FailureCase, type FailureSuite, type Fault, until } from "./failure-case.ts";

/** Material facts that count what was done, or name it otherwise, so that no undo brings them back. */
const COUNTED: Readonly<Record<string, readonly string[]>> = {
  // Every change of a health check has a number.
  "route53.healthcheck_override": ["version"],
  // A template that is used again gets the next number, and leaves none under its old one.
  "kubernetes.rollback": ["revision", "wantedImages"],
  // By digest, and before by a tag of the same image.
  "compose.rollback": ["image"],
};

/** One trial against one danger: attempts as the engine makes them, and what the target's ledger says of them. */
export class FailureRun {
  readonly fixture: CaseFixture;
  readonly #case: FailureCase;
  readonly #harness: ActionHarness;
  #attempts = 0;

  static async begin(failureCase: FailureCase, actions: FailureSuite["actions"]): Promise<FailureRun> {
    return new FailureRun(failureCase, await failureCase.begin(), actions);
  }

  private constructor(failureCase: FailureCase, scene: CaseFixture, actions: FailureSuite["actions"]) {
    this.#case = failureCase;
    this.fixture = scene;
    this.#harness = actionHarness(
      { ...scene.secrets },
      // What breaks its target does so in drills only.
      { ...(actions && { actions }), drill: (actions ?? listed).get(failureCase.action)?.breaks !== undefined },
    );
    for (const [step, evidence] of Object.entries(scene.evidence ?? {})) this.#harness.remember(step, evidence);
  }

  get action(): Action {
    return this.#harness.action(this.#case.action);
  }

  /** One attempt. @param how what an earlier one remembered, and what is requested where it is not the scene's input */
  async go(how: { failSeconds?: number; before?: unknown; input?: unknown } = {}): Promise<Outcome> {
    this.#attempts += 1;
    const { input = this.fixture.input, failSeconds = this.#seconds("usual"), before = null } = how;
    return await attempt(this.#harness, this.#case.action, input, { failSeconds, before });
  }

  /** The first attempt meets a fault; the next ones do not. */
  async meets(fault: Fault, after: number): Promise<Outcome> {
    this.fixture.throw(fault, after);
    const kind = fault.startsWith("hang") ? "hanging" : fault === "lie" ? "lie" : "usual";
    return await this.#carryOn(await this.go({ failSeconds: this.#seconds(kind) }));
  }

  /** The one who made the first attempt dies; a successor finds the intent. */
  async outlives(dies: Death, after: number): Promise<Outcome> {
    if (dies === "during") this.fixture.throw("hangAfter", after);
    this.#attempts += 1;
    const before = await (this.#case.kill ? this.#killed(dies, this.#case.kill.at) : this.#died(dies, after));
    const effects = await this.fixture.accepted();
    expect([dies, effects > 0]).toEqual([dies, dies !== "before"]);
    const { action } = this.#case;
    return await this.#carryOn(
      await takeOver(this.#harness, action, this.fixture.input, before, this.#seconds("usual")),
    );
  }

  /** What is seen, through the timeline: plain JSON or nothing. */
  async look(): Promise<unknown> {
    const seen = await this.action.observe(this.#harness.context, this.#input);
    const written = JSON.parse(JSON.stringify(seen));
    expect(written).toEqual(seen);
    return written;
  }

  async found(before: unknown): Promise<Done> {
    return this.action.done(await this.look(), this.#input, before);
  }

  async materialFacts(): Promise<readonly Fact[]> {
    return this.action.facts(await this.look(), this.#input).filter(({ material }) => material);
  }

  /** What its action says takes it back, made of what was there before. */
  inverse(before: unknown): Inverse | NotUndone {
    const { calls = [] } = this.fixture;
    return this.action.undo.step(before, this.#input, { calls, acceptUnreachable: false });
  }

  /** Takes it back as an engine would: a call of the registry that its action accepts, and the world is as it was before. */
  async expectUndone({ action, input }: Inverse, before: unknown): Promise<void> {
    const accepted = this.#harness.action(action).input.safeParse(input);
    expect(accepted.error?.issues ?? []).toEqual([]);
    // Other words for the same: what the timeline holds is what is run.
    expect(JSON.parse(JSON.stringify(accepted.data))).toEqual(accepted.data);
    const outcome = await attempt(this.#harness, action, input, { failSeconds: this.#seconds("usual") });
    expect([outcome.is, "why" in outcome ? outcome.why : ""]).toEqual(["verified", ""]);
    expect(await this.found(before)).toBe("no");
    expect(await this.fixture.holds()).toBe(false);
    const counted = COUNTED[this.action.id] ?? [];
    const facts = (seen: unknown) =>
      this.action.facts(seen, this.#input).filter(({ id, material }) => material && !counted.includes(id));
    expect(facts(await this.look())).toEqual(facts(before));
  }

  /** Brings about what a trial does not excuse itself from, and says what is requested then. */
  async brings(what: "byHand" | "wrong" | "other"): Promise<unknown> {
    const bring = this.fixture[what];
    if (!bring) throw new Error(`The scene has no ${what}: write one, or say instead why it can't happen.`);
    const said = await bring.call(this.fixture);
    return said instanceof Asked ? said.input : this.fixture.input;
  }

  async expectNothingSent(): Promise<void> {
    expect(await this.fixture.sent()).toBe(0);
  }

  /** At most one effect, and the end is right, or a person is asked where nothing else is safe. */
  async expectRight(outcome: Outcome): Promise<void> {
    const { requests = 1, absolute } = this.#case;
    if (!absolute) expect(await this.fixture.accepted()).toBeLessThanOrEqual(requests);
    if (!absolute && requests === 1) expect(await this.fixture.sent()).toBeLessThanOrEqual(this.#attempts);
    const asks = this.action.repeat === "toggle" || this.action.repeat === "destructive";
    const why = "why" in outcome ? outcome.why : "";
    expect([outcome.is, why]).toEqual([expect.stringMatching(asks ? /^(verified|asksAPerson)$/ : /^verified$/), why]);
    if (outcome.is === "verified") expect(await this.fixture.holds()).toBe(true);
  }

  get #input(): unknown {
    return this.action.input.parse(this.fixture.input);
  }

  #seconds(kind: keyof typeof SECONDS): number {
    return this.#case.seconds?.[kind] ?? SECONDS[kind];
  }

  async #carryOn(first: Outcome): Promise<Outcome> {
    let outcome = first;
    for (let n = 1; outcome.is === "failed" && n < 4; n++) {
      await pause(this.#seconds("between") * 1000);
      outcome = await this.go({ before: outcome.before });
    }
    return outcome;
  }

  /** In this process: the one who waits for an answer is not listened to any more. */
  async #died(dies: Death, after: number): Promise<unknown> {
    const options = { dies, reached: () => this.#effect(after), failSeconds: 60 };
    const outcome = await attempt(this.#harness, this.#case.action, this.fixture.input, options);
    expect(outcome).toMatchObject({ is: "died" });
    return outcome.before;
  }

  async #killed(dies: Death, at: string): Promise<unknown> {
    const when = dies === "during" ? { when: () => this.#effect(0) } : {};
    const death = { ...when, ...(dies === "before" ? { at } : {}), secrets: { ...this.fixture.secrets } };
    const dead = await performAndDie(this.#case.action, this.fixture.input, death);
    expect(dead.applied).toBe(dies === "after");
    return dead.before;
  }

  #effect(after: number): Promise<void> {
    return until("the request having had its effect", async () => (await this.fixture.accepted()) > after, 30);
  }
}

const SECONDS = { usual: 5, hanging: 0.4, lie: 0.8, between: 0.03 };
