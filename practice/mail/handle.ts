import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { messageOf } from "../../src/lib/errors.ts";
import { requestUrl } from "../../src/lib/request-url.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { textOf } from "../kit/body.ts";
import { READER_FAULTS, type ReaderFault } from "./faults.ts";
import type { Readers } from "./readers.ts";

interface Behind {
  readonly readers: Readers;
  activeFaults(): readonly string[];
  page(): string | null;
  /** Calls back on every change; returns how to stop. */
  watch(tell: () => void): () => void;
}

const FILES: Readonly<Record<string, string>> = {
  "/comms/panel.js": "text/javascript; charset=utf-8",
};
const BODY_BYTES_MAX = 4096;

/** Everything under `/comms/`: what people got. Whose Host and Origin it is has been checked by the workspace. */
export function handleReaders(behind: Behind, request: IncomingMessage, response: ServerResponse): boolean {
  const path = requestUrl(request).pathname;
  if (!path.startsWith("/comms/")) return false;
  route(behind, path, request, response).catch((error) => {
    if (response.headersSent) response.destroy();
    else say(response, 400, { error: messageOf(error) });
  });
  return true;
}

async function route(behind: Behind, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const type = FILES[path];
  if (request.method === "GET" && type !== undefined) {
    const body = await readFile(join(projectRoot(), "practice/mail/panel", path.slice("/comms/".length)));
    return void response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
  }
  switch (`${request.method} ${path}`) {
    case "GET /comms/state":
      return say(response, 200, snapshotOf(behind));
    case "GET /comms/events":
      return stream(behind, request, response);
    case "POST /comms/faults": {
      const { what } = JSON.parse(await textOf(request, BODY_BYTES_MAX)) as { what?: unknown };
      if (what !== "calm" && !Object.hasOwn(READER_FAULTS, String(what)))
        return say(response, 400, { error: `One of ${Object.keys(READER_FAULTS).join(", ")}, calm is needed.` });
      await behind.readers.injectFault(what as ReaderFault | "calm");
      return say(response, 200, snapshotOf(behind));
    }
    default:
      return say(response, 404, { error: `There is no ${request.method} ${path}.` });
  }
}

function snapshotOf({ readers, activeFaults, page }: Behind) {
  return {
    mails: readers.mails.slice(-50).map(({ html: _, headers: __, ...mail }) => mail),
    notices: readers.notices,
    components: Object.fromEntries(readers.components),
    page: page(),
    activeFaults: activeFaults(),
    faultKinds: Object.entries(READER_FAULTS).map(([what, says]) => ({ what, says })),
  };
}

function stream(behind: Behind, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    connection: "keep-alive",
  });
  const send = () => response.write(`data: ${JSON.stringify(snapshotOf(behind))}\n\n`);
  const leave = behind.watch(send);
  request.on("close", leave);
  response.on("close", leave);
  send();
}

function say(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}
