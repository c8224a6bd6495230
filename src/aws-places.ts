import { putLocked } from "./actions/s3/lock.ts";
import type { AnchorParts, LockedBucket } from "./evidence/anchors.ts";
import { withDeadline } from "./lib/deadline.ts";
import { LifeboatError } from "./lib/errors.ts";
import type { Logger } from "./lib/log.ts";

/** One look, one request and another look. */
const SECONDS = 30;

/** Puts checkpoints into a bucket under a retention lock. Nothing of AWS is loaded before the first. */
export function lockerOf(
  { bucket, region, account, endpoint }: LockedBucket,
  { practice, log }: { readonly practice: boolean; readonly log: Logger },
): NonNullable<AnchorParts["lock"]> {
  const place = {
    bucket,
    region,
    ...(account !== undefined && { account }),
    ...(endpoint !== undefined && { endpoint }),
  };
  return (key, body, until) =>
    withDeadline(`The bucket ${bucket}`, SECONDS, (signal) =>
      putLocked({ kind: "real", signal, log, practice, secret: noSecret, evidenceOf: () => null }, place, {
        key,
        body,
        until,
      }),
    );
}

/** It signs with what the AWS SDK finds for this process, as everything else of AWS does. */
function noSecret(name: string): never {
  throw new LifeboatError({ code: "secret-unknown", what: `No secret ${name} is needed for checkpoints` });
}
