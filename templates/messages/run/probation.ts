import { windowEnd } from "../../../src/incident/probation.ts";
import type { RunState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, section } from "../kit/blocks.ts";
import { cut, ended, plain, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";
import { clock, local } from "../kit/when.ts";

/** Of what a look found, on a card. */
const SAYS_LENGTH = 300;

/** What is said of the new side after a move; empty where nothing is watched. For mrkdwn, one line each. */
export function probationLines(run: RunState, around: Surroundings): readonly string[] {
  return [...watchLines(run, around), ...standbyLines(run)];
}

function watchLines(run: RunState, around: Surroundings): readonly string[] {
  const until = windowEnd(run);
  const { probation, committed } = run;
  if (until === null) return [];
  if (committed !== undefined) {
    const who = committed.by.kind === "person" ? around.names(committed.by.person ?? committed.by.name) : "the bot";
    return [
      `*Committed:* by ${who} at ${clock(committed.at)}${committed.reason === null ? "" : `. Reason: ${ended(safe(committed.reason))}`}`,
    ];
  }
  if (probation?.moved) return ["*Probation:* ended, the same was moved again"];
  if (probation?.endedAt) return [`*Probation:* over at ${clock(probation.endedAt)}, ${healthWords(run)}`];
  return [
    `*Probation:* watching until ${local(until)} (${until.toISOString().slice(11, 16)} UTC): ${healthWords(run)}`,
  ];
}

function healthWords({ probation }: RunState): string {
  if (probation === undefined) return "not checked yet";
  if (probation.healthy) return "healthy";
  const stay = probation.endedAt === null ? "" : " Staying? `/dr commit <why>`";
  return `*not healthy* since ${clock(probation.since)}. ${ended(safe(cut(probation.says.join("; "), SAYS_LENGTH)))}${stay}`;
}

/** "No standby since 18:04:10 UTC: …" until one streams. */
export function standbyLines({ standby, moves, probation }: RunState): readonly string[] {
  if (!moves || standby === undefined || standby.streams || probation?.moved) return [];
  return [`⚠️ *No standby* for ${safe(moves.title)} since ${clock(standby.since)}. Next: \`/dr reprotect\``];
}

/**
 * In the run's thread: what people have to decide about the new side. It stands there once it isn't healthy or its window is over, and
 * nothing is posted while it is watched and well.
 */
export function probationMessage(run: RunState, around: Surroundings): Message | null {
  const { probation, plan } = run;
  if (windowEnd(run) === null || probation === undefined) return null;
  if (probation.moved) return movedAgain(run, around);
  const calm = probation.healthy && probation.endedAt === null && run.committed === undefined;
  if (calm && !wasUnhealthy(run)) return null;
  const prefix = kindPrefix(plan.kind, around.practice);
  const title = safe(plan.title);
  const figures = `${probation.failed} of ${probation.asked} checks failed`;
  const head =
    run.committed !== undefined
      ? `✅ *${prefix}${title}: committed*`
      : !probation.healthy
        ? `🚨 *${prefix}${title}: the new side is not healthy* (${figures})`
        : probation.endedAt === null
          ? `✅ *${prefix}${title}: the new side is healthy again* (${figures})`
          : `✅ *${prefix}${title}: probation over, healthy* (${figures}). Commit?`;
  const lines = [head, ...probationLines(run, around)];
  return {
    text: lines.join("\n").replaceAll("*", ""),
    blocks: [section(lines.join("\n")), ...buttonsOf(run)],
  };
}

/** A later move took its place: what was asked here is asked no more. Null: nothing was. */
function movedAgain(run: RunState, around: Surroundings): Message | null {
  if (!wasUnhealthy(run) && run.committed === undefined && !run.probation?.wasOver) return null;
  const text = `${kindPrefix(run.plan.kind, around.practice)}${safe(run.plan.title)}: moved again since, nothing to decide here.`;
  return { text, blocks: [section(`⏹️ ${text}`)] };
}

/** Once it was said that it isn't healthy, its message stays and says how it went on. */
function wasUnhealthy({ probation }: RunState): boolean {
  return probation?.wasUnhealthy === true;
}

/** Of a move that was just verified: what fits what is known of its new side. Going back is offered where there is a reason and a standby. */
export function watchedButtons(run: RunState): readonly Button[] {
  const { probation, standby } = run;
  if (standby?.streams === false) return [reprotectButton(run)];
  if (probation?.healthy === false) return [failBackButton(run)];
  const aloud = `Commit ${plain(run.plan.title)}`;
  return [{ label: "Commit…", verb: "run.commit", actionValue: actionValue(run.id), aloud }];
}

function reprotectButton({ id, plan }: RunState): Button {
  return {
    ...{ label: "Reprotect", verb: "run.reprotect", actionValue: actionValue(id) },
    aloud: `Reprotect ${plain(plan.title)}`,
  };
}

function failBackButton({ id, plan }: RunState): Button {
  const aloud = `Fail back ${plain(plan.title)}`;
  return {
    ...{ label: "Fail back", verb: "run.failback", actionValue: actionValue(id), style: "danger", aloud },
    confirm: {
      ...{ title: "Request the fail back?", yes: "Request it", no: "Not now" },
      says: `Planned: ${cut(plan.title, 100)}, in the other direction. Preflight runs first, then people approve.`,
    },
  };
}

function buttonsOf(run: RunState) {
  const { probation, committed, standby, plan } = run;
  const value = actionValue(run.id);
  const aloud = plain(plan.title);
  const back = failBackButton(run);
  const commit: Button = {
    ...{ label: "Commit", verb: "run.commit", actionValue: value, style: "primary", aloud: `Commit ${aloud}` },
  };
  const again = reprotectButton(run);
  const shown = [
    // Without a standby the other side takes no writes: that is made first.
    ...(committed === undefined && probation?.healthy === false && standby?.streams !== false ? [back] : []),
    ...(committed === undefined && probation?.healthy && probation.endedAt !== null ? [commit] : []),
    ...(standby?.streams === false && (committed !== undefined || probation?.endedAt || !probation?.healthy)
      ? [again]
      : []),
  ];
  return shown.length === 0 ? [] : [actions(...shown)];
}
