import type { IncomingMessage, ServerResponse } from "node:http";
import { LifeboatError } from "../../src/lib/errors.ts";
import { cause, report, type SlackFault } from "./faults.ts";
import type { Mount } from "./http.ts";
import { limits } from "./limits.ts";
import type { Change, Json } from "./objects.ts";
import type { Platform } from "./platform.ts";
import { SlackRefusal } from "./refusal.ts";
import { json, say } from "./reply.ts";
import { snapshot } from "./snapshot.ts";
import { transcript } from "./transcript.ts";
import { perform } from "./user-actions/perform.ts";
import type { UserAction } from "./user-actions/user-action.ts";
import { bytesOf } from "./web/body.ts";

/** What the page and drivers of other processes use: `/control/…`, JSON only. */
export async function control(
  platform: Platform,
  mounts: readonly Mount[],
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const [, , what = "", which = ""] = url.pathname.split("/");
  if (request.method === "GET")
    switch (what) {
      case "state":
        return json(response, 200, {
          ...snapshot(platform),
          panels: panels(mounts),
          faults: report(platform),
          hint: platform.hint(),
        });
      case "inspector":
        return json(response, 200, platform.inspector.entries);
      case "faults":
        return json(response, 200, report(platform));
      case "conversation":
        return say(response, 200, transcript(snapshot(platform)));
      case "changed":
        return changed(platform, response, url);
      case "events":
        return events(platform, request, response);
    }
  if (request.method === "POST") {
    // A form of another site can't send this type without asking first, and is not allowed when it asks.
    if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) return say(response, 415, "Send JSON.");
    const body = JSON.parse((await bytesOf(request, limits.fileBytes * 2)).toString("utf8"));
    if (what === "as") return userAction(platform, response, which, body as UserAction);
    if (what === "faults") return injectFault(platform, response, which, body as SlackFault);
  }
  say(response, 404, "Nothing is here.");
}

async function userAction(platform: Platform, response: ServerResponse, user: string, body: UserAction): Promise<void> {
  try {
    json(response, 200, await perform(platform, user, body));
  } catch (error) {
    if (!(error instanceof SlackRefusal)) throw error;
    json(response, 200, { ok: false, error: error.error, said: `That did not work. (${error.error})` });
  }
}

function injectFault(platform: Platform, response: ServerResponse, name: string, fault: SlackFault): void {
  try {
    cause(platform, name, fault);
    json(response, 200, report(platform));
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    json(response, 400, { ok: false, error: error.problem.code, said: error.message });
  }
}

async function changed(platform: Platform, response: ServerResponse, url: URL): Promise<void> {
  const milliseconds = Math.min(Number(url.searchParams.get("milliseconds") ?? 20_000), 20_000);
  await platform.store.changed(Number(url.searchParams.get("since") ?? 0), milliseconds);
  json(response, 200, { version: platform.store.version });
}

/** Server-sent events: every change as it happens. */
function events(platform: Platform, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  response.write("retry: 500\n: practice\n\n");
  const stop = platform.store.follow((change) => {
    response.write(`data: ${JSON.stringify({ ...change, ...around(platform, change) })}\n\n`);
  });
  const beat = setInterval(() => response.write(": still here\n\n"), 15_000);
  request.on("close", () => {
    clearInterval(beat);
    stop();
  });
}

/** What a change of channel setup or faults means, looked up when it is told, so that nothing old is told. */
function around(platform: Platform, change: Change): Json {
  const { pins, bookmarks, canvases } = platform.store;
  if (change.kind === "bookmarks")
    return {
      pins: pins.get(change.channel) ?? [],
      bookmarks: bookmarks.get(change.channel) ?? [],
      canvas: canvases.get(change.channel) ?? null,
    };
  const isSocket = change.kind === "inspected" && change.entry.kind === "socket";
  return change.kind === "faults" || isSocket ? { faults: report(platform) } : {};
}

function panels(mounts: readonly Mount[]): { url: string; base: string; title: string }[] {
  return mounts.flatMap(({ panel, prefix, title }) =>
    panel ? [{ url: panel, base: prefix, title: title ?? "Estate" }] : [],
  );
}
