import type { ApplyContext, Done, Evidence, Handle } from "../../src/actions/contract.ts";
import { type Recovery, recovery } from "../../src/engine/recover.ts";
import type { ActionHarness } from "./action-harness.ts";

/** One step as the engine takes it, cut where a crash would cut it. `before` is what the timeline would remember. */
export class Step {
  readonly #harness: ActionHarness;
  readonly #id: string;
  readonly #input: unknown;
  before: unknown = null;

  constructor(harness: ActionHarness, id: string, given: unknown) {
    this.#harness = harness;
    this.#id = id;
    this.#input = harness.input(id, given);
  }

  get #action() {
    return this.#harness.action(this.#id);
  }

  #context(signal = new AbortController().signal): ApplyContext {
    const progress = (says: string) => this.#harness.progress.push(says);
    const launched = async () => {};
    return { ...this.#harness.context, signal, budget: this.#action.budget, progress, launched };
  }

  /** What is seen, through the timeline: plain JSON or nothing. */
  async look(): Promise<unknown> {
    return JSON.parse(JSON.stringify(await this.#action.observe(this.#context(), this.#input)));
  }

  async intend(): Promise<void> {
    this.before = await this.look();
  }

  /** @param milliseconds after which the engine would give up */
  async apply(milliseconds = 20_000): Promise<Handle | null> {
    const context = this.#context(AbortSignal.timeout(milliseconds));
    return (await this.#action.apply?.(context, this.#input, this.before)) ?? null;
  }

  async done(): Promise<Done> {
    return this.#action.done(await this.look(), this.#input, this.before);
  }

  /** What the engine would do next, after a crash or an answer that never came. */
  async afterwards(): Promise<Recovery> {
    return recovery(await this.done(), this.#action.repeat);
  }

  async blockedBy(): Promise<readonly string[]> {
    const checks = this.#action.ready(await this.look(), this.#input, this.#harness.context);
    return checks.filter((check) => !check.ok && check.level === "block").map((check) => check.id);
  }

  verify(milliseconds = 20_000): Promise<Evidence> {
    return this.#action.verify(this.#context(AbortSignal.timeout(milliseconds)), this.#input, this.before, null);
  }
}
