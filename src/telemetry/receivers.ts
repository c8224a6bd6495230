import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import { faultOfSecret } from "../sinks/webhook/sign.ts";
import type { Receiver } from "../sinks/webhook/webhook.ts";
import { codeOf, type EventRecord, type EventSeverity, severityOf } from "./event-record.ts";

const name = z.string().regex(/^[a-z0-9-]{1,40}$/, "has to be a short name: siem");
const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, "has to be the name of an environment variable");
const pattern = z
  .string()
  .regex(/^[a-z-]+(\.[a-z_-]+)*(\.\*)?$|^\*$/, 'has to be a code, such as gate.broken or "run.*"');
const LOUDNESS: readonly EventSeverity[] = ["info", "low", "medium", "high"];

const shape = z.array(
  z.strictObject({
    name,
    url: z.url({ protocol: /^https?$/ }),
    /** The current secret first; a second one while it is changed. */
    secretFrom: z.union([variable, z.array(variable).min(1).max(2)]),
    events: z.array(pattern).min(1).default(["*"]),
    systems: z.array(z.string().min(1)).min(1).optional(),
    atLeast: z.enum(LOUDNESS as [EventSeverity, ...EventSeverity[]]).default("info"),
    drills: z.boolean().default(true),
  }),
);
export type EventFilter = Omit<z.infer<typeof shape>[number], "url" | "secretFrom" | "name">;

export interface Subscribed extends Receiver {
  readonly name: string;
  readonly wants: EventFilter;
}

/**
 * Who is told of events, from the file that `LIFEBOAT_WEBHOOKS` names.
 * @throws LifeboatError `webhooks` with everything that is wrong with it
 */
export function readReceivers(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly Subscribed[] {
  const refuse = (what: string) =>
    new LifeboatError({ code: "webhooks", where: file, what, next: "Correct the file that LIFEBOAT_WEBHOOKS names" });
  let given: unknown;
  try {
    given = parse(readFileSync(file, "utf8"), { maxAliasCount: 10 });
  } catch (error) {
    throw refuse(messageOf(error));
  }
  const read = shape.safeParse(given);
  if (!read.success)
    throw refuse(
      read.error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`).join("; "),
    );
  const names = read.data.map((one) => one.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined) throw refuse(`two receivers are called ${twice}`);
  return read.data.map(({ name: called, url, secretFrom, ...wants }) => {
    const secrets = [secretFrom].flat().map((from) => {
      const value = environment[from] ?? "";
      const fault = value === "" ? "is not in the environment" : faultOfSecret(value);
      if (fault !== null) throw refuse(`${called}: ${from} ${fault}`);
      return value;
    });
    return { name: called, url, secrets, wants };
  });
}

/** The variables that hold the secrets of receivers; none where the file can't be used, which `readReceivers` says. */
export function secretNamesOf(file: string): ReadonlySet<string> {
  try {
    const read = shape.safeParse(parse(readFileSync(file, "utf8"), { maxAliasCount: 10 }));
    return new Set(read.success ? read.data.flatMap(({ secretFrom }) => secretFrom) : []);
  } catch {
    return new Set();
  }
}

/** Of an incident its own; people are known by their systems: `<system>/<person>`. */
function systemsOf({ system, people = [] }: EventRecord["data"]): readonly string[] {
  if (typeof system === "string") return [system];
  return (people as readonly string[]).map((one) => one.split("/")[0] ?? "");
}

/** Whether a receiver wants to be told of it. */
export function matches(
  { events, systems, atLeast, drills }: EventFilter,
  type: string,
  about: EventRecord["data"],
): boolean {
  const code = codeOf(type);
  const { kind } = about.incident as { kind: string | null };
  if (!drills && kind === "drill") return false;
  if (systems !== undefined && !systemsOf(about).some((one) => systems.includes(one))) return false;
  if (LOUDNESS.indexOf(severityOf(type)) < LOUDNESS.indexOf(atLeast)) return false;
  return events.some((one) => one === "*" || one === code || (one.endsWith(".*") && code.startsWith(one.slice(0, -1))));
}
