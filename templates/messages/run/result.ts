import { type Accounting, account } from "../../../src/incident/accounting.ts";
import { unplannedInstead } from "../../../src/incident/offers.ts";
import { watchedNow, windowEnd } from "../../../src/incident/probation.ts";
import { type Loss, recoveryOf } from "../../../src/incident/recovery.ts";
import type { IncidentState, RunState } from "../../../src/incident/state.ts";
import { raiseButton } from "../incident/maintenance.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, header, lines, section } from "../kit/blocks.ts";
import { briefLines, briefOf, briefWords } from "../kit/brief.ts";
import { cut, ended, plain, safe, withCommands } from "../kit/escape.ts";
import { checksCount, findingLines } from "../kit/facts.ts";
import { kindPrefix, runTitle } from "../kit/kind.ts";
import { lineOf } from "../kit/line.ts";
import type { Block, Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, between, clock, lasting, local } from "../kit/when.ts";
import { clockOrigin } from "./deadline.ts";
import { detailsButton } from "./details.ts";
import { aloud, notFencedLines } from "./fence.ts";
import { changedWords } from "./left.ts";
import { gatesOf } from "./plan.ts";
import { firstFinding, unplannedButton } from "./preflight.ts";
import { watchedButtons } from "./probation.ts";
import { undoButton, waysBack } from "./undo.ts";

/** The end of a run: what was reached, what it cost, what to do now. Null while it goes on. */
export function result(state: IncidentState, run: RunState, around: Surroundings): Message | null {
  if (run.endedAt === null) return null;
  if (run.status === "verified")
    return run.dryRun ? dryRunOver(run, around) : verified(state, run, run.endedAt, around);
  return endedEarly(state, run, run.endedAt, around);
}

function verified(state: IncidentState, run: RunState, endedAt: Date, around: Surroundings): Message {
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const { rpo: loss } = recoveryOf(state, run);
  // What takes something back recovers nothing: it is not held against an objective.
  const interrupted = recoveryOf(state, run).rtoSeconds !== null || !isMaintenance(state);
  const rto = run.plan.undoes === undefined && interrupted ? rtoWords(state, run) : null;
  const accounting = account(state, run, endedAt);
  const resolve: Button = {
    label: "Resolve incident",
    verb: "incident.resolve",
    actionValue: actionValue(state.id),
    style: "primary",
  };
  // Resolving is refused until then: the card leads to what isn't.
  const watched = watchedNow(state).length > 0;
  const rpo = loss ? [lossWords(loss, run.plan.rpoSeconds)] : [];
  const risks = notFencedLines(run, around);
  return {
    text: `${prefix}${safe(run.plan.title)} is done and verified. ${safe(run.plan.target)}. ${[rto ?? "", ...rpo].join(" ")} ${aloud(risks)}`.trim(),
    blocks: [
      header(`${prefix}Done and verified: ${plain(run.plan.title)}`),
      section(
        [
          `✅ *${safe(run.plan.target)}*`,
          ...risks,
          ...(rto === null ? [] : [`*RTO:* ${rto}`]),
          ...rpo.map((says) => `*RPO:* ${says}`),
        ].join("\n"),
      ),
      ...whereItWent(accounting),
      ...afterwards(state, run),
      ...toTickOff(state, run, around),
      actions(...(isOver(state) || isMaintenance(state) ? [] : watched ? watchedButtons(run) : [resolve]), {
        label: "Draft post-mortem",
        verb: "postmortem",
        actionValue: actionValue(state.id),
      }),
      context(`The run took ${between(run.requestedAt, endedAt)}, verified ${at(endedAt)} · ${safe(run.id)}`),
    ],
  };
}

/** Where all of it is one phase, there is nothing to compare. */
function whereItWent(accounting: Accounting | null): Block[] {
  const spent = accounting === null ? [] : minuteLines(accounting);
  return spent.length < 2 ? [] : lines(["*Where the minutes went*", ...spent]);
}

/** What a dry run found: the same warnings and the same loss as the decision would show, and the line that runs it. */
function dryRunOver(run: RunState, around: Surroundings): Message {
  const checks = run.preflight?.checks ?? [];
  const found = findingLines(checks);
  const ready = run.preflight?.ready ?? false;
  const [mark, verdict] = !ready
    ? ["❌", "not ready to run"]
    : found.length > 0
      ? ["⚠️", `ready to run, with ${found.length} ${found.length === 1 ? "warning" : "warnings"}`]
      : ["✅", "ready to run"];
  const head = `${kindPrefix(run.plan.kind, around.practice)}${safe(runTitle(run.plan, true))}: ${verdict}.`;
  const loss = `Data loss: ${ended(safe(run.preflight?.loss ?? "unknown"))}`;
  const line = `\`${safe(lineOf(run.plan))}${run.plan.kind === "drill" ? " --drill" : ""}\``;
  const next = ready ? `Run it for real: ${line}` : `Fix it, then try again: ${line.replace(/`$/, " --dry-run`")}`;
  const risks = notFencedLines(run, around);
  return {
    text: `${head} Nothing was changed. ${loss} ${aloud(risks)}${found.map((one) => `${one} `).join("")}${next}`,
    blocks: [
      section(`${mark} *${head}* Nothing was changed.\n${loss}`),
      ...lines([...risks, ...found]),
      section(`*Next:* ${next}`),
      actions(...(ready ? [forReal(run)] : []), detailsButton(run, null)),
      context(checksCount(checks)),
    ],
  };
}

/** The same request as the line beside it. Where no approval follows, the press itself is asked about. */
function forReal({ id, plan }: RunState): Button {
  const confirm = {
    title: "Run for real?",
    says: `${cut(plan.title, 100)}: ${cut(plan.target, 120)}. No approval follows: it starts when its preflight passes.`,
    yes: "Run for real",
    no: "Not now",
  };
  return {
    label: "Run for real",
    verb: "run.real",
    actionValue: actionValue(id),
    style: "primary",
    aloud: "Run this runbook for real",
    ...(gatesOf(plan).length === 0 && { confirm }),
  };
}

function endedEarly(state: IncidentState, run: RunState, endedAt: Date, around: Surroundings): Message {
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const aborted = run.status === "aborted";
  const found = foundBefore(run);
  const unplanned = found !== null && unplannedInstead(run, run.preflight?.facts ?? []);
  // One way on: where the unplanned run is offered, what the runbook asks for beforehand is none.
  const next = unplanned ? `Run it unplanned: \`/dr unplanned ${run.id}\`` : run.problem?.next;
  const problem = {
    what: found ?? run.problem?.what ?? (aborted ? "Aborted" : "Failed"),
    stateNow: (aborted ? null : run.problem?.stateNow) ?? changedWords(run),
    ...(next && { next }),
  };
  const brief = briefOf(problem);
  return {
    text: `${prefix}${safe(runTitle(run.plan, run.dryRun))} ${aborted ? "aborted" : "failed"}. ${briefWords(brief)}`,
    blocks: [
      header(`${prefix}${aborted ? "Aborted" : "Failed"}: ${plain(run.plan.title)}`),
      section([...briefLines(aborted ? "⏹️" : "❌", brief), ...notFencedLines(run, around)].join("\n")),
      actions(...(unplanned ? unplannedButton(state, run) : []), ...undo(state, run), detailsButton(run, null)),
      ...(run.status === "failed" && isMaintenance(state) ? [actions(...raiseButton(state))] : []),
      context(`Ended ${at(endedAt)} after ${between(run.requestedAt, endedAt)} · ${safe(run.id)}`),
    ],
  };
}

/** Where something of it stands, and while the incident is open; how else to go back is in the details. */
function undo(state: IncidentState, run: RunState): readonly Button[] {
  if (waysBack(state, run).length === 0) return [];
  const button = isOver(state) && !isMaintenance(state) ? null : undoButton(state, run);
  return button ? [button] : [];
}

/** What the preflight found: the first, and how many more there are. Null where it is not why the run ended. */
function foundBefore({ problem, preflight }: RunState): string | null {
  if (problem?.code !== "preflight-blocked" || preflight === null) return null;
  return firstFinding(preflight.checks);
}

/** "4 min 12 s since the impact began; objective 30 min: met." Null: nothing was measured. */
export function rtoWords(state: IncidentState, run: RunState): string | null {
  const { rtoSeconds, from } = recoveryOf(state, run);
  if (rtoSeconds === null) return null;
  if (from === "interruption")
    return `${lasting(rtoSeconds)} without service; ${objective(run.plan.rtoSeconds, rtoSeconds)}`;
  return `${lasting(rtoSeconds)} since ${clockOrigin(state)}; ${objective(run.plan.rtoSeconds, rtoSeconds)}`;
}

/** "3 s of writes (12 rows), measured by …; objective 1 min: met." */
export function lossWords(loss: Loss, objectiveSeconds: number | null): string {
  const rows = loss.rows === null ? null : `${loss.rows} ${loss.rows === 1 ? "row" : "rows"}`;
  const how = safe(loss.method);
  const after =
    loss.keptUntil === undefined || loss.rows === 0 ? null : `writes after ${clock(new Date(loss.keptUntil))}`;
  if (loss.seconds === null && rows === null)
    return after === null ? `the loss couldn't be measured (${how}).` : `${after} lost, count unknown (${how}).`;
  const amount =
    loss.seconds === null ? rows : `${lasting(loss.seconds)} of writes${rows === null ? "" : ` (${rows})`}`;
  const since = after === null || loss.seconds === 0 ? "" : ` (${after})`;
  const met = loss.seconds === null ? "" : `; ${objective(objectiveSeconds, loss.seconds)}`;
  return `${loss.seconds === 0 && !loss.rows ? "nothing" : amount} lost${since}, measured by ${how}${met === "" ? "." : met}`;
}

function objective(objectiveSeconds: number | null, seconds: number): string {
  if (objectiveSeconds === null) return "no objective is set.";
  return `objective ${lasting(objectiveSeconds)}: ${seconds <= objectiveSeconds ? "met" : "missed"}.`;
}

function isOver({ status }: IncidentState): boolean {
  return status === "resolved" || status === "closed";
}

const BAR = 10;

/** A bar of ten squares per phase that took any time, with the figure in words beside it: on a phone they fit one line. */
export function minuteLines({ phases, totalSeconds }: Accounting): string[] {
  return phases.flatMap(({ says, seconds }) => {
    if (seconds === 0) return [];
    const share = totalSeconds === 0 ? 0 : seconds / totalSeconds;
    const filled = Math.round(share * BAR);
    return [
      `${"▓".repeat(filled)}${"░".repeat(BAR - filled)} *${lasting(seconds).replaceAll(" ", "\u00a0")}* (${Math.round(share * 100)}\u00a0%) ${says}`,
    ];
  });
}

function isMaintenance({ declared }: IncidentState): boolean {
  return declared?.kind === "maintenance";
}

function afterwards(state: IncidentState, run: RunState): Block[] {
  const own = run.plan.afterwards.map((line) => `• ${withCommands(line)}`);
  if (isMaintenance(state)) return own.length === 0 ? [] : lines(["*What to do next*", ...own]);
  const ours = [...endLines(state, run), "• Draft the post-mortem: `/dr postmortem`"];
  return lines(["*What to do next*", ...own, ...ours]);
}

/** A move on probation is committed to or taken back before the incident is resolved. */
function endLines(state: IncidentState, run: RunState): readonly string[] {
  const moved = watchedNow(state).find(({ id }) => id === run.id) ?? watchedNow(state)[0];
  const until = moved && windowEnd(moved);
  if (!moved || !until) return ["• Resolve once customers are unaffected: `/dr resolve`"];
  return [
    `• The new side is watched until ${local(until)}. Then commit: \`/dr commit ${safe(moved.id)}\``,
    `• Not healthy? Fail back: \`/dr failback ${safe(moved.id)}\``,
    "• After that, resolve: `/dr resolve`",
  ];
}

/** The lists that the calendar names for when this drill is over, or those that a system has for after incidents. */
function toTickOff(state: IncidentState, { plan, runbook, mode }: RunState, { system }: Surroundings): Block[] {
  if (isMaintenance(state)) return [];
  const drills = (system.calendar ?? []).filter((one) => one.runbook === runbook && (one.mode ?? mode) === mode);
  const named = (id: string) => drills.some(({ afterwards }) => afterwards === id);
  const lists = (system.checklists ?? []).filter(({ id, afterIncidents }) =>
    plan.kind === "drill" ? named(id) : afterIncidents === true,
  );
  return lists.flatMap(({ title, items }) => lines([`*${safe(title)}*`, ...items.map((item) => `☐ ${safe(item)}`)]));
}
