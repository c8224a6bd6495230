import { join } from "node:path";
import { actions, cards } from "../../src/actions/index.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { Gate, Runbook, RunbookStep, System } from "../../src/catalog/types.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { anchor } from "./actions.ts";
import { code, duration, inline, page, table } from "./markdown.ts";
import { samplesOf, shapeOf } from "./shape.ts";

const SOURCE = "templates/systems";

function shipped() {
  const { catalog, problems } = loadCatalog(join(projectRoot(), SOURCE), cards);
  const errors = problems.filter(({ level }) => level === "error");
  if (errors.length > 0) throw new Error(`The shipped catalogue has ${errors.length} errors: run lifeboat lint`);
  return catalog;
}

export function runbookSystems(): readonly { readonly id: string; readonly title: string }[] {
  return shipped().systems.map(({ id, title }) => ({ id, title }));
}

/** A page for each shipped system and one that lists all runbooks: file below `docs/` → text. */
export function runbookPages(): ReadonlyMap<string, string> {
  const { systems, runbooks } = shipped();
  const pages = systems.map((system) => {
    const own = runbooks.filter((runbook) => runbook.system === system.id);
    const parts = [overview(own, ""), ...own.map((runbook) => entry(runbook, system))];
    return [`reference/runbooks/${system.id}.md`, page(`Runbooks: ${inline(system.title)}`, SOURCE, ...parts)] as const;
  });
  const all = systems.flatMap((system) => [
    `## [${inline(system.title)}](./${system.id}.md)`,
    overview(
      runbooks.filter((runbook) => runbook.system === system.id),
      `./${system.id}.md`,
    ),
  ]);
  const intro = `${runbooks.length} runbooks of ${systems.length} systems ship with Lifeboat. Copy a system with \`lifeboat init\`, and practise any of them with \`npm start -- --system <system>\`.`;
  return new Map([["reference/runbooks/index.md", page("Runbooks", SOURCE, intro, ...all)], ...pages]);
}

function overview(own: readonly Runbook[], file: string): string {
  const rows = own.map(({ id, title, modes }) => [`[${code(id)}](${file}#${id})`, inline(title), modes.join(", ")]);
  return table(["runbook", "what it does", "modes"], rows);
}

function entry(runbook: Runbook, system: System): string {
  return [
    `## ${inline(runbook.title)} {#${runbook.id}}`,
    inline(runbook.summary),
    aboutIt(runbook, system),
    inputs(runbook),
    steps(runbook, system),
    list("If it can't start", runbook.beforehand),
    list("Afterwards", runbook.afterwards),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function aboutIt(runbook: Runbook, system: System): string {
  const { starts, rtoSeconds, rpoSeconds, changes, direction, givesUp } = runbook;
  const lines = [`/dr runbook ${runbook.id}`, ...(starts ? [`/dr ${starts.verb} ${starts.target}`] : [])];
  const objectives = [
    ...(rtoSeconds === null ? [] : [`RTO ${duration(rtoSeconds)}`]),
    ...(rpoSeconds === null ? [] : [`RPO ${duration(rpoSeconds)}`]),
  ];
  const kinds = [
    ...(runbook.maintenance ? ["planned work: a run opens a maintenance record"] : []),
    ...(runbook.exercise ? ["a declared exercise on production"] : []),
    ...(runbook.drill ? ["only as a drill: it breaks what it runs on"] : []),
    ...(runbook.mendsSplit ? ["may start while two members take writes, to end that"] : []),
    ...(runbook.leavesSite ? [`\`/dr failover <site>\` starts it too`] : []),
  ];
  return [
    `- **Start**: ${lines.map(code).join(" or ")}`,
    `- **Modes**: ${runbook.modes.join(", ")}`,
    `- **Direction**: ${direction ? directionOf(direction, system) : "none: it moves nothing from one site to another"}`,
    `- **Changes**: ${changes === null ? "nothing, it only reads" : code(changes)}`,
    ...(objectives.length > 0 ? [`- **Objectives**: ${objectives.join(", ")}`] : []),
    ...(givesUp ? [`- **Gives up**: ${givesUp.map(inline).join("; ")}`] : []),
    ...(kinds.length > 0 ? [`- **Kind**: ${kinds.join("; ")}`] : []),
  ].join("\n");
}

function directionOf(direction: NonNullable<Runbook["direction"]>, system: System): string {
  const title = (id: string) => inline(system.targets?.find((target) => target.id === id)?.title ?? id);
  const agree =
    direction.agree.length > 0 ? ` Must be active at the same site: ${direction.agree.map(title).join(", ")}.` : "";
  return `from the site where ${title(direction.of)} is active to one where it stands by, looked up when the run is planned.${agree}`;
}

function inputs({ inputs: own = [] }: Runbook): string {
  if (own.length === 0) return "";
  const allowed = (input: (typeof own)[number]) => [
    input.type,
    ...(input.choices.length > 0 ? [`one of: ${input.choices.join(", ")}`] : []),
    ...(input.pattern === null ? [] : [`fits ${input.pattern}`]),
    ...(input.min === null ? [] : [`at least ${input.min}`]),
    ...(input.max === null ? [] : [`at most ${input.max}`]),
  ];
  const rows = own.map((input) => [
    code(input.name),
    inline(input.description),
    code(allowed(input).join(", ")),
    input.default === null ? "required" : code(String(input.default)),
  ]);
  return table(["input", "what it is", "type", "default"], rows);
}

function steps(runbook: Runbook, system: System): string {
  const rows = runbook.stages.flatMap((stage) => [
    [`**${inline(stage.title)}**`, stage.parallel ? "side by side" : "", "", ""],
    ...stage.steps.map((step) => [
      code(step.id),
      inline(step.title) + conditions(step),
      does(step, system),
      undo(step),
    ]),
  ]);
  return table(["step", "title", "what it does", "undo"], rows);
}

function conditions({ mode, when, towards, moves }: RunbookStep): string {
  const only = [
    ...(mode ? [`${mode} only`] : []),
    ...(towards ? [`towards or from ${inline(towards)} only`] : []),
    ...(moves ? [`only while ${inline(moves)} is not there yet`] : []),
    ...(when ? [`only when ${code(`${when.step}: ${when.fact} is ${String(when.is)}`)}`] : []),
  ];
  return only.length > 0 ? ` (${only.join("; ")})` : "";
}

function does({ does: doing }: RunbookStep, system: System): string {
  switch (doing.kind) {
    case "action": {
      const target = doing.action.split(".")[0];
      return actions.has(doing.action)
        ? `[${code(doing.action)}](../actions/${target}.md#${anchor(doing.action)})`
        : code(doing.action);
    }
    case "gate":
      return `**Approval**: ${gate(doing.gate, system)}`;
    case "manual":
      return `Manual${doing.role === null ? "" : `, ${roleOf(doing.role, system)}`}: ${inline(doing.instructions)}`;
    case "wait":
      return `Waits ${duration(doing.seconds)}`;
  }
}

function gate({ role, quorum, expiresSeconds, escalate, stepUp, exercise }: Gate, system: System): string {
  return [
    quorum > 1 ? `${quorum} × ${roleOf(role, system)}` : roleOf(role, system),
    ...(escalate.length > 0
      ? [
          `escalates to ${escalate.map((next) => `${roleOf(next.role, system)} after ${duration(next.afterSeconds)}`).join(", ")}`,
        ]
      : []),
    `expires after ${duration(expiresSeconds)}`,
    ...(stepUp ? ["second factor"] : []),
    ...(exercise ? ["says that production is changed"] : []),
  ].join("; ");
}

function roleOf(id: string, system: System): string {
  return inline(system.roles.find((role) => role.id === id)?.title ?? id);
}

/** What its action says of an input like this one; a reference counts as given. */
function undo({ does: doing }: RunbookStep): string {
  if (doing.kind !== "action") return "";
  const action = actions.get(doing.action);
  if (!action || action.risk === "read") return "";
  const samples = samplesOf(shapeOf(action.input));
  const written = Object.entries((doing.with ?? {}) as Record<string, unknown>);
  const whole = samples.at(-1) ?? {};
  const given = Object.fromEntries(
    written.map(([name, value]) => [name, typeof value === "boolean" || isChoice(value) ? value : whole[name]]),
  );
  const words = { step: "`/dr undo`", "by-hand": "manually", never: "**no**", nothing: "nothing to undo" };
  return words[action.undo.ahead({ ...samples[0], ...given }).kind];
}

function isChoice(value: unknown): boolean {
  return typeof value === "string" && /^[a-z][a-z-]*$/.test(value);
}

function list(title: string, items: readonly string[]): string {
  return items.length === 0 ? "" : [`**${title}**`, "", ...items.map((item) => `- ${inline(item)}`)].join("\n");
}
