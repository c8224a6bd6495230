import { publishMetrics } from "./actions/aws-metrics.ts";
import type { ReadContext } from "./actions/contract.ts";
import { putLocked } from "./actions/s3/lock.ts";
import type { AnchorParts, LockedBucket } from "./evidence/anchors.ts";
import { withDeadline } from "./lib/deadline.ts";
import { LifeboatError } from "./lib/errors.ts";
import type { Logger } from "./lib/log.ts";
import type { MetricPoint } from "./telemetry/cloudwatch.ts";

/** One look, one request and another look. */
const SECONDS = 30;

/** Puts checkpoints into a bucket under a retention lock. Nothing of AWS is loaded before the first. */
export function lockerOf(
  { bucket, region, account, endpoint }: LockedBucket,
  { practice, log }: Around,
): NonNullable<AnchorParts["lock"]> {
  const place = {
    bucket,
    region,
    ...(account !== undefined && { account }),
    ...(endpoint !== undefined && { endpoint }),
  };
  return (key, body, until) =>
    withDeadline(`The bucket ${bucket}`, SECONDS, (signal) =>
      putLocked(contextOf({ practice, log }, signal), place, { key, body, until }),
    );
}

/** Publishes values in CloudWatch, once. */
export function publishTo(
  place: { readonly namespace: string; readonly region: string },
  points: readonly MetricPoint[],
  around: Around,
): Promise<void> {
  return withDeadline("CloudWatch", SECONDS, (signal) => publishMetrics(contextOf(around, signal), place, points));
}

interface Around {
  readonly practice: boolean;
  readonly log: Logger;
}

function contextOf({ practice, log }: Around, signal: AbortSignal): ReadContext {
  return { kind: "real", signal, log, practice, secret: noSecret, evidenceOf: () => null };
}

/** It signs with what the AWS SDK finds for this process, as everything else of AWS does. */
function noSecret(name: string): never {
  throw new LifeboatError({ code: "secret-unknown", what: `No secret ${name} is needed here` });
}
