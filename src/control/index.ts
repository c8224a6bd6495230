import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { CommandContext } from "../command/context.ts";
import { listenOn, makeServer, shut } from "../http/server.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { KeyCounters } from "../mfa/key-counters.ts";
import { type Callers, openCallers } from "./callers.ts";
import { createOsUsers } from "./os-users.ts";
import { type ControlServer, createControlServer } from "./server.ts";
import { listenOnSocket, makeSocketFolder, SERVER_BOUNDS } from "./socket.ts";

export interface ControlConfig {
  /** Path of the Unix socket. */
  readonly socket: string;
  /** Null: not served over TLS. */
  readonly tls: {
    readonly host: string;
    readonly port: number;
    readonly certificateFile: string;
    readonly keyFile: string;
  } | null;
  /** Who the users of this machine are: user → person id. */
  readonly people: ReadonlyMap<string, string>;
}

/** What `lifeboat dr` talks to. */
export interface Control {
  readonly socketAnswers: boolean;
  /** Null: not served. */
  readonly tlsPort: number | null;
  close(): Promise<void>;
}

export interface ControlOptions {
  readonly config: ControlConfig;
  readonly context: CommandContext;
  readonly counters: KeyCounters;
  readonly log: Logger;
}

const CLEAN_EVERY_MS = 30_000;
const DRAIN_SECONDS = 5;

/** Serves the command line. What can't be served is logged and left out: the bot goes on without it. */
export async function startControl({ config, context, counters, log }: ControlOptions): Promise<Control> {
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      log.error({ event: "cli.not_served", what, says: messageOf(error) }, "the command line is not served this way");
      return null;
    }
  };
  const folder = dirname(config.socket);
  const made = await attempt("socket", () => makeSocketFolder(config.socket).then(() => true));
  const callers =
    made === null ? null : await attempt("users of this machine", () => openCallers(join(folder, "callers")));
  const server = createControlServer({ context, counters, users: createOsUsers(config.people), callers, log });
  const socket =
    made === null ? null : await attempt("socket", () => listenOnSocket(config.socket, server.listener("socket"), log));
  const { tls } = config;
  const secure = tls && (await attempt("https", () => listenOnTls(tls, server.listener("tls"))));
  const cleaning = callers && startCleaning(callers, log);
  return {
    get socketAnswers() {
      return socket?.answers ?? false;
    },
    tlsPort: secure ? (secure.address() as AddressInfo).port : null,
    async close() {
      cleaning?.stop();
      await server.drained(DRAIN_SECONDS);
      await Promise.all([socket?.close(), secure && shut(secure)]);
    },
  };
}

function startCleaning(callers: Callers, log: Logger): { stop(): void } {
  const timer = setInterval(() => {
    callers
      .clean()
      .catch((error) => log.warn({ event: "cli.clean_failed", says: messageOf(error) }, "callers' files stay"));
  }, CLEAN_EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

async function listenOnTls(
  tls: NonNullable<ControlConfig["tls"]>,
  listener: ReturnType<ControlServer["listener"]>,
): Promise<Server> {
  const [cert, key] = await Promise.all([readFile(tls.certificateFile), readFile(tls.keyFile)]);
  const server = makeServer(listener, SERVER_BOUNDS, { cert, key });
  await listenOn(server, { port: tls.port, host: tls.host });
  return server;
}
