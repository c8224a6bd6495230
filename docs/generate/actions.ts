import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../../src/actions/contract.ts";
import { actions } from "../../src/actions/index.ts";
import type { WayBack } from "../../src/catalog/types.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { code, duration, inline, page, table } from "./markdown.ts";
import { type Shape, samplesOf, shapeOf, typeOf } from "./shape.ts";

const SOURCE = "src/actions";

/** `postgres` → its actions, in the order of the list. */
function byTarget(): ReadonlyMap<string, readonly Action[]> {
  const found = new Map<string, Action[]>();
  for (const action of actions.values()) {
    const target = action.id.split(".")[0] ?? "";
    found.set(target, [...(found.get(target) ?? []), action]);
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)));
}

export function actionTargets(): readonly string[] {
  return [...byTarget().keys()];
}

/** A page for each target and one that lists them all: file below `docs/` → text. */
export function actionPages(): ReadonlyMap<string, string> {
  const modes = failureModes();
  const targets = byTarget();
  const pages = [...targets].map(([target, own]) => {
    const parts = own.map((action) => entry(action, modes));
    return [`reference/actions/${target}.md`, page(`Actions: ${target}`, SOURCE, overview(own), ...parts)] as const;
  });
  return new Map([["reference/actions/index.md", index(targets)], ...pages]);
}

function index(targets: ReadonlyMap<string, readonly Action[]>): string {
  const rows = [...targets].flatMap(([target, own]) =>
    own.map(({ id, summary, risk }) => [`[${code(id)}](./${target}.md#${anchor(id)})`, inline(summary), risk]),
  );
  return page(
    "Actions",
    SOURCE,
    `An action is the code that performs one step: it observes, checks whether it may go ahead, causes one side effect, and verifies it by looking. There are ${actions.size}.`,
    RISKS,
    table(["action", "what it does", "risk"], rows),
  );
}

const RISKS = [
  "**Risk**: *read* changes nothing; *reversible* can be undone; *disruptive* interrupts the service; *irreversible* can't be undone.",
  "**Repeat class**: what is true when a request went out and its answer was lost. *safe*: a second request changes nothing. *guarded*: the target refuses a second one. *toggle*: a second one would undo the first, so it's sent again only when the first is known to have done nothing. *destructive*: never sent again without a person.",
].join("\n\n");

function overview(own: readonly Action[]): string {
  const rows = own.map(({ id, summary, risk, repeat }) => [
    `[${code(id)}](#${anchor(id)})`,
    inline(summary),
    risk,
    risk === "read" ? "" : repeat,
  ]);
  return table(["action", "what it does", "risk", "repeat class"], rows);
}

function entry(action: Action, modes: ReadonlyMap<string, readonly FailureMode[]>): string {
  const shape = shapeOf(action.input);
  const { typicalSeconds, warnSeconds, failSeconds } = action.budget;
  const changes = action.risk !== "read";
  const facts = [
    `- **Risk**: ${action.risk}`,
    ...(changes ? [`- **Repeat class**: ${action.repeat}`, `- **Effect**: ${effects(action, shape)}`] : []),
    `- **Time**: ${duration(typicalSeconds)} typically, a warning after ${duration(warnSeconds)}, given up after ${duration(failSeconds)}`,
    ...(changes ? [`- **Undo**: ${undo(action, shape)}`] : []),
    ...(action.watch ? [`- **Watched afterwards**: for ${duration(action.watch.forSeconds)}`] : []),
  ];
  const own = modes.get(action.id) ?? [];
  return [
    `## ${action.id} {#${anchor(action.id)}}`,
    `${inline(action.summary)}.`,
    facts.join("\n"),
    inputs(shape),
    own.length > 0 ? failures(own) : "",
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function inputs(shape: Shape): string {
  const rows = Object.entries(shape.properties ?? {}).map(([name, inner]) => [
    code(name),
    code(typeOf(inner)),
    inner.default === undefined
      ? shape.required?.includes(name)
        ? "required"
        : ""
      : code(JSON.stringify(inner.default)),
  ]);
  return rows.length === 0 ? "No inputs." : table(["input", "type", "default"], rows);
}

/** What it does to the service and to who writes, over all that its input can say. */
function effects(action: Action, shape: Shape): string {
  const samples = samplesOf(shape);
  const distinct = <T>(ask: (input: unknown) => T) => [...new Set(samples.map((one) => ask(one)))];
  const { service } = action;
  const services = service === undefined ? [] : typeof service === "string" ? [service] : distinct(service);
  const says: Record<string, string> = {
    interrupts: "may interrupt the service",
    restores: "is part of the way back to service",
    aside: "runs beside the service",
  };
  const depends = services.length > 1 ? " (depends on its inputs)" : "";
  const sometimes = (ask: ((input: unknown) => boolean) | undefined, words: string) => {
    if (!ask) return [];
    const answers = distinct((input) => ask.call(action, input));
    return answers.includes(true) ? [answers.includes(false) ? `${words} with some inputs` : words] : [];
  };
  return [
    services.map((one) => says[one] ?? one).join(", or ") + depends,
    ...sometimes(action.fences, "keeps a server from taking writes"),
    ...sometimes(action.opens, "lets a server take writes again"),
    ...(action.promotes ? ["makes a standby the server that takes writes"] : []),
    ...(action.arbitrary ? ["runs what the runbook's author wrote"] : []),
  ].join("; ");
}

function undo(action: Action, shape: Shape): string {
  const ways = new Map<string, string>();
  for (const input of samplesOf(shape)) {
    const way = action.undo.ahead(input);
    // Of two inputs of which one is needed, this sample has none.
    if (way.kind !== "step" && way.says.includes("undefined")) continue;
    ways.set(way.kind, ways.get(way.kind) ?? sayWay(way));
  }
  return [...ways.values()].join(" Or, depending on its inputs: ");
}

export function sayWay(way: WayBack): string {
  if (way.kind === "step") return "`/dr undo`, as a run of its own.";
  const kinds = { nothing: "Nothing to undo", "by-hand": "Manually", never: "Not possible" };
  return `${kinds[way.kind]}. ${inline(way.says)}`;
}

export function anchor(id: string): string {
  return id.replaceAll(/[._]/g, "-");
}

interface FailureMode {
  readonly name: string;
  readonly answer: string;
}

/** The page of trials, read back: action → how each way to fail is answered by a test. */
function failureModes(): ReadonlyMap<string, readonly FailureMode[]> {
  const lines = readFileSync(join(projectRoot(), "test", "actions", "failure-modes.md"), "utf8").split("\n");
  const notes = new Map(lines.flatMap((line) => noteIn(line)));
  const rows = lines
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [head = [], , ...own] = rows;
  return new Map(
    own.map(([id = "", ...cells]) => [
      id.replaceAll("`", ""),
      cells.map((cell, n) => ({ name: head[n + 1] ?? "", answer: sayAnswer(cell, notes) })),
    ]),
  );
}

/** `7. why it can't happen` → its number and the words. */
function noteIn(line: string): [string, string][] {
  const [, number, words] = /^(\d+)\. (.*)$/.exec(line) ?? [];
  return number === undefined || words === undefined ? [] : [[number, words]];
}

function sayAnswer(cell: string, notes: ReadonlyMap<string, string>): string {
  const note = inline(notes.get(cell.slice(1)) ?? "");
  if (cell.startsWith("→")) return `tested: ${note}`;
  return cell.startsWith("–") ? `can't happen: ${note}` : "tested";
}

function failures(modes: readonly FailureMode[]): string {
  const tested = modes.filter(({ answer }) => answer === "tested").map(({ name }) => name);
  const others = modes.filter(({ answer }) => answer !== "tested").map(({ name, answer }) => `- ${name}: ${answer}`);
  const plain = tested.length > 0 ? [`- tested: ${tested.join(" · ")}`] : [];
  return ["**Failure modes**", "", ...plain, ...others].join("\n");
}
