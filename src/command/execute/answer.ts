import { doubted } from "../../../templates/messages/incident/store-in-doubt.ts";
import type { Button } from "../../../templates/messages/kit/blocks.ts";
import {
  emptyOption,
  fullOption,
  lineTooLong,
  unexpected,
  unknownOption,
} from "../../../templates/messages/kit/command-refusals.ts";
import { helpOf } from "../../../templates/messages/kit/help.ts";
import { namesIncident, numberIn } from "../../incident/numbers.ts";
import { LifeboatError, type Problem } from "../../lib/errors.ts";
import type { Command, CommandSet, Reply, Request } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { grammarOf, takesIncident } from "../parse/grammar.ts";
import { LINE_MAX } from "../parse/tokens.ts";
import { commandNamed, unknownVerb } from "../parse/verb.ts";
import { nearLine } from "../reply/near-line.ts";
import { no } from "../reply/say.ts";
import { Unclear } from "../resolve/incident.ts";
import { mayNotTakeOut, notAdmitted } from "./admission.ts";
import { record } from "./record.ts";
import { startedBy } from "./started.ts";
import { visibleTo } from "./visible.ts";

/**
 * Answers a request, over whichever transport it came. What a person can cause never throws: it is said.
 *
 * @param all every command there is, and what `/dr` alone does
 */
export async function answerWith(all: CommandSet, context: CommandContext, request: Request): Promise<Reply> {
  return warned(context, await answered(all, context, request));
}

/** While the store is in doubt the one who reads is told: what is shown may be older than what happened. */
function warned(context: CommandContext, reply: Reply): Reply {
  const doubt = context.timeline.doubt();
  if (doubt === null || reply.kind !== "private" || reply.refused) return reply;
  return { ...reply, message: doubted(doubt, reply.message) };
}

async function answered({ commands, overview }: CommandSet, whole: CommandContext, asked: Request): Promise<Reply> {
  const context = await knowing(visibleTo(whole, asked.caller));
  const request = withIncidentNamed(commands, asked);
  try {
    const refused = notAdmitted(context, request, commandNamed(commands, request.verb));
    if (refused !== null) return await refuse(context, request, refused);
    const reply = await handle({ commands, overview }, context, request);
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
function withIncidentNamed(commands: readonly Command[], request: Request): Request {
  const command = commandNamed(commands, request.verb);
  const [first, ...words] = request.words;
  if (command === null || first === undefined || !takesIncident(command)) return request;
  const isNumber = !grammarOf(command).freeText && numberIn(first) !== null;
  if (request.options.incident !== undefined || !(namesIncident(first) || isNumber)) return request;
  const rest = request.rest.trimStart().slice(first.length).trimStart();
  return { ...request, words, rest, options: { ...request.options, incident: first } };
}

async function handle({ commands, overview }: CommandSet, context: CommandContext, request: Request): Promise<Reply> {
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

function wrongOption(command: Command, { options }: Request): Problem | null {
  const known = grammarOf(command).options;
  for (const [name, value] of Object.entries(options)) {
    const takes = known.get(name);
    const given = { verb: command.verb, usage: command.usage, option: name };
    if (takes === undefined) {
      const all = [...known.keys()];
      return unknownOption(given, all, nearLine(name, all, `${command.verb} … --`));
    }
    if (takes !== "none" && value === true) return emptyOption(given);
    if (takes === "none" && value !== true) return fullOption(given);
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
