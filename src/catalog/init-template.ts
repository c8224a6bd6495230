import type { Runbook, System, Variable } from "./types.ts";

/** What of a shipped system is about one installation, and so has to be filled in by the one who makes it their own. */

/** People of the practice workspace, and addresses and ids of no one. */
const ofOneInstallation: readonly (readonly [key: string, says: string])[] = [
  [
    "people",
    "Who decides here: lint names every role that needs a holder. In Slack, a profile's three dots copy the member ID.",
  ],
  ["paging", "How people are woken: ids of your PagerDuty. Left out: no one is paged."],
  ["comms", "Who is told how. Left out: responders in the incident's channel, executives where it was announced."],
  ["contacts", "Who can be reached beside the roster."],
  ["links", "Bookmarked in every incident's channel."],
];

/** The file of a shipped system as one of someone's own: for production, with what is about people as examples to fill in. */
export function ownSystem(text: string, id: string): string {
  const [schema = "", ...rest] = text.split("\n");
  const head = [schema, `# A copy of the shipped system ${id}, made by lifeboat init. It is yours to edit.`];
  const own = [...head, ...rest].join("\n").replace(/^environment: practice$/m, "environment: production");
  return ofOneInstallation.reduce((done, [key, says]) => asExample(done, key, says), own);
}

/** A key at the top of the file, with all that stands under it, as comments. */
function asExample(text: string, key: string, says: string): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (start === -1) return text;
  const after = lines.findIndex((line, i) => i > start && /^\S/.test(line));
  const block = lines.slice(start, after === -1 ? lines.length : after);
  while (block.at(-1) === "") block.pop();
  const example = block.map((line) => (line === "" ? "#" : `# ${line}`));
  const empty = key === "people" ? ["people: {}"] : [];
  return lines.toSpliced(start, block.length, `# ${says} As practised:`, ...example, ...empty).join("\n");
}

/** A file of values with nothing guessed: what has no default is empty, what has one stands there as a comment. */
export function valuesOf({ id, title, variables }: System): string {
  const lines = variables.flatMap((variable) => [`  # ${described(variable)}`, valueLine(variable)]);
  const none = variables.length === 0 ? " {}" : "";
  return [`# ${title}`, `${id}:${none}`, ...lines, ""].join("\n");
}

function described({ type, description }: Variable): string {
  return `${description.replaceAll(/\s+/g, " ")} (${type})`;
}

function valueLine({ name, default: given }: Variable): string {
  return given === null ? `  ${name}:` : `  # ${name}: ${JSON.stringify(given)}`;
}

/** Environment variables that carry secrets, by name, each with who names it. */
export function secretsOf(
  { triage, paging, scripts, targets }: Pick<System, "triage" | "paging" | "scripts" | "targets">,
  runbooks: readonly Runbook[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  const add = (name: string, by: string) => found.set(name, (found.get(name) ?? new Set()).add(by));
  for (const { id, stages } of runbooks) {
    for (const { does } of stages.flatMap(({ steps }) => steps)) {
      if (does.kind === "action") for (const name of namedIn(does.with)) add(name, id);
    }
  }
  for (const { id, members } of targets ?? []) for (const name of namedIn(members)) add(name, `target ${id}`);
  for (const { probe } of triage?.questions ?? []) for (const name of namedIn(probe?.with)) add(name, "triage");
  for (const { name, environment } of scripts) for (const one of environment) add(one, `script ${name}`);
  for (const name of namedIn(paging)) add(name, "paging");
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, by]) => [name, [...by]]));
}

/** `passwordFrom: ORDERS_DB_PASSWORD`, however deep. */
function namedIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(namedIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key.endsWith("From") && typeof item === "string" && /^[A-Z][A-Z0-9_]*$/.test(item) ? [item] : namedIn(item),
  );
}
