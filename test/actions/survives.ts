import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Ledger } from "../../src/practice/estate/aws/ledger.ts";
import type { Fault, Weather } from "../../src/practice/estate/aws/weather.ts";
import { attempt, type Death, type Outcome, takeOver } from "./aws/engine.ts";
import { type Conductor, conduct } from "./conductor.ts";

/** A stand-in with weather and a ledger of effects. */
export interface Stand {
  readonly weather: Weather;
  readonly ledger: Ledger;
  readonly secrets: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface Trial<W extends Stand> {
  readonly action: string;
  /** The one request that changes something, as the stand-in calls it. */
  readonly operation: string;
  /** More than one only where the action is a loop of safe requests. */
  readonly requests?: number;
  create(): Promise<W>;
  input(world: W): unknown;
  holds(world: W): boolean;
  /** The same effect, caused by somebody else: verified, or stopped, without a request. */
  byHand?(world: W): void;
  /** A state in which it must not be begun. */
  wrong?(world: W): void;
  /** Another target behind the same address. */
  other?(world: W): void;
  /** Only for reading: what has to be done for it to be found done. */
  readonly faults?: readonly Fault[];
}

const FAULTS: readonly Fault[] = ["replyLost", "errorAfter", "hangAfter", "error", "throttle", "hang", "lie"];

/** What every action that changes something has to survive, told from its target's side: by the ledger. */
export function survives<W extends Stand>(trial: Trial<W>): void {
  const { action: id, operation, requests = 1 } = trial;

  describe(id, () => {
    let world: W;
    let conductor: Conductor;
    beforeEach(async () => {
      world = await trial.create();
      conductor = conduct({ ...world.secrets });
    });
    afterEach(() => world.close());
    const sent = (outcome?: "accepted") => world.ledger.of(operation, outcome).length;
    const destructive = () => conductor.action(id).repeat === "destructive";

    test("does it once, sees it, and finds it done or refuses the next time", async () => {
      const first = await attempt(conductor, id, trial.input(world), { failSeconds: 10 });
      expect(first).toMatchObject({ is: "verified" });
      expect(trial.holds(world)).toBe(true);
      expect(sent("accepted")).toBe(requests);
    });

    test.each(trial.faults ?? FAULTS)("%s: at most one effect, and it ends right or asks a person", async (fault) => {
      world.weather.next(operation, fault);
      const slow = fault.startsWith("hang");
      let outcome = await attempt(conductor, id, trial.input(world), { failSeconds: slow ? 0.8 : 1.5 });
      outcome = await carryOn(outcome);
      expectRight(outcome, fault);
    });

    test.each<Death>(["before", "during", "after"])("killed %s the call: no second effect", async (dies) => {
      const dead = await attempt(conductor, id, trial.input(world), { dies });
      const before = "before" in dead ? dead.before : null;
      const outcome = await carryOn(await takeOver(conductor, id, trial.input(world), before));
      expectRight(outcome, dies);
    });

    const { byHand, wrong, other } = trial;
    if (byHand) {
      test("done by hand already: nothing is sent", async () => {
        byHand(world);
        await attempt(conductor, id, trial.input(world));
        expect(sent()).toBe(0);
      });
    }
    if (wrong) {
      test("in the wrong state nothing is sent", async () => {
        wrong(world);
        expect(await attempt(conductor, id, trial.input(world))).toMatchObject({ is: "failed" });
        expect(sent()).toBe(0);
      });
    }
    if (other) {
      test("another target behind the same address: nothing is sent", async () => {
        const given = trial.input(world);
        other(world);
        expect(await attempt(conductor, id, given)).toMatchObject({ is: "failed" });
        expect(sent()).toBe(0);
      });
    }

    async function carryOn(first: Outcome): Promise<Outcome> {
      let outcome = first;
      for (let attempts = 1; outcome.is === "failed" && attempts < 4; attempts++) {
        await pause(30);
        outcome = await attempt(conductor, id, trial.input(world), { before: outcome.before });
      }
      return outcome;
    }

    function expectRight(outcome: Outcome, why: string): void {
      expect([why, sent("accepted") <= requests]).toEqual([why, true]);
      const allowed = destructive() ? ["verified", "asksAPerson"] : ["verified"];
      expect([why, outcome.is, "why" in outcome ? outcome.why : ""]).toEqual([
        why,
        expect.stringMatching(new RegExp(allowed.join("|"))),
        expect.anything(),
      ]);
      if (outcome.is === "verified") expect(trial.holds(world)).toBe(true);
    }
  });
}
