import { timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { messageOf } from "../../../src/lib/errors.ts";
import type { Logger } from "../../../src/lib/log.ts";
import { requestUrl } from "../../../src/lib/request-url.ts";
import { projectRoot } from "../../../src/lib/root.ts";
import { textOf } from "../../kit/body.ts";
import type { PracticeEnvironment } from "./environment.ts";
import { ENVIRONMENT_FAULTS, type EnvironmentFault } from "./faults.ts";
import type { EnvironmentObserver } from "./snapshot.ts";

interface Behind {
  readonly observer: EnvironmentObserver;
  /** What a script needs to ask for a host's part of a rejoin. */
  readonly hostsToken: string;
  readonly log: Logger;
}

const BODY_BYTES_MAX = 4096;
const FILES: Readonly<Record<string, string>> = {
  "/environment/panel.js": "text/javascript; charset=utf-8",
};

/** Everything under `/environment/`: the panel, what it shows and what it does, and the hosts' own agent. */
export function handleEnvironment(
  environment: PracticeEnvironment,
  behind: Behind,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const path = requestUrl(request).pathname;
  if (!path.startsWith("/environment/")) return false;
  if (!isOurs(request)) {
    say(response, 403, { error: "Another site may not speak here." });
    return true;
  }
  route(environment, behind, path, request, response).catch((error) => {
    behind.log.warn({ path, error: messageOf(error) }, "the environment could not answer");
    if (response.headersSent) response.destroy();
    else say(response, 500, { error: messageOf(error) });
  });
  return true;
}

async function route(
  environment: PracticeEnvironment,
  behind: Behind,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const type = FILES[path];
  if (request.method === "GET" && type !== undefined) return await sendFile(path, type, response);
  const rebuilt = /^\/environment\/hosts\/([a-z0-9-]+)\/rebuild$/.exec(path)?.[1];
  if (request.method === "POST" && rebuilt !== undefined)
    return await rebuild(environment, behind, rebuilt, request, response);
  switch (`${request.method} ${path}`) {
    case "GET /environment/state":
      return say(response, 200, await environment.state());
    case "GET /environment/events":
      return stream(behind.observer, request, response);
    case "GET /environment/faults":
      return say(response, 200, { faults: ENVIRONMENT_FAULTS });
    case "POST /environment/faults":
      return await faults(environment, request, response);
    case "POST /environment/measure":
      await environment.application.measure();
      return say(response, 200, await environment.state());
    default:
      return say(response, 404, { error: `There is no ${request.method} ${path}.` });
  }
}

async function faults(
  environment: PracticeEnvironment,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const what = (JSON.parse(await textOf(request, BODY_BYTES_MAX)) as { what?: unknown } | null)?.what;
  const known = ENVIRONMENT_FAULTS.find((one) => one.what === what);
  if (!known)
    return say(response, 400, { error: `One of ${ENVIRONMENT_FAULTS.map((one) => one.what).join(", ")} is needed.` });
  try {
    await environment.injectFault(known.what as EnvironmentFault);
  } catch (error) {
    return say(response, 409, { error: messageOf(error) });
  }
  say(response, 200, await environment.state());
}

async function rebuild(
  environment: PracticeEnvironment,
  { hostsToken }: Behind,
  node: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!same(request.headers.authorization ?? "", `Bearer ${hostsToken}`))
    return say(response, 401, { error: "Who asks?" });
  await environment.rebuild(node);
  say(response, 200, { rebuilt: node });
}

function stream(snapshot: EnvironmentObserver, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    connection: "keep-alive",
  });
  const send = (state: unknown) => response.write(`data: ${JSON.stringify(state)}\n\n`);
  const leave = snapshot.follow(send);
  request.on("close", leave);
  response.on("close", leave);
  void snapshot.look().then(send, () => {});
}

async function sendFile(path: string, type: string, response: ServerResponse): Promise<void> {
  const file = join(projectRoot(), "practice/systems/practice/panel", path.slice("/environment/".length));
  const body = await readFile(file);
  response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
}

/** A page elsewhere can make a browser send requests here; its Host or its Origin gives it away. */
function isOurs({ headers }: IncomingMessage): boolean {
  const host = headers.host ?? "";
  if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host)) return false;
  return headers.origin === undefined || headers.origin === `http://${host}`;
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function say(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}
