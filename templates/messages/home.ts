import type { GateState, IncidentState, RunState, StepState } from "../../src/incident/state.ts";
import { actions, context, divider, header, lines, section } from "./blocks.ts";
import { cut, safe } from "./escape.ts";
import { kindPrefix, runTitle } from "./kind.ts";
import type { Block } from "./message.ts";
import { holders } from "./people.ts";
import { runMark, runStatusWords, statusWords } from "./status.ts";
import type { DrawHome, HomeSituation } from "./view.ts";
import { at } from "./when.ts";

/** The Home tab of one person: what waits for them, what is open, what runs. */
export const drawHome: DrawHome = (home): readonly Block[] => {
  if (home.personIn.size === 0) return stranger();
  return [
    ...(home.practice ? [context("Practice workspace: only the practice estate is touched, nothing of yours.")] : []),
    header("Waiting for your decision"),
    ...waiting(home),
    divider,
    header("Open incidents"),
    ...incidents(home),
    divider,
    header("Running now"),
    ...running(home),
    actions(
      { label: "Declare incident…", verb: "declare", carries: "", style: "primary" },
      { label: "Show all commands", verb: "help", carries: "" },
    ),
  ];
};

function stranger(): Block[] {
  return [
    header("You are not on a roster yet"),
    section(
      "Whoever keeps the systems' files can add you to `people` in `system.yml`. Until then nothing can be asked here.",
    ),
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
        `Data lost: ${safe(gate.loss)}`,
        `Expires ${at(gate.expiresAt)}${channel ? ` · all facts are in <#${channel}>` : ""}`,
      ].join("\n"),
    ),
    actions(
      {
        label: "Approve",
        verb: "gate.approve",
        detail: gate.ask,
        carries: `${run.id}/${gate.ask}`,
        style: "primary",
        aloud: `Approve ${run.plan.title}`,
        confirm: {
          title: `Approve: ${run.plan.title}?`,
          says: `${cut(run.plan.target, 140)}. Data lost: ${cut(gate.loss, 120)}.`,
          yes: "Approve",
          no: "Not yet",
        },
      },
      {
        label: "Deny…",
        verb: "gate.deny",
        detail: gate.ask,
        carries: `${run.id}/${gate.ask}`,
        style: "danger",
        aloud: `Deny ${run.plan.title}`,
      },
    ),
  ]);
}

/** Gates this person may decide: by a role that was listed when it was asked, and not for a run of their own. */
function pendingFor(home: HomeSituation, state: IncidentState, channel: string | null): Pending[] {
  const system = home.systems.find(({ id }) => id === state.declared?.system);
  const person = system && home.personIn.get(system.id);
  if (!system || person === undefined) return [];
  return [...state.runs.values()]
    .filter((run) => run.endedAt === null && run.requester !== person)
    .flatMap((run) =>
      [...run.steps.values()].flatMap((step) => {
        if (step.status !== "gate" || step.gate.outcome !== "open") return [];
        const { gate } = step;
        const roles = [gate.role, ...gate.escalate.map(({ role }) => role)];
        const may = roles.some((role) => holders(system, state, role).includes(person));
        const has = gate.approvals.some((approval) => approval.person === person);
        return may && !has ? [{ state, run, step, gate, channel }] : [];
      }),
    );
}

function incidents(home: HomeSituation): Block[] {
  if (home.incidents.length === 0) return [section("None.")];
  return lines(
    home.incidents.slice(0, 15).map(({ state, channel }) => {
      const prefix = kindPrefix(state.declared?.kind ?? "real", home.practice);
      const where = channel ? ` in <#${channel}>` : "";
      return `• ${prefix}*${state.severity}* ${safe(cut(state.declared?.title ?? state.id, 150))}: ${statusWords(state.status)}${where}`;
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
