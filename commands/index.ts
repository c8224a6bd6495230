import type { Command, FormErrors, Reply, Request, SentForm } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { answerWith } from "../src/command/execute/answer.ts";
import { blanks, sixDigits } from "../src/command/parse/fields.ts";
import { grammarOf } from "../src/command/parse/grammar.ts";
import { parse, parseSplit, type Typed } from "../src/command/parse/tokens.ts";
import { commandNamed } from "../src/command/parse/verb.ts";
import { CODE_FIELDS } from "../templates/messages/approval/forms.ts";
import { abort } from "./abort.ts";
import { action } from "./action.ts";
import { alerts } from "./alerts.ts";
import { answer as answerQuestion } from "./answer.ts";
import { approve } from "./approve.ts";
import { ask } from "./ask.ts";
import { breakGlass } from "./break-glass.ts";
import { calendar } from "./calendar.ts";
import { catchup } from "./catchup.ts";
import { close } from "./close.ts";
import { commit } from "./commit.ts";
import { declare } from "./declare.ts";
import { delegate } from "./delegate.ts";
import { deny } from "./deny.ts";
import { details } from "./details.ts";
import { done } from "./done.ts";
import { enroll } from "./enroll.ts";
import { escalate } from "./escalate.ts";
import { evidence } from "./evidence.ts";
import { failback } from "./failback.ts";
import { failover } from "./failover.ts";
import { helpFor } from "./help.ts";
import { invite } from "./invite.ts";
import { list } from "./list.ts";
import { note } from "./note.ts";
import { overview } from "./overview.ts";
import { pause } from "./pause.ts";
import { postmortem } from "./postmortem.ts";
import { raise } from "./raise.ts";
import { readiness } from "./readiness.ts";
import { reload } from "./reload.ts";
import { reopen } from "./reopen.ts";
import { replan } from "./replan.ts";
import { reprotect } from "./reprotect.ts";
import { resend } from "./resend.ts";
import { resolve } from "./resolve.ts";
import { restore } from "./restore.ts";
import { resume } from "./resume.ts";
import { retry } from "./retry.ts";
import { review } from "./review.ts";
import { role } from "./role.ts";
import { runbook } from "./runbook.ts";
import { seats } from "./seats.ts";
import { severity } from "./severity.ts";
import { signOff } from "./sign-off.ts";
import { skip } from "./skip.ts";
import { snooze } from "./snooze.ts";
import { status } from "./status.ts";
import { steps } from "./steps.ts";
import { timeline } from "./timeline.ts";
import { trends } from "./trends.ts";
import { triage } from "./triage.ts";
import { undo } from "./undo.ts";
import { unplanned } from "./unplanned.ts";
import { update } from "./update.ts";
import { vouch } from "./vouch.ts";

/** Everything that can be typed or pressed, in the order help shows it. A button's verb is an alias of its command. */
export const commands: readonly Command[] = [
  helpFor(() => commands),
  failover,
  restore,
  runbook,
  triage,
  declare,
  status,
  list,
  alerts,
  calendar,
  readiness,
  trends,
  evidence,
  approve,
  deny,
  steps,
  details,
  ask,
  answerQuestion,
  escalate,
  delegate,
  enroll,
  vouch,
  breakGlass,
  review,
  pause,
  resume,
  abort,
  undo,
  retry,
  skip,
  done,
  unplanned,
  replan,
  commit,
  failback,
  reprotect,
  role,
  seats,
  severity,
  invite,
  note,
  timeline,
  resolve,
  raise,
  reopen,
  close,
  postmortem,
  signOff,
  action,
  update,
  snooze,
  catchup,
  resend,
  reload,
];

/** Reads what followed `/dr` in Slack, with Slack's own escapes still in it. */
export function readLine(text: string): Typed {
  return parse(text, (verb) => grammarOf(commandNamed(commands, verb)));
}

/** Reads what followed `dr` on a command line. */
export function readArgs(args: readonly string[]): Typed {
  return parseSplit(args, (verb) => grammarOf(commandNamed(commands, verb)));
}

/**
 * What is wrong in a form that was sent, said before it closes; nothing: it is taken up, and what only the store knows is said then.
 * `required`: the fields that may not be left empty.
 */
export function checkForm(context: CommandContext, sent: SentForm, required: readonly string[]): FormErrors {
  const own = commandNamed(commands, sent.verb)?.checkForm?.(context, sent) ?? {};
  return { ...blanks(sent.form, required), ...sixDigits(sent.form, CODE_FIELDS), ...own };
}

/** Answers a request, over whichever transport it came. What a person can cause never throws: it is said. */
export function answer(context: CommandContext, request: Request): Promise<Reply> {
  return answerWith({ commands, overview }, context, request);
}

/** The commands as a Markdown table, for the README. */
export function commandTable(): string {
  const cell = (text: string) => text.replace(/\|/g, "\\|");
  const rows = commands.map(({ usage, summary }) => `| \`${cell(usage)}\` | ${cell(summary)} |`);
  return ["| command | what it does |", "|---|---|", ...rows].join("\n");
}
