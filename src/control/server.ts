import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { z } from "zod";
import { withDeadline } from "../lib/deadline.ts";
import { LifeboatError, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { Buckets } from "./bucket.ts";
import type { Callers } from "./callers.ts";
import { answerCommand, recordReplay } from "./command.ts";
import { expected, type IdentityPorts } from "./identity.ts";
import { type Answer, CLIENT_HEADER, type Hello, LIMITS, type Opened, PATHS } from "./protocol.ts";
import { createSessions, type Session } from "./sessions.ts";
import { statementOf } from "./statement.ts";

export interface ControlPorts extends IdentityPorts {
  readonly log: Logger;
  /** Null: callers can't show which user of the machine they are, because the folder for it could not be made. */
  readonly callers: Callers | null;
}

export interface ControlServer {
  /** Answers requests that came in over the socket, or over TLS. */
  listener(way: "socket" | "tls"): RequestListener;
  /** Resolves when nothing is being answered, or after so long. */
  drained(seconds: number): Promise<void>;
}

const nonce = z.string().min(16).max(64);
const bodies = {
  hello: z.strictObject({}),
  open: z.strictObject({
    nonce,
    words: z.array(z.string()).max(LIMITS.words),
    as: z.string().max(200).nullable(),
    sign: z.boolean(),
  }),
  run: z.strictObject({
    nonce,
    code: z.string().max(64).nullable(),
    signature: z.string().max(16_384).nullable(),
  }),
};

/** Per machine; then per user or address: a burst, and so many a second after it. */
const HELLO = { burst: 200, perSecond: 50 };
const COMMANDS = { burst: 60, perSecond: 1 };
/** Refusals of callers no one knows, on the timeline; the others are in the log. */
const REFUSALS = { burst: 20, perSecond: 1 / 30 };
const ANSWERS_MAX = 16;

class Denied extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function createControlServer(ports: ControlPorts): ControlServer {
  const { log, callers, users } = ports;
  const sessions = createSessions();
  const hellos = new Buckets(HELLO.burst, HELLO.perSecond);
  const commands = new Buckets(COMMANDS.burst, COMMANDS.perSecond);
  const refusals = new Buckets(REFUSALS.burst, REFUSALS.perSecond);
  const answering = new Set<Promise<unknown>>();

  function hello(from: string): Hello {
    if (!hellos.take("all")) throw new Denied(429, "Too many requests. Try again in a second.");
    const session = sessions.begin(from, from === "socket" && callers !== null);
    if (session === null) throw new Denied(429, "Too many requests are open. Try again in a few seconds.");
    const { mfa } = session;
    return {
      nonce: session.nonce,
      file: mfa && callers ? callers.pathOf(mfa.name) : null,
      mark: mfa?.mark ?? "",
    };
  }

  async function open(from: string, body: z.output<typeof bodies.open>): Promise<Opened> {
    if (body.words.reduce((sum, word) => sum + word.length, 0) > LIMITS.characters)
      throw new Denied(413, `A command has at most ${LIMITS.characters} characters.`);
    const session = await taken(body.nonce, from);
    if (session.opened !== null) throw new Denied(409, "This command was opened before. Ask again.");
    const uid = session.mfa && callers ? await callers.ownerOf(session.mfa.name, session.mfa.mark) : null;
    const source = sourceOf(from, uid);
    if (!commands.take(source)) {
      log.warn({ event: "cli.rate_limited", source }, "too many commands from one caller");
      throw new Denied(429, "Too many commands from you: one a second after the first 60. Nothing was done.");
    }
    const { words, as } = body;
    const statement = body.sign ? await statementOf(ports.context, words, session.nonce) : null;
    sessions.keep(session, { uid, words, as, statement });
    const who = await expected(ports, { uid, as });
    const needs = who?.needsCode && !body.sign ? "code" : null;
    return {
      needs,
      person: needs === null ? "" : (who?.person.name ?? ""),
      statement: statement?.bytes.toString("utf8") ?? null,
    };
  }

  async function run(from: string, body: z.output<typeof bodies.run>): Promise<Answer> {
    const session = await taken(body.nonce, from);
    const { opened } = session;
    if (opened === null) throw new Denied(409, "This command was not opened. Ask again.");
    if (answering.size >= ANSWERS_MAX) throw new Denied(503, "The bot answers too many commands now. Try again.");
    const calledBy =
      from !== "socket"
        ? `a caller at ${from}`
        : opened.uid === null
          ? "a user of the bot's machine"
          : `${await users.nameOf(opened.uid)} on the bot's machine`;
    const { code, signature } = body;
    const mayRecord = () => refusals.take(sourceOf(from, opened.uid));
    const asked = { nonce: session.nonce, opened, calledBy, code, signature, mayRecord };
    const work = answerCommand(ports, asked);
    answering.add(work);
    void work.catch(() => {}).finally(() => answering.delete(work));
    return await withDeadline("The command", LIMITS.answerSeconds, () => work);
  }

  async function taken(nonce: string, from: string): Promise<Session> {
    const found = sessions.take(nonce, from);
    if ("session" in found) return found.session;
    if (found.problem === "used" && refusals.take("replays"))
      await recordReplay(ports, nonce, from === "socket" ? "a user of the bot's machine" : `a caller at ${from}`);
    throw new Denied(
      409,
      found.problem === "late"
        ? "This command was not finished in time. Nothing was done; ask again."
        : "The bot doesn't know this request, or has had it before. Nothing was done; ask again.",
    );
  }

  async function handle(from: string, request: IncomingMessage): Promise<unknown> {
    const verb = Object.entries(PATHS).find(([, path]) => path === request.url)?.[0] as keyof typeof PATHS | undefined;
    if (verb === undefined) throw new Denied(404, "There is no such request.");
    if (request.method !== "POST" || request.headers[CLIENT_HEADER] === undefined)
      throw new Denied(405, "Only lifeboat dr asks here.");
    const body = await readBody(request);
    switch (verb) {
      case "hello":
        read(bodies.hello, body);
        return hello(from);
      case "open":
        return await open(from, read(bodies.open, body));
      case "run":
        return await run(from, read(bodies.run, body));
      default:
        return verb satisfies never;
    }
  }

  return {
    listener: (way) => (request, response) => {
      const from = way === "socket" ? "socket" : (request.socket.remoteAddress ?? "unknown");
      handle(from, request).then(
        (answer) => send(response, 200, answer),
        (error) => {
          const { status, error: says } = deniedBy(error);
          if (status >= 500) log.error({ event: "cli.failed", err: error }, "a command could not be answered");
          // Its body may not be read to the end.
          response.setHeader("connection", "close");
          send(response, status, { error: says });
        },
      );
    },
    async drained(seconds) {
      const late = new Promise((done) => setTimeout(done, seconds * 1000).unref());
      await Promise.race([Promise.allSettled([...answering]), late]);
    },
  };
}

/** Whom commands are counted for. */
function sourceOf(from: string, uid: number | null): string {
  return from === "socket" ? `user ${uid ?? "unknown"}` : from;
}

function deniedBy(error: unknown): { status: number; error: string } {
  if (error instanceof Denied) return { status: error.status, error: error.message };
  const what = error instanceof LifeboatError ? error.message : "Something went wrong while answering.";
  return {
    status: 500,
    error: `${what} It isn't certain whether anything was written: lifeboat dr status shows it.`,
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const text = await new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= LIMITS.bodyBytes) return;
      // The rest is not read; the connection closes with the answer.
      request.pause().removeAllListeners("data");
      reject(new Denied(413, `A request has at most ${LIMITS.bodyBytes} bytes.`));
    });
    request.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.on("error", reject);
    request.on("close", () => reject(new Denied(400, "The request ended before it was whole.")));
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Denied(400, `The request isn't JSON: ${messageOf(error)}`);
  }
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new Denied(400, "The request isn't one that this version of the bot reads.");
}
