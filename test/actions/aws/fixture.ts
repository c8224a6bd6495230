import { afterEach, beforeEach } from "@jest/globals";
import { type Aws, createAws } from "../../../practice/targets/aws/index.ts";
import type { Evidence } from "../../../src/actions/contract.ts";
import { type ActionHarness, actionHarness } from "../../support/action-harness.ts";
import type { CaseFixture, FailureCase } from "../../support/failure-case.ts";
import { withFaults } from "../with-faults.ts";

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
  /** The same effect, caused by someone else. Verified without a request, or stopped before one. */
  byHand(aws: Aws): void;
  /** A state in which AWS would refuse: it is noticed before anything is sent. */
  wrong(aws: Aws): void;
  readonly evidence?: Readonly<Record<string, Evidence>>;
  /** Where no one is asked whose credentials these are. */
  other?(aws: Aws): unknown;
  readonly absolute?: string;
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

export function harnessFor(scenario: Pick<Scenario, "evidence">): ActionHarness {
  const harness = actionHarness({});
  for (const [step, evidence] of Object.entries(scenario.evidence ?? {})) harness.remember(step, evidence);
  return harness;
}

/** Told from AWS's side: by its ledger. Credentials of another account are another target. */
export function overAws(scenario: Scenario): FailureCase {
  const { action, operation, absolute } = scenario;
  return {
    action,
    ...(absolute ? { absolute } : {}),
    seconds: { hanging: 0.4, lie: 1 },
    async begin(): Promise<CaseFixture> {
      const aws = await createAws({ scale: scenario.scale ?? 0.003, account: ACCOUNT });
      process.env.AWS_ENDPOINT_URL = aws.url;
      scenario.prepare(aws);
      return {
        input: scenario.input(aws),
        ...(scenario.evidence ? { evidence: scenario.evidence } : {}),
        ...withFaults(aws, operation),
        holds: () => scenario.holds(aws),
        byHand: () => scenario.byHand(aws),
        wrong: () => scenario.wrong(aws),
        other: () =>
          scenario.other ? scenario.other(aws) : void Object.assign(aws.state, { account: "999988887777" }),
        async close() {
          delete process.env.AWS_ENDPOINT_URL;
          await aws.close();
        },
      };
    },
  };
}
