import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { messageOf } from "../../src/lib/errors.ts";
import { requestUrl } from "../../src/lib/request-url.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { FaultInjection, PagerFault } from "./faults.ts";
import { jsonOf } from "./http.ts";
import type { Pager } from "./pager.ts";
import { snapshotOf } from "./snapshot.ts";
import type { PagerState } from "./state.ts";

interface Behind {
  readonly pager: Pager;
  readonly state: PagerState;
  readonly faults: FaultInjection;
}

const FILES: Readonly<Record<string, string>> = {
  "/pager/panel.js": "text/javascript; charset=utf-8",
};

/** Everything under `/pager/`: people's phones. Whose Host and Origin it is has been checked by the workspace. */
export function handlePager(behind: Behind, request: IncomingMessage, response: ServerResponse): boolean {
  const path = requestUrl(request).pathname;
  if (!path.startsWith("/pager/")) return false;
  route(behind, path, request, response).catch((error) => {
    if (response.headersSent) response.destroy();
    else say(response, 400, { error: messageOf(error) });
  });
  return true;
}

async function route(behind: Behind, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pager, state, faults } = behind;
  const type = FILES[path];
  if (request.method === "GET" && type !== undefined) {
    const body = await readFile(join(projectRoot(), "practice/pagerduty/panel", path.slice("/pager/".length)));
    return void response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
  }
  switch (`${request.method} ${path}`) {
    case "GET /pager/state":
      return say(response, 200, snapshotOf(state, faults));
    case "GET /pager/events":
      return stream(behind, request, response);
    case "POST /pager/do":
      await act(pager, await jsonOf(request));
      return say(response, 200, snapshotOf(state, faults));
    default:
      return say(response, 404, { error: `There is no ${request.method} ${path}.` });
  }
}

/** `{what: "acknowledge", incident, user}`, `resolve` alike, `{what: "alarm", title}`, `{what: "fault", name, on}`. */
async function act(pager: Pager, asked: unknown): Promise<void> {
  const { what, incident, user, title, name, on } = (asked ?? {}) as Record<string, unknown>;
  if (what === "acknowledge") return pager.acknowledge(String(incident), String(user));
  if (what === "resolve") return pager.resolve(String(incident), String(user));
  if (what === "alarm") return void pager.alarm(String(title ?? "Orders: error rate over 20 %"));
  if (what === "fault") return pager.injectFault(String(name) as PagerFault | "calm", on === true);
  throw new Error("One of acknowledge, resolve, alarm, fault is needed.");
}

function stream({ state, faults }: Behind, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = () => response.write(`data: ${JSON.stringify(snapshotOf(state, faults))}\n\n`);
  send();
  request.on("close", state.watch(send));
}

function say(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}
