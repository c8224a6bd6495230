import type { LookupFunction } from "node:net";
import { z } from "zod";
import { allowedAddresses, allowedLookup } from "../lib/address.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Cause, Check, ReadContext } from "./contract.ts";

/** Where in AWS a step acts: the plan's account and region, and no other. */
export const awsPlace = {
  account: z.string().regex(/^\d{12}$/, "has to be the twelve digits of an account"),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d+$/, "has to be a region such as us-west-2"),
  /** Between two looks while waiting. The SDK's own waiters look every 30 s at best, and believe the first answer. */
  pollSeconds: z.number().min(0.02).max(60).default(2),
};

export interface Place {
  readonly account: string;
  readonly region: string;
}

/** As the SDK spells it in `AWS_ENDPOINT_URL_<service>`. */
export type Service = "RDS" | "S3" | "ROUTE_53" | "CLOUDWATCH" | "STS" | "ROUTE53_RECOVERY_CLUSTER";
export type Use = "read" | "change";

/** A change is sent once: the SDK's own retries would repeat it when only the answer was lost. */
const ATTEMPTS: Record<Use, number> = { read: 2, change: 1 };
const CONNECT_MS = 2_000;
const REQUEST_MS: Record<Use, number> = { read: 5_000, change: 10_000 };

/** What every SDK client of ours is made with. Calls get a signal of their own: the SDK never lets go of one. No client of the SDK has a working deadline by itself. */
export interface ClientSettings {
  readonly region: string;
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: true;
    /** With an endpoint of someone's own: connected is to an address that was judged, and to no other. */
    readonly httpAgent?: { readonly lookup: LookupFunction };
    readonly httpsAgent?: { readonly lookup: LookupFunction };
  };
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/**
 * Settings for a client of one service in one region. An endpoint other than AWS's own comes from `AWS_ENDPOINT_URL…`
 * only, or is `given` by a target that has endpoints of its own; in practice there must be one, on loopback, and the
 * machine's real credentials are not even read.
 */
export async function clientSettings(
  ctx: ReadContext,
  service: Service,
  region: string,
  use: Use,
  given?: string,
): Promise<ClientSettings> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const endpoint = given ?? process.env[`AWS_ENDPOINT_URL_${service}`] ?? process.env.AWS_ENDPOINT_URL;
  if (ctx.practice && !endpoint) {
    throw new LifeboatError({
      code: "aws-endpoint-missing",
      what: "In practice AWS itself is never called, and no stand-in for it is given",
      next: `Set AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_${service} to the practice environment's address`,
      stateNow: "Nothing was sent",
    });
  }
  if (endpoint) await allowedAddresses(new URL(endpoint).hostname, { practice: ctx.practice, signal: ctx.signal });
  const lookup = allowedLookup(ctx);
  return {
    region,
    maxAttempts: ATTEMPTS[use],
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS[use],
      throwOnRequestTimeout: true,
      ...(endpoint ? { httpAgent: { lookup }, httpsAgent: { lookup } } : {}),
    },
    ...(endpoint ? { endpoint } : {}),
    ...(ctx.practice ? { credentials: { accessKeyId: "PRACTICE", secretAccessKey: "practice" } } : {}),
  };
}

/** Why AWS gave no answer of use. */
export interface AwsError {
  /** `silent`: no one can tell what became of it. The others are refusals by AWS itself. */
  readonly kind: "silent" | "denied" | "throttled" | "missing" | "refused";
  readonly name: string;
  readonly says: string;
}

/** Sorts what an SDK client threw. What is neither a refusal nor silence is an error of ours and is thrown on. */
export function awsErrorOf(error: unknown): AwsError {
  if (error instanceof LifeboatError) throw error;
  const {
    name = "",
    $metadata,
    $fault,
  } = error as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
    $fault?: string;
  };
  const says = name && name !== "Error" ? `${name}: ${messageOf(error) || "no answer"}` : messageOf(error);
  const status = $metadata?.httpStatusCode ?? 0;
  if (/AccessDenied|NotAuthorized|UnauthorizedOperation|Unrecognized|InvalidClientToken|ExpiredToken/i.test(name)) {
    return { kind: "denied", name, says };
  }
  if (/CredentialsProvider/.test(name)) return { kind: "denied", name, says };
  if (/Throttl|TooManyRequests|RequestLimitExceeded/i.test(name)) return { kind: "throttled", name, says };
  if (/NotFound|NoSuch/i.test(name)) return { kind: "missing", name, says };
  if (status >= 500 || status === 0 || $fault === undefined) return { kind: "silent", name, says };
  return { kind: "refused", name, says };
}

/** Whose credentials these are, as STS of the target's own region says. */
export type Identity =
  | { readonly known: true; readonly account: string; readonly arn: string }
  | { readonly known: false; readonly why: string; readonly silent: boolean };

export const loadSts = () => import("@aws-sdk/client-sts");

/** Asks the STS of the target's region, never the global one: that one lives in the region that may be gone. */
export async function identify(ctx: ReadContext, place: Place): Promise<Identity> {
  const { STS } = await loadSts();
  const client = new STS(await clientSettings(ctx, "STS", place.region, "read"));
  try {
    const { Account, Arn } = await client.getCallerIdentity({}, { abortSignal: AbortSignal.any([ctx.signal]) });
    return { known: true, account: Account ?? "", arn: Arn ?? "" };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { known: false, why: says, silent: kind === "silent" };
  } finally {
    client.destroy();
  }
}

export function rightAccount(identity: Identity, place: Place): Check {
  const id = "aws.account";
  if (!identity.known) {
    const says = `Whose AWS credentials these are can't be seen in ${place.region} (${identity.why}). Without that nothing is touched.`;
    return { id, level: "block", ok: false, says, ...(identity.silent && silentRegion(place)) };
  }
  const ok = identity.account === place.account;
  const says = ok
    ? `The credentials belong to account ${place.account}.`
    : `The credentials belong to account ${identity.account}; the plan is for ${place.account}.`;
  return { id, level: "block", ok, says, next: "Use the right role." };
}

/** The region as a whole does not answer: several checks of several steps fail of it. */
export function silentRegion({ region }: Place): { readonly cause: Cause } {
  return { cause: { id: `silent:aws:${region}`, says: `AWS in ${region} does not answer.` } };
}

/** Right before a change: the credentials may be others than those that looked. */
export async function insistOnAccount(ctx: ReadContext, place: Place): Promise<void> {
  const check = rightAccount(await identify(ctx, place), place);
  if (check.ok) return;
  throw new LifeboatError({ code: "aws-account", what: check.says, stateNow: "Nothing was sent" });
}

/** A resource's own name must lie in the plan's account and region, no matter whose credentials can see it. */
/** The first word of its ARNs: China and GovCloud are partitions of their own. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

export function rightArn(arn: string | null, place: Place): boolean {
  const [, , , region, account] = (arn ?? "").split(":");
  return account === place.account && region === place.region;
}

/** Sends one change, and says of a refusal what it was. An answer that never came is thrown as it is: the engine looks. */
export async function change<T>(permission: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const failure = awsErrorOf(error);
    if (failure.kind === "silent") throw error;
    const next = failure.kind === "denied" ? `Allow ${permission} to the role Lifeboat runs under` : undefined;
    throw new LifeboatError(
      { code: `aws-${failure.kind}`, what: `AWS refused ${permission}: ${failure.says}`, ...(next ? { next } : {}) },
      { cause: error },
    );
  }
}
