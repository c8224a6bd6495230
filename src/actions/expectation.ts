import { z } from "zod";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import { get } from "../lib/web.ts";
import type { ReadContext } from "./contract.ts";

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** An address and what it must answer. */
export const expectation = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  status: z.number().int().min(100).max(599).default(200),
  /** Text the body must contain. */
  contains: z.string().min(1).optional(),
  /** Values the JSON body must hold, by dotted path: `target.name: orders-b`. */
  json: z.record(z.string().min(1), scalar).optional(),
  timeoutSeconds: z.number().positive().max(60).default(5),
});
export type Expectation = z.infer<typeof expectation>;

/** What one look at an address found. Plain JSON; no body is kept. */
export interface Answered {
  readonly url: string;
  readonly met: boolean;
  readonly status: number | null;
  readonly milliseconds: number | null;
  /** What was found, as the end of a sentence about the address. */
  readonly says: string;
  /** The value at the path that was requested beside; null where there is none. */
  readonly value?: string | null;
  /** True when the address may never be connected to, whatever it would answer. */
  readonly forbidden: boolean;
}

/**
 * Asks once. That nothing answers, or something else than expected, is an observation.
 *
 * @param path dotted, into the JSON body: its value is kept beside, whatever it is
 */
export async function askOnce(ctx: ReadContext, expected: Expectation, path?: string): Promise<Answered> {
  const { url } = expected;
  try {
    const answer = await get(url, { practice: ctx.practice, seconds: expected.timeoutSeconds, signal: ctx.signal });
    const problem = unmet(expected, answer.status, answer.body);
    const says = problem ?? `answered ${answer.status} in ${answer.milliseconds} ms, as expected`;
    return {
      url,
      met: problem === null,
      status: answer.status,
      milliseconds: answer.milliseconds,
      says,
      ...(path === undefined ? {} : { value: textOf(valueAt(answer.body, path)) }),
      forbidden: false,
    };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const code = error instanceof LifeboatError ? error.problem.code : "";
    const says =
      error instanceof LifeboatError ? error.problem.what : `did not answer: ${messageOf(error) || "refused"}`;
    const forbidden = /^(address|url)-/.test(code);
    return { url, met: false, status: null, milliseconds: null, says, forbidden };
  }
}

function unmet(expected: Expectation, status: number, body: string): string | null {
  if (status !== expected.status) return `answered ${status}; ${expected.status} is expected`;
  if (expected.contains !== undefined && !body.includes(expected.contains)) {
    return `answered ${status}, but its body does not contain “${expected.contains}”`;
  }
  for (const [path, value] of Object.entries(expected.json ?? {})) {
    const found = valueAt(body, path);
    if (found !== value)
      return `answered ${status}, but ${path} is ${JSON.stringify(found) ?? "absent"} and not ${JSON.stringify(value)}`;
  }
  return null;
}

function textOf(value: unknown): string | null {
  return value === undefined || value === null ? null : typeof value === "string" ? value : JSON.stringify(value);
}

function valueAt(body: string, path: string): unknown {
  try {
    return path.split(".").reduce<unknown>((at, key) => {
      if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
      return (at as Record<string, unknown>)[key];
    }, JSON.parse(body));
  } catch {
    return undefined;
  }
}
