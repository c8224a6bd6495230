import { lstatSync } from "node:fs";
import { type IncomingMessage, type RequestOptions, request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { join, resolve } from "node:path";
import {
  type Answer,
  CLIENT_HEADER,
  type Hello,
  LIMITS,
  type Opened,
  type OpenRequest,
  PATHS,
  type Refused,
  type RunRequest,
} from "../../control/protocol.ts";
import { shortest } from "../../control/socket-path.ts";
import { LifeboatError, messageOf } from "../../lib/errors.ts";
import { projectRoot } from "../../lib/root.ts";

/** A bot, as the command line reaches it. Everything throws a LifeboatError that says what to do. */
export interface Connection {
  hello(): Promise<Hello>;
  open(body: OpenRequest): Promise<Opened>;
  run(body: RunRequest): Promise<Answer>;
}

const SHORT_SECONDS = 10;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

interface Way {
  readonly called: string;
  readonly options: RequestOptions;
  readonly request: typeof requestPlain;
}

/** @param env says where the bot is, and nothing else */
export function botAt(env: Readonly<Record<string, string | undefined>>): Connection {
  const way = env.LIFEBOAT_CLI_URL ? overTls(env.LIFEBOAT_CLI_URL) : onSocket(env.LIFEBOAT_CLI_SOCKET);
  return {
    hello: () => ask(way, PATHS.hello, {}, SHORT_SECONDS),
    open: (body) => ask(way, PATHS.open, body, SHORT_SECONDS),
    run: (body) => ask(way, PATHS.run, body, LIMITS.answerSeconds + SHORT_SECONDS),
  };
}

function overTls(text: string): Way {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "https:")
    throw new LifeboatError({
      code: "cli-url",
      where: "LIFEBOAT_CLI_URL",
      what: "This isn't an https address",
      allowed: "https://lifeboat.internal:8443",
    });
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return {
    called: url.origin,
    options: { host, port: url.port || 443 },
    request: requestSecure as typeof requestPlain,
  };
}

function onSocket(given: string | undefined): Way {
  const path = given === undefined || given === "" ? usualSocket() : resolve(given);
  return { called: path, options: { socketPath: shortest(path) }, request: requestPlain };
}

const SERVICE_SOCKET = "/run/lifeboat/bot.sock";

/**
 * The service's; else one of this working directory or of practice, if it is one's own or root's: where others may put files,
 * others could answer.
 */
function usualSocket(): string {
  const local = [
    resolve(".lifeboat", "run", "bot.sock"),
    join(projectRoot(), ".lifeboat", "practice", "run", "bot.sock"),
  ];
  const there = (path: string, owners: readonly (number | undefined)[] | null) => {
    const seen = lstatSync(path, { throwIfNoEntry: false });
    return seen?.isSocket() === true && (owners === null || owners.includes(seen.uid));
  };
  if (there(SERVICE_SOCKET, null)) return SERVICE_SOCKET;
  return local.find((path) => there(path, [0, process.getuid?.()])) ?? SERVICE_SOCKET;
}

async function ask<T>({ called, options, request }: Way, path: string, body: unknown, seconds: number): Promise<T> {
  const sent = JSON.stringify(body);
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(sent),
    [CLIENT_HEADER]: "1",
  };
  const signal = AbortSignal.timeout(seconds * 1000);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asking = request({ ...options, method: "POST", path, headers, signal, agent: false }, resolve);
    asking.on("error", reject);
    asking.end(sent);
  }).catch((error: unknown) => unreachable(called, path, error));
  const text = await textOf(answer).catch((error: unknown) => unreachable(called, path, error));
  const parsed = parse<T | Refused>(text);
  if (answer.statusCode === 200 && parsed !== null) return parsed as T;
  const says = (parsed as Refused | null)?.error ?? `It answered ${answer.statusCode}, and not as a bot does`;
  throw new LifeboatError({ code: "cli-refused", where: called, what: says });
}

function unreachable(called: string, path: string, error: unknown): never {
  const code = String((error as { code?: unknown }).code ?? "");
  const absent = ["ENOENT", "ECONNREFUSED"].includes(code);
  throw new LifeboatError({
    code: "bot-unreachable",
    where: called,
    what: absent ? "No bot answers here" : `The bot can't be asked: ${messageOf(error)}`,
    ...(path === PATHS.run && { stateNow: "It isn't certain whether anything was written" }),
    next: absent
      ? "Is another machine's bot up? Set LIFEBOAT_CLI_URL. Else start one as the service's user: lifeboat bot --no-slack"
      : "lifeboat dr status shows what is so",
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    size += (chunk as Buffer).length;
    if (size > ANSWER_BYTES_MAX) throw new Error("its answer is too long");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
