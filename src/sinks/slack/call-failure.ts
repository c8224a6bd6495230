import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from "@slack/web-api";
import { messageOf } from "../../lib/errors.ts";

/** What a failed call to Slack means for the one who made it. */
export type CallFailure =
  /** Slack refused it: it did not happen and will not by itself. */
  | { readonly kind: "refused"; readonly error: string; readonly says: string }
  /** It did not happen; not before `seconds` have passed. */
  | { readonly kind: "limited"; readonly seconds: number; readonly says: string }
  /** The token or the app is not valid: nothing will work until a person sees to it. */
  | { readonly kind: "locked out"; readonly error: string; readonly says: string }
  /** It never reached Slack. */
  | { readonly kind: "unsent"; readonly says: string }
  /** No one knows whether it happened. */
  | { readonly kind: "unknown"; readonly says: string };

/** @see https://docs.slack.dev/reference/methods/auth.test, errors every method may answer with */
const LOCKED_OUT = new Set([
  "not_authed",
  "invalid_auth",
  "account_inactive",
  "user_removed_from_team",
  "team_disabled",
  "team_access_not_granted",
  "token_expired",
  "token_revoked",
  "not_allowed_token_type",
  "ekm_access_denied",
]);
/** Slack's own failures: the call may have had its effect. */
const UNCLEAR = new Set(["internal_error", "fatal_error", "service_unavailable", "request_timeout"]);
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
/** When a 429 comes without a usable `Retry-After`. */
const LIMITED_SECONDS = 30;

export function callFailureOf(error: unknown): CallFailure {
  const says = messageOf(error);
  if (error instanceof WebAPIRateLimitedError) return { kind: "limited", seconds: error.retryAfter, says };
  if (error instanceof WebAPIPlatformError) return refusal(error.data.error, says);
  if (error instanceof WebAPIHTTPError) return { kind: "unknown", says };
  if (error instanceof WebAPIRequestError)
    return NEVER_SENT.has(codeOf(error.original)) ? { kind: "unsent", says } : { kind: "unknown", says };
  if (/Retry header did not contain a valid timeout/.test(says))
    return { kind: "limited", seconds: LIMITED_SECONDS, says };
  return { kind: "unknown", says };
}

function refusal(error: string | undefined, says: string): CallFailure {
  if (error === undefined || UNCLEAR.has(error)) return { kind: "unknown", says };
  if (LOCKED_OUT.has(error)) return { kind: "locked out", error, says };
  if (error === "ratelimited" || error === "rate_limited" || error === "message_limit_exceeded")
    return { kind: "limited", seconds: LIMITED_SECONDS, says };
  return { kind: "refused", error, says };
}

/** The system's code of a failed connection, however deep fetch wrapped it. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = (at as NodeJS.ErrnoException).code;
    if (typeof code === "string") return code;
    if (at instanceof AggregateError && at.errors.length > 0) return codeOf(at.errors[0]);
  }
  return "";
}
