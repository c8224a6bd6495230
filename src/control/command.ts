import { answer, commands, readArgs } from "../../commands/index.ts";
import { plainWords } from "../../templates/messages/kit/escape.ts";
import type { Reply, Request } from "../command/command.ts";
import { record } from "../command/execute/record.ts";
import { grammarOf } from "../command/parse/grammar.ts";
import { commandNamed } from "../command/parse/verb.ts";
import { sayProblem } from "../lib/errors.ts";
import { type IdentityPorts, identify } from "./identity.ts";
import type { Answer, RunRequest } from "./protocol.ts";
import type { OpenedSession } from "./sessions.ts";

export interface CommandRequest extends Pick<RunRequest, "code" | "signature"> {
  readonly nonce: string;
  readonly opened: OpenedSession;
  readonly calledBy: string;
  /** False: this caller's refusals have filled enough of the timeline for now, and are only logged. */
  readonly mayRecord: () => boolean;
}

/** Says who it is, and answers; a refusal of either is recorded. */
export async function answerCommand(ports: IdentityPorts, asked: CommandRequest): Promise<Answer> {
  const { context } = ports;
  const request = requestOf(asked);
  const who = await identify(ports, request, asked);
  if ("problem" in who) {
    const { code } = who.problem;
    if (asked.mayRecord()) await record(context, { ...request, caller: who.caller }, who.problem);
    else
      context.log.warn({ event: "cli.refused", by: asked.calledBy, code }, "a caller at the command line was refused");
    return refused(sayProblem(who.problem));
  }
  const { caller, signed } = who;
  const reply = await answer(context, withCode({ ...request, caller, ...(signed && { signed }) }, asked.code));
  return printed(reply);
}

/** The same nonce again: the one who sends it has not got the answer to it, or has listened. */
export async function recordReplay(
  { context }: Pick<IdentityPorts, "context">,
  nonce: string,
  from: string,
): Promise<void> {
  const caller = { transport: "cli", slackUser: null, person: null, name: from, blocked: null } as const;
  const request: Request = { ...requestOf({ nonce, words: [] }), caller };
  await record(context, request, {
    code: "request-repeated",
    what: "A request of the command line came a second time",
    stateNow: "The second did nothing",
  });
}

function requestOf(
  asked: { readonly nonce: string } & ({ readonly opened: OpenedSession } | { words: string[] }),
): Request {
  const words = "opened" in asked ? asked.opened.words : asked.words;
  return {
    ...readArgs(words),
    caller: { transport: "cli", slackUser: null, person: null, name: "", blocked: null },
    key: `cli/${asked.nonce}`,
    place: { channel: null, thread: null },
    form: null,
    actionValue: null,
    canAskForm: false,
  };
}

/** The code that proved who they are is the proof an approval asks for: the same request, the same code. */
function withCode(request: Request, code: string | null): Request {
  const takes = grammarOf(commandNamed(commands, request.verb)).options.has("code");
  return code === null || !takes ? request : { ...request, options: { ...request.options, code } };
}

function printed(reply: Reply): Answer {
  switch (reply.kind) {
    case "private":
      return { exit: reply.refused ? 1 : 0, out: `${terminalWords(reply.message.text)}\n`, err: "" };
    case "file":
      return { exit: 0, out: `${reply.content}\n`, err: `${terminalWords(reply.message.text)}\n` };
    case "form":
      throw new Error(`The form "${reply.form.title}" can't be shown at the command line.`);
    case "nothing":
      return { exit: 0, out: "", err: "" };
    default:
      return reply satisfies never;
  }
}

function refused(says: string): Answer {
  return { exit: 1, out: "", err: `${terminalWords(says)}\n` };
}

/** What is to be typed is typed here as well. */
function terminalWords(mrkdwn: string): string {
  return plainWords(mrkdwn).replace(/(^|[\s("`])\/dr(?=[\s.,)"`]|$)/gm, "$1lifeboat dr");
}
