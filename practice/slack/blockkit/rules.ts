import type { Json } from "../objects.ts";

/** Checks one value and adds what is wrong with it, each with the place as a JSON pointer, in Slack's words. */
export type Rule = (value: unknown, at: string, faults: string[]) => void;
export interface Shape {
  readonly need?: Readonly<Record<string, Rule>>;
  readonly may?: Readonly<Record<string, Rule>>;
}

export function fault(what: string, at: string): string {
  return `[ERROR] ${what} [json-pointer:${at || "/"}]`;
}

export function string(max: number, min = 1): Rule {
  return (value, at, faults) => {
    if (typeof value !== "string") faults.push(fault("must provide a string", at));
    else if (value.length < min) faults.push(fault(`must be more than ${min - 1} characters`, at));
    else if (value.length > max) faults.push(fault(`must be less than ${max + 1} characters`, at));
  };
}

export const flag: Rule = (value, at, faults) => {
  if (typeof value !== "boolean") faults.push(fault("must provide a boolean", at));
};

export const whole: Rule = (value, at, faults) => {
  if (!Number.isInteger(Number(value))) faults.push(fault("must provide an integer", at));
};

/** A text object; `plain` alone, or mrkdwn too. */
export function text(max: number, kind: "plain" | "any"): Rule {
  return (value, at, faults) => {
    if (!isObject(value)) return void faults.push(fault("must provide an object", at));
    const allowed = kind === "plain" ? ["plain_text"] : ["plain_text", "mrkdwn"];
    if (!allowed.includes(String(value.type)))
      faults.push(fault(`unsupported type: ${String(value.type)}, allowed: ${allowed.join(", ")}`, `${at}/type`));
    string(max)(value.text, `${at}/text`, faults);
    const known = value.type === "mrkdwn" ? ["type", "text", "verbatim"] : ["type", "text", "emoji"];
    unknownKeys(value, known, at, faults);
  };
}

export function list(rule: Rule, max: number, min = 1): Rule {
  return (value, at, faults) => {
    if (!Array.isArray(value)) return void faults.push(fault("must provide an array", at));
    if (value.length < min) faults.push(fault(`no less than ${min} items allowed`, at));
    if (value.length > max) faults.push(fault(`no more than ${max} items allowed`, at));
    for (const [i, one] of value.entries()) rule(one, `${at}/${i}`, faults);
  };
}

export function oneOf(...allowed: string[]): Rule {
  return (value, at, faults) => {
    if (!allowed.includes(String(value))) faults.push(fault(`must be one of: ${allowed.join(", ")}`, at));
  };
}

export function object(shape: Shape): Rule {
  return (value, at, faults) => {
    if (!isObject(value)) return void faults.push(fault("must provide an object", at));
    for (const [key, rule] of Object.entries(shape.need ?? {}))
      if (value[key] === undefined) faults.push(fault(`missing required field: ${key}`, at));
      else rule(value[key], `${at}/${key}`, faults);
    for (const [key, rule] of Object.entries(shape.may ?? {}))
      if (value[key] !== undefined && value[key] !== null) rule(value[key], `${at}/${key}`, faults);
    unknownKeys(value, ["type", ...Object.keys(shape.need ?? {}), ...Object.keys(shape.may ?? {})], at, faults);
  };
}

/** An object whose `type` picks its shape out of `shapes`. */
export function typed(shapes: Readonly<Record<string, Rule>>): Rule {
  return (value, at, faults) => {
    if (!isObject(value)) return void faults.push(fault("must provide an object", at));
    if (value.type === undefined) return void faults.push(fault("missing required field: type", at));
    const rule = Object.hasOwn(shapes, String(value.type)) ? shapes[String(value.type)] : undefined;
    if (rule) rule(value, at, faults);
    else faults.push(fault(`unsupported type: ${String(value.type)}`, `${at}/type`));
  };
}

export const anything: Rule = () => {};

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unknownKeys(value: Json, known: readonly string[], at: string, faults: string[]): void {
  for (const key of Object.keys(value))
    if (!known.includes(key)) faults.push(fault(`additional property "${key}" is not allowed`, at));
}
