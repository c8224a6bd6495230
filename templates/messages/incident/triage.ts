import type { IncidentState, TriageState } from "../../../src/incident/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, header, lines, section } from "../kit/blocks.ts";
import { cut, plain, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";
import { at } from "../kit/when.ts";

/** A walk through the decision tree: what was answered and by whom, what is asked now, and what it comes to. */
export function triageCard(
  state: IncidentState,
  triage: TriageState,
  isNewest: boolean,
  around: Surroundings,
): Message {
  const prefix = kindPrefix(state.declared?.kind ?? "real", around.practice);
  const title = `${prefix}Triage of ${plain(around.system.title)}`;
  const ended = !isNewest && triage.open !== null;
  const said = triage.answered.map((one) => `${safe(one.asks)} ${safe(one.says)}.`);
  const now = ended ? ["It was restarted."] : nowWords(triage);
  return {
    text: [`${safe(title)}.`, ...said, ...now].join(" "),
    blocks: [
      header(title),
      ...lines(
        triage.answered.map(
          (one) => `${markOf(one)} ${safe(one.asks)} *${safe(one.says)}*\n      ${source(one, around)}`,
        ),
      ),
      ...(ended ? [section("It was restarted.")] : [...asked(state, triage), ...concluded(state, triage)]),
      context(`Started by ${whoIs(triage.by, around)} ${at(triage.at)} · read-only`),
    ],
  };
}

/** Coloured by what it means for the system: an answer that something works, that it doesn't, or neither. */
function markOf({ asks, says }: TriageState["answered"][number]): string {
  if (!/^(does|do|is|are)\b/i.test(asks) || /^do they\b/i.test(asks)) return "🔹";
  if (/^yes\b/i.test(says)) return "🟢";
  return /^(no|nothing|none)\b/i.test(says) ? "🔴" : "🔹";
}

function source({ saw, by }: TriageState["answered"][number], around: Surroundings): string {
  return saw === null ? `answered by ${whoIs(by, around)}` : `seen: ${safe(cut(saw, 300))}`;
}

function whoIs(by: TriageState["by"], around: Surroundings): string {
  return by.kind === "person" ? around.names(by.person ?? by.slackUser ?? by.name) : "Lifeboat";
}

function nowWords({ open, concluded: end }: TriageState): string[] {
  if (open !== null) {
    const choices = open.answers.map(({ says }) => safe(says)).join(" / ");
    const looks = open.probed && open.unseen === null ? " Looking." : "";
    const unseen = open.unseen === null ? "" : ` Check failed: ${safe(cut(open.unseen, 300))}.`;
    return [`${safe(open.asks)}${looks}${unseen} Answers: ${choices}.`];
  }
  if (end === null) return [];
  const proposal = end.runbook ? [`Proposed: ${safe(end.runbook.title)}.`] : [];
  return [...proposal, ...(end.advice ? [safe(end.advice)] : [])];
}

function asked({ id: incident }: IncidentState, { id, open }: TriageState): Block[] {
  if (open === null) return [];
  const looks = open.probed && open.unseen === null;
  const unseen = open.unseen === null ? "" : `\n⚠️ Check failed: ${safe(cut(open.unseen, 500))}`;
  const hint = looks ? "\n🔎 Checking. Answer now if you already know." : unseen;
  return [
    section(`*${safe(open.asks)}*${hint}`),
    ...(open.look !== null && !looks ? [context(safe(cut(open.look, 500)))] : []),
    actions(
      ...open.answers.map(
        (answer): Button => ({
          label: answer.says,
          verb: "triage.answer",
          detail: answer.id,
          actionValue: actionValue(incident, id, open.question, answer.id),
          aloud: `${plain(open.asks)} ${plain(answer.says)}`,
        }),
      ),
    ),
  ];
}

function concluded({ id: incident }: IncidentState, { id, concluded: end }: TriageState): Block[] {
  if (end === null) return [];
  const { runbook, advice } = end;
  const says = [
    ...(advice === null ? [] : [safe(cut(advice, 1500))]),
    ...(runbook === null ? [] : [`*Proposed:* ${safe(runbook.title)} (${safe(runbook.id)})`]),
  ];
  const start = (runbook?.modes ?? []).map(
    (mode, n): Button => ({
      label: `Start ${mode} run`,
      verb: "triage.start",
      detail: mode,
      actionValue: actionValue(incident, id, mode),
      ...(n === 0 && { style: "primary" as const }),
      aloud: `Start ${plain(runbook?.title ?? "")}, ${mode}`,
    }),
  );
  return [...lines(says), ...(start.length > 0 ? [actions(...start)] : [])];
}
