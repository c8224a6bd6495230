import { entitled } from "../../../src/incident/authority.ts";
import { delegationsNow } from "../../../src/incident/delegation.ts";
import { incidentName } from "../../../src/incident/numbers.ts";
import type { GateState, IncidentState, RunState, StepState } from "../../../src/incident/state.ts";
import { reviewsDue } from "../approval/break-glass.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, context, divider, header, lines, section } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import { kindPrefix, runTitle } from "../kit/kind.ts";
import type { Block } from "../kit/message.ts";
import { runMark, runStatusWords, statusWords } from "../kit/status.ts";
import type { HomeSituation, RenderHome } from "../kit/view.ts";
import { at } from "../kit/when.ts";
import { notFencedLines, notFencedPlain } from "../run/fence.ts";
import { actionLine, isDue } from "./action-items.ts";
import { occasionLine } from "./calendar.ts";
import { named } from "./maintenance.ts";
import { readinessHome } from "./readiness.ts";

/** The Home tab of one person: what waits for them, what is open, what runs. */
export const renderHome: RenderHome = (home): readonly Block[] => {
  if (home.personIn.size === 0) return stranger();
  return [
    ...(home.practice ? [context("Practice workspace: nothing real is touched.")] : []),
    ...(home.announceProblem ? [section(`⚠️ ${safe(home.announceProblem)}`)] : []),
    header("Waiting for your decision"),
    ...waiting(home),
    ...home.incidents.flatMap(({ state }) => reviewsDue(state, home, readerOf(home, state))),
    ...todo(home),
    divider,
    header("Open incidents"),
    ...incidents(home),
    divider,
    header("Running now"),
    ...running(home),
    ...ready(home),
    ...drills(home),
    actions(
      { label: "Declare incident…", verb: "declare", actionValue: "", style: "primary" },
      { label: "Show all commands", verb: "help", actionValue: "" },
    ),
  ];
};

/** Where Slack does not take the tab as it is drawn: how to get at the same in words. */
export const PLAIN_HOME: readonly Block[] = [
  section("This tab can't be shown right now. Type `/dr list` for open incidents, and `/dr` for what to do next."),
];

function stranger(): Block[] {
  return [
    header("You are not on a roster yet"),
    section("Ask your Lifeboat administrators to add you to `people` in `system.yml`."),
  ];
}

interface Pending {
  readonly state: IncidentState;
  readonly run: RunState;
  readonly step: StepState;
  readonly gate: GateState;
  readonly channel: string | null;
}

function waiting(home: HomeSituation): Block[] {
  const mine = home.incidents.flatMap(({ state, channel }) => pendingFor(home, state, channel));
  if (mine.length === 0) return [section("Nothing.")];
  return mine.slice(0, 8).flatMap(({ run, step, gate, channel }) => [
    section(
      [
        `*${kindPrefix(run.plan.kind, home.practice)}${safe(run.plan.title)}*: ${safe(step.step.title)}`,
        `*${safe(run.plan.target)}*`,
        ...notFencedLines(run, home, true),
        `Data loss: ${safe(gate.loss)}`,
        `Expires ${at(gate.expiresAt)}${channel ? ` · all facts are in <#${channel}>` : ""}`,
      ].join("\n"),
    ),
    actions(
      {
        label: "Approve",
        verb: "gate.approve",
        detail: gate.ask,
        actionValue: actionValue(run.id, gate.ask),
        style: "primary",
        aloud: `Approve ${run.plan.title}`,
        ...(!asksForCode(step) && {
          confirm: {
            title: `Approve: ${run.plan.title}?`,
            says: `${notFencedPlain(run)}${cut(run.plan.target, 110)}. Data loss: ${cut(gate.loss, 120)}.`,
            yes: "Approve",
            no: "Not yet",
          },
        }),
      },
      {
        label: "Deny",
        verb: "gate.deny",
        detail: gate.ask,
        actionValue: actionValue(run.id, gate.ask),
        style: "danger",
        aloud: `Deny ${run.plan.title}`,
      },
    ),
  ]);
}

function asksForCode({ step }: StepState): boolean {
  return step.kind === "gate" && step.gate.stepUp;
}

/** Person id of the reader on the roster of this incident's system, or null. */
function readerOf(home: HomeSituation, state: IncidentState): string | null {
  return home.personIn.get(state.declared?.system ?? "") ?? null;
}

/** Gates this person may decide: by a role of their own or one that is delegated to them, and not for a run of their own. */
function pendingFor(home: HomeSituation, state: IncidentState, channel: string | null): Pending[] {
  const system = home.systems.find(({ id }) => id === state.declared?.system);
  const person = readerOf(home, state);
  if (!system || person === null) return [];
  const delegated = delegationsNow(state, home.now);
  return [...state.runs.values()]
    .filter((run) => run.endedAt === null)
    .flatMap((run) =>
      [...run.steps.values()].flatMap((step) => {
        if (step.status !== "gate" || step.gate.outcome !== "open" || step.gate.broken !== null) return [];
        const { gate } = step;
        const may = entitled(run, gate, system, delegated).some(({ id }) => id === person);
        const has = gate.approvals.some((approval) => approval.person === person);
        return may && !has ? [{ state, run, step, gate, channel }] : [];
      }),
    );
}

function todo({ actions: items = [], now, names }: HomeSituation): Block[] {
  if (items.length === 0) return [];
  return [
    header("Your action items"),
    ...lines(
      items.slice(0, 10).map(({ state, item }) => {
        const mark = isDue(item, now) ? "🔔 " : "";
        return `• ${mark}${safe(incidentName(state))}/${actionLine(item, names)}`;
      }),
    ),
    actions(
      ...items.slice(0, 5).map(({ state, item }) => ({
        label: `Done: ${incidentName(state)}/${item.id}`,
        verb: "action.done",
        detail: `${state.id}:${item.id}`,
        actionValue: actionValue(state.id, item.id),
      })),
    ),
  ];
}

function incidents(home: HomeSituation): Block[] {
  const open = home.incidents.filter(
    ({ state }) => state.resolvedAt === null && state.declared?.kind !== "maintenance",
  );
  if (open.length === 0) return [section("None.")];
  return lines(
    open.slice(0, 15).map(({ state, channel }) => {
      const prefix = kindPrefix(state.declared?.kind ?? "real", home.practice);
      const where = channel ? ` in <#${channel}>` : "";
      return `• ${prefix}*${named(state)}* ${safe(cut(state.declared?.title ?? state.id, 150))}: ${statusWords(state.status)}${where}`;
    }),
  );
}

function running(home: HomeSituation): Block[] {
  const runs = home.incidents.flatMap(({ state, channel }) =>
    [...state.runs.values()].filter(({ endedAt }) => endedAt === null).map((run) => ({ run, channel })),
  );
  if (runs.length === 0) return [section("Nothing.")];
  return lines(
    runs.slice(0, 15).map(({ run, channel }) => {
      const where = channel ? ` in <#${channel}>` : "";
      return `${runMark(run)} ${kindPrefix(run.plan.kind, home.practice)}${safe(cut(runTitle(run.plan, run.dryRun), 150))}: ${runStatusWords(run)}${where}`;
    }),
  );
}

function ready({ readiness = [] }: HomeSituation): Block[] {
  const told = readinessHome(readiness);
  if (told.length === 0) return [];
  return [divider, header("Readiness"), ...lines(told), context("Every runbook: `/dr readiness`")];
}

const DRILLS = 5;

/** What is practised next, and whatever of the calendar is overdue. */
function drills({ occasions = [] }: HomeSituation): Block[] {
  const several = new Set(occasions.map(({ system }) => system)).size > 1;
  const next = occasions.filter(({ kind, overdueSince }) => kind === "drill" || overdueSince !== null);
  if (next.length === 0) return [];
  return [
    divider,
    header("Next drills"),
    ...lines(next.slice(0, DRILLS).map((one) => occasionLine(one, several))),
    context("All of it: `/dr calendar`"),
  ];
}
