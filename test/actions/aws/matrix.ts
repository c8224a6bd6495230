import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Evidence } from "../../../src/actions/contract.ts";
import { type Aws, createAws, type Fault } from "../../../src/practice/estate/aws/index.ts";
import { type Conductor, conduct } from "../conductor.ts";
import { attempt, type Death, type Outcome, takeOver } from "./engine.ts";

export const ACCOUNT = "111122223333";
export const EAST = "us-east-1";
export const WEST = "us-west-2";

/** Where a step acts, and how fast it looks, at the stand-in's pace. */
export const place = (region: string) => ({ account: ACCOUNT, region, pollSeconds: 0.02 });
export const rdsPlace = (region: string) => ({ ...place(region), startsWithinSeconds: 0.4 });

export interface Scenario {
  readonly action: string;
  /** AWS's name of the one request it makes. */
  readonly operation: string;
  readonly scale?: number;
  input(aws: Aws): unknown;
  prepare(aws: Aws): void;
  /** True when the world is as the action wants it. */
  holds(aws: Aws): boolean;
  /** The same effect, caused by somebody else. Verified without a request, or stopped before one. */
  byHand?(aws: Aws): void;
  /** A state in which AWS would refuse: it is noticed before anything is sent. */
  wrong?(aws: Aws): void;
  readonly evidence?: Readonly<Record<string, Evidence>>;
  /** It asks nobody whose credentials these are: the targets' own names say the account. */
  readonly knowsItsAccount?: boolean;
  /** It says how things shall be, so that it may be said again, elsewhere, when an answer does not come. */
  readonly absolute?: boolean;
}

/** One AWS per test, pointed to by the environment as the SDK reads it. */
export function standIn(scale = 0.003): { aws(): Aws } {
  let aws: Aws;
  beforeEach(async () => {
    aws = await createAws({ scale, account: ACCOUNT });
    process.env.AWS_ENDPOINT_URL = aws.url;
  });
  afterEach(async () => {
    delete process.env.AWS_ENDPOINT_URL;
    await aws.close();
  });
  return { aws: () => aws };
}

export function conductorFor(scenario: Pick<Scenario, "evidence">): Conductor {
  const conductor = conduct({});
  for (const [step, evidence] of Object.entries(scenario.evidence ?? {})) conductor.remember(step, evidence);
  return conductor;
}

/** What every action that changes something has to survive, told from AWS's side: by the ledger. */
export function survives(scenario: Scenario): void {
  describe(scenario.action, () => {
    const stand = standIn(scenario.scale);
    const toggle = conduct({}).action(scenario.action).repeat === "toggle";
    const begin = () => {
      scenario.prepare(stand.aws());
      return { aws: stand.aws(), conductor: conductorFor(scenario), given: scenario.input(stand.aws()) };
    };

    test("does it once, sees it, and finds it done the next time", async () => {
      const { aws, conductor, given } = begin();
      const first = await attempt(conductor, scenario.action, given);
      expect(first).toMatchObject({ is: "verified" });
      expect(scenario.holds(aws)).toBe(true);
      expect(aws.ledger.of(scenario.operation, "accepted")).toHaveLength(1);
    });

    test.each<Fault>(["replyLost", "errorAfter", "hangAfter", "error", "throttle", "hang", "lie"])(
      "%s: at most one request is accepted, and it ends right or asks a person",
      async (fault) => {
        const { aws, conductor, given } = begin();
        aws.weather.next(scenario.operation, fault);
        const slow = fault.startsWith("hang");
        const { outcome, attempts } = await carry(conductor, scenario.action, given, slow ? 0.6 : 4);
        if (!scenario.absolute) expect(aws.ledger.of(scenario.operation).length).toBeLessThanOrEqual(attempts);
        expectRight(outcome, aws, fault);
      },
    );

    test.each<Death>(["before", "during", "after"])("killed %s the call: no second effect", async (dies) => {
      const { aws, conductor, given } = begin();
      const dead = await attempt(conductor, scenario.action, given, { dies });
      expect(dead).toMatchObject({ is: "died" });
      const before = "before" in dead ? dead.before : null;
      const first = await takeOver(conductor, scenario.action, given, before);
      const { outcome } = await carryOn(conductor, scenario.action, given, first);
      expectRight(outcome, aws, dies);
    });

    const { byHand, wrong } = scenario;
    if (byHand) {
      test("done by hand already: nothing is sent", async () => {
        const { aws, conductor, given } = begin();
        byHand(aws);
        const outcome = await attempt(conductor, scenario.action, given);
        expect(["verified", "failed", "asksAPerson"]).toContain(outcome.is);
        expect(aws.ledger.of(scenario.operation)).toHaveLength(0);
      });
    }
    if (wrong) {
      test("in the wrong state nothing is sent", async () => {
        const { aws, conductor, given } = begin();
        wrong(aws);
        expect(await attempt(conductor, scenario.action, given)).toMatchObject({ is: "failed" });
        expect(aws.ledger.of(scenario.operation)).toHaveLength(0);
      });
    }

    if (!scenario.knowsItsAccount) {
      test("credentials of another account send nothing", async () => {
        const { aws, conductor, given } = begin();
        aws.world.account = "999988887777";
        expect(await attempt(conductor, scenario.action, given)).toMatchObject({ is: "failed" });
        expect(aws.ledger.of(scenario.operation)).toHaveLength(0);
      });
    }

    test("looking twice shows the same material facts, as plain JSON", async () => {
      const { aws, conductor, given } = begin();
      const [one, two] = [await look(conductor, given), await look(conductor, given)];
      expect(one).toEqual(two);
      expect(aws.ledger.of(scenario.operation)).toHaveLength(0);
    });

    async function look(conductor: Conductor, given: unknown) {
      const action = conductor.action(scenario.action);
      const input = action.input.parse(given);
      const seen = await action.observe(conductor.context, input);
      expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
      return action.facts(seen, input).filter((fact) => fact.material);
    }

    function expectRight(outcome: Outcome, aws: Aws, why: string): void {
      const accepted = aws.ledger.of(scenario.operation, "accepted");
      expect([why, scenario.absolute || accepted.length <= 1]).toEqual([why, true]);
      // A toggle whose fate is unknown is never repeated by itself: a person is asked.
      const allowed = toggle ? ["verified", "asksAPerson"] : ["verified"];
      expect(allowed).toContain(outcome.is);
      if (outcome.is === "verified") expect(scenario.holds(aws)).toBe(true);
    }
  });
}

/** Attempts as the engine makes them: the next one after a failure, until it is verified, a person is asked, or four failed. */
export async function carry(conductor: Conductor, id: string, given: unknown, failSeconds = 4) {
  return await carryOn(conductor, id, given, await attempt(conductor, id, given, { failSeconds }));
}

async function carryOn(conductor: Conductor, id: string, given: unknown, first: Outcome) {
  let [outcome, attempts] = [first, 1];
  while (outcome.is === "failed" && attempts < 4) {
    await pause(30);
    outcome = await attempt(conductor, id, given, { before: outcome.before });
    attempts += 1;
  }
  return { outcome, attempts };
}
