import { errorAt, type Fault, type Finding, isClean } from "../catalog/fault.ts";
import { parseYaml } from "../catalog/parse.ts";
import { toFinding } from "../catalog/positions.ts";
import { nearest } from "../catalog/suggest.ts";
import { factNames } from "./facts.ts";
import { namesIn, type Used } from "./liquid.ts";
import { frontMatter, LAST_WORDS, NEXT_UPDATE, type Template, toTemplate } from "./template.ts";

export interface Read {
  /** Null when there is an error among the findings. */
  readonly template: Template | null;
  readonly findings: readonly Finding[];
}

const FENCE = /^---[ \t]*\r?\n([\s\S]*?)^---[ \t]*\r?\n?/m;

/** Reads one template and finds everything that is wrong with it at once. `name`: what its file is called. */
export function readTemplate(file: string, name: string, text: string): Read {
  const fence = text.startsWith("---") ? FENCE.exec(text) : null;
  if (fence === null) {
    const what = "A template begins with its front matter, between two lines of ---";
    return { template: null, findings: [here(file, text, { line: 1, column: 1, length: 3 }, "syntax", what)] };
  }
  // A line in the place of the fence keeps the numbers of the lines.
  const { source, value, findings } = parseYaml(file, `\n${fence[1] ?? ""}`, frontMatter);
  if (value === null) return { template: null, findings };
  const body = text.slice(fence[0].length);
  const template = toTemplate(value, body.trim());
  const offset = fence[0].split("\n").length - 1;
  const found: Finding[] = [
    ...findings,
    ...[...checkFields(template, name), ...checkSubject(template), ...checkPrefills(template)].map(
      ({ rule, ...fault }) => toFinding(source, rule, fault),
    ),
    ...checkBody(template, body).map(({ rule, line, column, length, what, level, ...more }) =>
      here(file, text, { line: line + offset, column, length }, rule, what, level, more),
    ),
  ];
  return { template: isClean(found) ? template : null, findings: found };
}

type Ruled = Fault & { readonly rule: string };

function checkFields(template: Template, name: string): Ruled[] {
  const { id, fields, moment, audience } = template;
  const read = [template.body, template.subject ?? ""].map(namesIn);
  const readable = read.every(({ mistakes }) => mistakes.length === 0);
  const used = new Set(read.flatMap((text) => text.used.map(({ path }) => path[0])));
  const faults: Ruled[] = [];
  if (id !== name)
    faults.push({ rule: "comms-id", ...errorAt(["id"], `The file is called ${name}.md`, { next: `id: ${name}` }) });
  for (const field of fields) {
    const at = ["fields", field.name];
    if (Object.hasOwn(factNames, field.name))
      faults.push({ rule: "comms-field", ...errorAt(at, `"${field.name}" is a fact already`, { at: "key" }) });
    else if (readable && !used.has(field.name)) {
      const what = `"${field.name}" is asked and never used`;
      faults.push({ rule: "comms-field", ...errorAt(at, what, { at: "key", next: `{{ ${field.name} }}` }) });
    }
  }
  const promises = fields.some((one) => one.name === NEXT_UPDATE && one.required);
  if (!promises && !LAST_WORDS.includes(moment)) {
    const next = `Give it a required field ${NEXT_UPDATE}, and say it: {{ ${NEXT_UPDATE} }}`;
    faults.push({ rule: "comms-next", ...errorAt(["moment"], "Nothing says when the next update comes", { next }) });
  }
  if (template.channels.includes("statuspage") && audience !== "status-page" && audience !== "customers") {
    const what = `A status page is read by customers, and this is written for ${audience}`;
    faults.push({ rule: "comms-channel", ...errorAt(["channels"], what) });
  }
  return faults;
}

function checkPrefills({ fields }: Template): Ruled[] {
  return fields.flatMap(({ name, prefill }) => {
    if (prefill === null) return [];
    const at = ["fields", name, "prefill"];
    const { used, mistakes } = namesIn(prefill);
    return [
      ...mistakes.map(({ what }): Ruled => ({ rule: "comms-liquid", ...errorAt(at, what) })),
      ...used.flatMap((one) =>
        strange(one, []).map((fault): Ruled => ({ rule: "comms-name", ...errorAt(at, ...fault) })),
      ),
    ];
  });
}

function checkSubject({ subject, fields }: Template): Ruled[] {
  if (subject === null) return [];
  const { used, mistakes } = namesIn(subject);
  const names = fields.map(({ name }) => name);
  return [
    ...mistakes.map(({ what }): Ruled => ({ rule: "comms-liquid", ...errorAt(["subject"], what) })),
    ...used.flatMap((one) =>
      strange(one, names).map((fault): Ruled => ({ rule: "comms-name", ...errorAt(["subject"], ...fault) })),
    ),
  ];
}

interface Placed extends Omit<Fault, "path" | "at"> {
  readonly rule: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

function checkBody(template: Template, body: string): Placed[] {
  const { used, mistakes } = namesIn(body);
  const names = template.fields.map(({ name }) => name);
  return [
    ...mistakes.map(
      ({ what, line, column }): Placed => ({
        ...{ level: "error", rule: "comms-liquid", line, column, length: 1, what },
      }),
    ),
    ...used.flatMap((one) =>
      strange(one, names).map(
        ([what, more]): Placed => ({
          ...{ level: "error", rule: "comms-name", line: one.line, column: one.column, length: 2, what, ...more },
        }),
      ),
    ),
    ...(body.trim() === ""
      ? [
          {
            level: "error",
            rule: "comms-body",
            line: 1,
            column: 1,
            length: 1,
            what: "There are no words in it",
          } as const,
        ]
      : []),
    ...jargon(template, body),
  ];
}

/** A name that is neither a fact nor a field, as a fault. */
function strange({ path }: Used, fields: readonly string[]): [string, Partial<Fault>][] {
  const [root = "", leaf] = path;
  const written = path.join(".");
  if (fields.includes(root)) {
    return leaf === undefined ? [] : [[`"${root}" is a field and has no "${leaf}"`, {}]];
  }
  const group = Object.hasOwn(factNames, root) ? factNames[root as keyof typeof factNames] : undefined;
  if (group === undefined) {
    const meant = nearest(root, [...fields, ...Object.keys(factNames)]);
    const allowed = `Fields: ${fields.join(", ") || "none here"}; facts: ${Object.keys(factNames).join(", ")}`;
    return [[`There is no "${written}"`, { allowed, ...(meant && { next: `Did you mean ${meant}?` }) }]];
  }
  if (typeof group === "string") return leaf === undefined ? [] : [[`"${root}" has no "${leaf}"`, {}]];
  if (leaf !== undefined && path.length === 2 && Object.hasOwn(group, leaf)) return [];
  const meant = leaf === undefined ? null : nearest(leaf, Object.keys(group));
  const allowed = `Of ${root} there is ${Object.keys(group).join(", ")}`;
  return [[`There is no "${written}"`, { allowed, ...(meant && { next: `Did you mean ${root}.${meant}?` }) }]];
}

/** Words of ours that say nothing to someone who only wants to order. */
const JARGON =
  /\b(failover|fail over|replica(?:s|tion)?|standby|primary|runbook|postgres(?:ql)?|kubernetes|redis|dns|rto|rpo|p[0-3]|latency|node|cluster|outage window|root cause)\b/gi;

function jargon({ audience }: Template, body: string): Placed[] {
  if (audience !== "customers" && audience !== "status-page") return [];
  const own = body.replace(/\{[{%][\s\S]*?[%}]\}/g, (tag) => tag.replace(/[^\n]/g, " "));
  return own.split("\n").flatMap((line, index) =>
    [...line.matchAll(JARGON)].map((match): Placed => {
      const what = `Customers do not say "${match[0]}"`;
      return {
        ...{
          level: "warning",
          rule: "comms-jargon",
          line: index + 1,
          column: match.index + 1,
          length: match[0].length,
        },
        ...{ what, next: "Say what they notice" },
      };
    }),
  );
}

interface Place {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

function here(
  file: string,
  text: string,
  place: Place,
  rule: string,
  what: string,
  level: "error" | "warning" = "error",
  more: { allowed?: string; next?: string } = {},
): Finding {
  return { level, rule, file, ...place, source: text.split("\n")[place.line - 1] ?? "", what, ...more };
}
