import { needsSecond, tookPart, unreviewed } from "../../../src/incident/break-glass.ts";
import { incidentName } from "../../../src/incident/numbers.ts";
import { personById } from "../../../src/incident/people.ts";
import type { Break, Broken, IncidentState, RunState } from "../../../src/incident/state.ts";
import { ackWords, breakGlassPageOf } from "../comms/page-status.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, context, header, section } from "../kit/blocks.ts";
import { cut, ended, plain, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Block, Message } from "../kit/message.ts";
import type { Surroundings } from "../kit/view.ts";
import { at, clock } from "../kit/when.ts";
import { aloud, notFencedLines } from "../run/fence.ts";
import type { ApprovalRequest } from "./gate.ts";

/** "@sam and @vera", or "@sam alone (no one has confirmed since 02:41:00 UTC)". */
export function brokeWords(
  { person, second, alone }: Pick<Broken, "person" | "second" | "alone">,
  around: Surroundings,
): string {
  if (second !== null) return `${around.names(person)} and ${around.names(second)}`;
  return `${around.names(person)} alone${alone === null ? "" : ` (${safe(alone)})`}`;
}

/** Who uses break-glass requested the run, and may not go on without a second person. */
function isOwn(run: RunState, person: string, { system }: Surroundings): boolean {
  const found = personById(person, system);
  return found !== null && needsSecond(found, run, system);
}

/** Someone wants to go past a gate no one answers, and a second person is waited for. */
export function breakGlassRequested(ask: ApprovalRequest, around: Surroundings): Message | null {
  const { run, gate } = ask;
  const { breaking } = gate;
  if (breaking === null) return null;
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const head = `${prefix}${around.names(breaking.person)} requests break-glass for ${safe(run.plan.title)}: ${ended(safe(cut(breaking.reason, 500)))}`;
  if (gate.outcome !== "open" || gate.broken !== null || run.endedAt !== null) {
    const text = `${head} No longer open.`;
    return { text, blocks: [section(`⏹️ ${text}`)] };
  }
  const carries = actionValue(run.id, gate.ask);
  const first = around.names(breaking.person);
  const own = isOwn(run, breaking.person, around);
  const alone = !own && around.now >= breaking.aloneAt;
  const without = own
    ? `${first} requested this run and can't go on alone.`
    : alone
      ? `No one has: ${first} may go on alone now. It's recorded and reviewed.`
      : `If no one does, ${first} may go on alone from ${clock(breaking.aloneAt)}. It's recorded and reviewed.`;
  const text = `${head} A second person must confirm. ${without} ${ended(safe(run.plan.target))} ${aloud(notFencedLines(run, around, true))}Data loss: ${ended(safe(gate.loss))}`;
  const confirm: Button = {
    label: "Confirm break-glass…",
    verb: "gate.confirm-break",
    actionValue: carries,
    style: "danger",
  };
  const goOn: Button = { label: "Go on alone…", verb: "gate.break", detail: "alone", actionValue: carries };
  const deny: Button = { label: "Deny", verb: "gate.deny", detail: "glass", actionValue: carries };
  return {
    text,
    blocks: [
      section(`🔨 ${text}`),
      actions(confirm, ...(alone ? [goOn] : []), deny),
      ...pagedLine(ask.state, gate.ask, around),
    ],
  };
}

/** Loud, in the incident's channel and where incidents are announced; open until someone else has looked at it. */
export function breakGlassUsed(state: IncidentState, run: RunState, broke: Break, around: Surroundings): Message {
  const prefix = kindPrefix(run.plan.kind, around.practice);
  const what = `${prefix}BREAK-GLASS: ${brokeWords(broke, around)} overrode an approval of ${safe(run.plan.title)}. Reason: ${ended(safe(cut(broke.reason, 500)))} ${ended(safe(run.plan.target))}`;
  const { review } = broke;
  const text =
    review === null
      ? `${what} It needs a review by someone not involved.`
      : `${what} Reviewed by ${around.names(review.person)}: ${ended(safe(cut(review.finding, 1000)))}`;
  return {
    text,
    blocks: [
      header(`${prefix}BREAK-GLASS: ${plain(run.plan.title)}`),
      section(`${review === null ? "🚨" : "✅"} ${text}`),
      ...(review === null ? [actions(reviewButton(run, broke))] : []),
      ...pagedLine(state, broke.ask, around),
      context(
        `Since ${at(broke.at)}, valid until ${clock(broke.until)} for this one approval · ${safe(incidentName(state))}`,
      ),
    ],
  };
}

/** Who was woken for it, where there is a pager. */
function pagedLine(state: IncidentState, ask: string, around: Surroundings): Block[] {
  const page = breakGlassPageOf(state, ask);
  return page === null ? [] : [context(ackWords(page, around))];
}

export function reviewButton(run: RunState, broke: Break, detail?: string): Button {
  return {
    label: "Review…",
    verb: "glass.review",
    ...(detail !== undefined && { detail }),
    actionValue: actionValue(run.id, broke.ask),
    style: "primary",
    aloud: `Review the break-glass of ${plain(run.plan.title)}`,
  };
}

/** Every review that is still due, as a line and a button: on the status card and at Home. */
export function reviewsDue(
  state: IncidentState,
  around: Pick<Surroundings, "names">,
  reader: string | null = null,
): Block[] {
  const due = unreviewed(state).filter(({ broke }) => reader === null || !tookPart(broke).includes(reader));
  return due.flatMap(({ run, broke }) => [
    section(reviewLine(run, broke, around)),
    actions(reviewButton(run, broke, broke.ask)),
  ]);
}

/** The same as lines: on every later question. */
export function openReviews(state: IncidentState, around: Pick<Surroundings, "names">): readonly string[] {
  return unreviewed(state).map(({ run, broke }) => reviewLine(run, broke, around));
}

function reviewLine(run: RunState, broke: Break, around: Pick<Surroundings, "names">): string {
  const who = [broke.person, ...(broke.second ? [broke.second] : [])].map((one) => around.names(one)).join(" and ");
  return `🚨 *Break-glass needs a review:* ${safe(run.plan.title)}, by ${who} ${at(broke.at)}`;
}
