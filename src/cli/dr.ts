import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import type { Caller, Reply, Request } from "../../commands/command.ts";
import { grammarOf } from "../../commands/grammar.ts";
import { commandNamed } from "../../commands/help.ts";
import { answer, commands, readArgs } from "../../commands/index.ts";
import { record } from "../../commands/record.ts";
import { plainWords } from "../../templates/messages/escape.ts";
import { type Config, loadConfig } from "../config.ts";
import { houseOf, readCatalog } from "../house.ts";
import { LifeboatError, type Problem, sayProblem } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { peopleInEvents } from "../people-in-events.ts";
import { openStore } from "../timeline/index.ts";
import { createOutbox } from "../timeline/outbox.ts";
import { callerAt, type Door, doorOptions } from "./identity.ts";

const usage = `Usage: lifeboat dr [--as <person>] [--code <code>] <what follows /dr in Slack>

  lifeboat dr status
  lifeboat dr failover database --unplanned
  lifeboat dr --as vera-lindqvist approve run-7k2m9xqz ask-4hx8w2pd

The same commands as in Slack, on the same timeline; Slack, PagerDuty and the primary region may be dead. Who you are is the
operating system's user (LIFEBOAT_DOOR_PEOPLE), or --as with the code of that person's authenticator.
`;

/** The second door. Exit code 0: done or answered; 1: refused, and it says why; 2: it could not be asked. */
export async function dr(args: readonly string[]): Promise<number> {
  const { as, code, words } = doorOptions(args);
  if (words.length === 0 && as === null) {
    process.stderr.write(usage);
    return 2;
  }
  const loaded = loadConfig(process.env, { slack: false });
  if (!loaded.ok) {
    process.stderr.write(loaded.problems);
    return 2;
  }
  return await asked(loaded.config, { as, code, words });
}

async function asked(config: Config, door: Pick<Door, "as" | "code"> & { readonly words: readonly string[] }) {
  const log = createLog("error");
  const catalog = readCatalog(config, log);
  const store = await openStore({ ...config.store, people: peopleInEvents(() => catalog), log, openSeconds: 15 });
  try {
    const house = houseOf(config, catalog, store, createOutbox(store.pool), log);
    const request = requestOf(door.words);
    const who = await callerAt(house, {
      as: door.as,
      code: door.code,
      osUser: osUser(),
      people: config.doorPeople,
      key: request.key,
      askCode,
    });
    if ("problem" in who) {
      await record(house, { ...request, caller: who.caller }, who.problem);
      return refused(who.problem);
    }
    return print(await answer(house, withCode({ ...request, caller: who.caller }, who.code)));
  } catch (error) {
    if (error instanceof LifeboatError) return refused(error.problem);
    throw error;
  } finally {
    await store.close();
  }
}

const NOBODY: Caller = { door: "cli", slackUser: null, person: null, name: "", barred: null };

function requestOf(words: readonly string[]): Request {
  return {
    ...readArgs(words),
    caller: NOBODY,
    key: `door/${randomUUID()}`,
    place: { channel: null, thread: null },
    form: null,
    carries: null,
    canAskForm: false,
  };
}

/** The code that proved who they are is the proof an approval asks for: the same request, the same code. */
function withCode(request: Request, code: string | null): Request {
  const takes = grammarOf(commandNamed(commands, request.verb)).options.has("code");
  return code === null || !takes ? request : { ...request, options: { ...request.options, code } };
}

function osUser(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}

/** Null: nobody sits there to be asked. */
async function askCode(name: string): Promise<string | null> {
  if (!process.stdin.isTTY) return null;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(`Code of the authenticator of ${name}: `);
  } finally {
    terminal.close();
  }
}

function print(reply: Reply): number {
  switch (reply.kind) {
    case "private":
      process.stdout.write(`${terminalWords(reply.message.text)}\n`);
      return reply.refused ? 1 : 0;
    case "file":
      process.stdout.write(`${reply.content}\n`);
      process.stderr.write(`${terminalWords(reply.message.text)}\n`);
      return 0;
    case "form":
      throw new Error(`The form "${reply.form.title}" can not be shown here`);
    case "nothing":
      return 0;
    default:
      return reply satisfies never;
  }
}

/** What is to be typed is typed here as well. */
function terminalWords(mrkdwn: string): string {
  return plainWords(mrkdwn).replace(/(^|[\s("])\/dr(?=[\s.,)"]|$)/gm, "$1lifeboat dr");
}

function refused(problem: Problem): number {
  process.stderr.write(`${sayProblem(problem)}\n`);
  return 1;
}
