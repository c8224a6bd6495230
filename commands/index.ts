import { namesIncident, numberIn } from "../src/incident/numbers.ts";
import { LifeboatError, type Problem } from "../src/lib/errors.ts";
import { CODE_FIELDS } from "../templates/messages/approval/forms.ts";
import { doubted } from "../templates/messages/incident/store-in-doubt.ts";
import type { Button } from "../templates/messages/kit/blocks.ts";
import {
  emptyOption,
  fullOption,
  lineTooLong,
  unexpected,
  unknownOption,
} from "../templates/messages/kit/command-refusals.ts";
import { helpOf } from "../templates/messages/kit/help.ts";
import { abort } from "./abort.ts";
import { action } from "./action.ts";
import { mayNotTakeOut, notAdmitted } from "./admission.ts";
import { alerts } from "./alerts.ts";
import { answer as answerQuestion } from "./answer.ts";
import { approve } from "./approve.ts";
import { ask } from "./ask.ts";
import { breakGlass } from "./break-glass.ts";
import { calendar } from "./calendar.ts";
import { catchup } from "./catchup.ts";
import { close } from "./close.ts";
import type { Command, FormErrors, Reply, Request, SentForm } from "./command.ts";
import { commit } from "./commit.ts";
import type { CommandContext } from "./context.ts";
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
import { blanks, sixDigits } from "./fields.ts";
import { grammarOf, takesIncident } from "./grammar.ts";
import { commandNamed, helpFor, unknownVerb } from "./help.ts";
import { invite } from "./invite.ts";
import { list } from "./list.ts";
import { note } from "./note.ts";
import { overview } from "./overview.ts";
import { pause } from "./pause.ts";
import { postmortem } from "./postmortem.ts";
import { raise } from "./raise.ts";
import { readiness } from "./readiness.ts";
import { record } from "./record.ts";
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
import { no } from "./say.ts";
import { seats } from "./seats.ts";
import { severity } from "./severity.ts";
import { signOff } from "./sign-off.ts";
import { skip } from "./skip.ts";
import { snooze } from "./snooze.ts";
import { startedBy } from "./started.ts";
import { status } from "./status.ts";
import { steps } from "./steps.ts";
import { nearLine } from "./targets.ts";
import { Unclear } from "./the-incident.ts";
import { timeline } from "./timeline.ts";
import { LINE_MAX, parse, parseSplit, type Typed } from "./tokens.ts";
import { trends } from "./trends.ts";
import { triage } from "./triage.ts";
import { undo } from "./undo.ts";
import { unplanned } from "./unplanned.ts";
import { update } from "./update.ts";
import { visibleTo } from "./visible.ts";
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
export async function answer(context: CommandContext, request: Request): Promise<Reply> {
  return warned(context, await answered(context, request));
}

/** While the store is in doubt the one who reads is told: what is shown may be older than what happened. */
function warned(context: CommandContext, reply: Reply): Reply {
  const doubt = context.timeline.doubt();
  if (doubt === null || reply.kind !== "private" || reply.refused) return reply;
  return { ...reply, message: doubted(doubt, reply.message) };
}

async function answered(whole: CommandContext, asked: Request): Promise<Reply> {
  const context = await knowing(visibleTo(whole, asked.caller));
  const request = withIncidentNamed(asked);
  try {
    const refused = mayNot(context, request);
    if (refused !== null) return await refuse(context, request, refused);
    const reply = await handle(context, request);
    const kept = mayNotTakeOut(request, reply);
    return kept === null ? reply : await refuse(context, request, kept);
  } catch (error) {
    if (error instanceof Unclear) return { kind: "private", message: error.reply };
    if (error instanceof LifeboatError) return refuse(context, request, error.problem);
    return failed(context, request, error);
  }
}

/** One look for all sentences of an answer. That it can't be had holds up nothing. */
async function knowing(context: CommandContext): Promise<CommandContext> {
  const unreachable = await context.unreachable?.().catch(() => undefined);
  if (unreachable === undefined) return context;
  return Object.create(context, {
    unreachable: { value: async () => unreachable },
    unreachableNow: { value: unreachable },
  });
}

/**
 * `/dr status INC-42` as `/dr status --incident INC-42`. A bare number means an incident only where no other words are taken.
 */
function withIncidentNamed(request: Request): Request {
  const command = commandNamed(commands, request.verb);
  const [first, ...words] = request.words;
  if (command === null || first === undefined || !takesIncident(command)) return request;
  const isNumber = !grammarOf(command).freeText && numberIn(first) !== null;
  if (request.options.incident !== undefined || !(namesIncident(first) || isNumber)) return request;
  const rest = request.rest.trimStart().slice(first.length).trimStart();
  return { ...request, words, rest, options: { ...request.options, incident: first } };
}

async function handle(context: CommandContext, request: Request): Promise<Reply> {
  if (request.tooLong) return refuse(context, request, lineTooLong(LINE_MAX));
  const help = request.options.help === true;
  if (request.verb === "") {
    const [option] = Object.keys(request.options);
    return help || option === undefined ? overview(context, request) : unknownVerb(commands, `--${option}`);
  }
  const command = commandNamed(commands, request.verb) ?? unknownVerb(commands, request.verb);
  if (help) return { kind: "private", message: helpOf(command) };
  const wrong = wrongOption(command, request);
  if (wrong) return refuse(context, request, wrong);
  const before = command.startsRuns ? await startedBy(context, request) : null;
  return before ?? command.handle(context, request);
}

/** Who may ask at all, and from where. */
function mayNot(context: CommandContext, request: Request): Problem | null {
  const command = commandNamed(commands, request.verb);
  return notAdmitted(context, request, command);
}

function wrongOption(command: Command, { options }: Request): Problem | null {
  const known = grammarOf(command).options;
  for (const [name, value] of Object.entries(options)) {
    const takesValue = known.get(name);
    const given = { verb: command.verb, usage: command.usage, option: name };
    if (takesValue === undefined) {
      const all = [...known.keys()];
      return unknownOption(given, all, nearLine(name, all, `${command.verb} … --`));
    }
    if (takesValue && value === true) return emptyOption(given);
    if (!takesValue && value !== true) return fullOption(given);
  }
  return null;
}

async function refuse(context: CommandContext, request: Request, problem: Problem): Promise<Reply> {
  try {
    await record(context, request, problem);
  } catch (error) {
    context.log.error(
      { event: "command.refusal_not_recorded", err: error, key: request.key, code: problem.code },
      "a refusal could not be recorded",
    );
  }
  return no(problem, ...wayOutOf(problem, request));
}

/** Where one press leads on, the refusal has the button. */
function wayOutOf({ code }: Problem, { canAskForm }: Request): readonly Button[] {
  return code === "proof-not-enrolled" && canAskForm
    ? [{ label: "Set up authenticator", verb: "enroll", actionValue: "", style: "primary" }]
    : [];
}

function failed(context: CommandContext, request: Request, error: unknown): Reply {
  const mark = request.key.slice(-8);
  context.log.error(
    { event: "command.failed", err: error, verb: request.verb, key: request.key, mark },
    "a command could not be answered",
  );
  return no(unexpected(mark));
}

/** The commands as a Markdown table, for the README. */
export function commandTable(): string {
  const cell = (text: string) => text.replace(/\|/g, "\\|");
  const rows = commands.map(({ usage, summary }) => `| \`${cell(usage)}\` | ${cell(summary)} |`);
  return ["| command | what it does |", "|---|---|", ...rows].join("\n");
}
