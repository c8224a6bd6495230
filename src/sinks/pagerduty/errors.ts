import { LifeboatError, messageOf } from "../../lib/errors.ts";

/** PagerDuty did not say yes. */
export class PagerDutyError extends LifeboatError {
  /** What it answered; null: no answer came, and no one knows whether it was done. */
  readonly status: number | null;
  /** It asked to be left alone for so long. */
  readonly afterSeconds: number | null;

  constructor(what: string, says: string, status: number | null, afterSeconds: number | null = null) {
    super({ code: "pagerduty", where: what, what: says });
    this.status = status;
    this.afterSeconds = afterSeconds;
  }

  /** It will say no again until a person changes something. */
  get refused(): boolean {
    return (
      this.status !== null && this.status >= 400 && this.status < 500 && this.status !== 429 && this.status !== 408
    );
  }
}

interface Headers {
  get(name: string): string | null;
}

/** A 429 without a usable word of when to come back. */
const LIMITED_SECONDS = 30;

export function pagerDutyErrorOf(what: string, status: number, body: unknown, headers: Headers): PagerDutyError {
  const after = Number(headers.get("ratelimit-reset") ?? headers.get("retry-after") ?? Number.NaN);
  const seconds = Number.isFinite(after) && after >= 0 ? Math.min(after, 300) : LIMITED_SECONDS;
  const words = wordsOf(body);
  const says = status === 429 ? "It is asked too often" : `It answered ${status}${words === "" ? "" : `: ${words}`}`;
  return new PagerDutyError(what, says, status, status === 429 ? seconds : null);
}

/** A deadline, a broken connection, an answer that is not JSON (which pdjs rejects with the response itself). */
export function unsure(what: string, error: unknown): PagerDutyError {
  if (error instanceof PagerDutyError) return error;
  const status = (error as { status?: unknown } | null)?.status;
  if (typeof status === "number") return new PagerDutyError(what, `It answered ${status}, unreadably`, status);
  const late = error instanceof LifeboatError && error.problem.code === "deadline";
  return new PagerDutyError(
    what,
    late ? "It gave no answer in time" : `It can't be reached (${messageOf(error)})`,
    null,
  );
}

/** `{error: {message, errors}}` of REST, `{message, errors}` of events; at most a line of it, and nothing else of the body. */
function wordsOf(body: unknown): string {
  const outer = (body ?? {}) as { error?: unknown };
  const { message, errors } = ((typeof outer.error === "object" && outer.error) || outer) as Record<string, unknown>;
  const parts = [message, ...(Array.isArray(errors) ? errors : [])].filter((part) => typeof part === "string");
  return parts.join(", ").slice(0, 300);
}
