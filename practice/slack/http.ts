import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { messageOf } from "../../src/lib/errors.ts";
import { requestUrl } from "../../src/lib/request-url.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { control } from "./control.ts";
import { shieldedHeaders, strange } from "./guard.ts";
import { limits } from "./limits.ts";
import type { Platform } from "./platform.ts";
import { SlackRefusal } from "./refusal.ts";
import { json, say } from "./reply.ts";
import { respond } from "./respond.ts";
import { bytesOf, decode, partsOf } from "./web/body.ts";
import { WebApi } from "./web/call.ts";
import { receive } from "./web/files.ts";

/** Another room's pages under this workspace's address: the practice environment. */
export interface Mount {
  /** `/environment`: what is under it is handled there. */
  readonly prefix: string;
  /** Answers the request and says true, or says false. Host and Origin have been checked. */
  handle(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean>;
  /** An ES module exporting `mount(element, base)`, drawn in the side panel. Served from here: `/environment/panel.js`. */
  readonly panel?: string;
  /** What its tab is called. */
  readonly title?: string;
}

const pageFolder = () => join(projectRoot(), "practice/slack/page");
const own = createRequire(import.meta.url);
/** Modules the page imports by name (its import map says so too), and the browser's build of each beside what Node would load. */
const vendored: Readonly<Record<string, string>> = {
  preact: "preact.mjs",
  "preact/hooks": "hooks.mjs",
  htm: "htm.mjs",
};
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Everything the workspace answers over HTTP. */
export function requestListener(platform: Platform, mounts: readonly Mount[], port: () => number) {
  const api = new WebApi(platform);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const why = strange(request, port());
      if (why) return say(response, 403, why);
      await route(request, response);
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      if (error instanceof SlackRefusal)
        return json(response, 400, { ok: false, error: error.error, ...error.details });
      json(response, 500, { ok: false, error: "internal_error", detail: messageOf(error) });
    }
  };

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = requestUrl(request);
    const [, first = "", second = ""] = url.pathname.split("/");
    const posts = request.method === "POST";
    if (first === "api") return webApi(request, response, url);
    if (first === "response" && posts) return answer(request, response, url);
    if (first === "upload" && posts) return upload(request, response, second);
    if (first === "control") return control(platform, mounts, request, response, url);
    const mount = mounts.find(({ prefix }) => `${url.pathname}/`.startsWith(`${prefix.replace(/\/$/, "")}/`));
    if (mount && (await mount.handle(request, response))) return;
    if (request.method !== "GET") return say(response, 405, "Only GET here.");
    if (first === "files") return download(request, response, second);
    if (first === "vendor") return vendor(response, url.pathname.slice("/vendor/".length));
    if (first === "page") return asset(response, second);
    if (first === "" || first === "archives") return page(response);
    say(response, 404, "Nothing is here.");
  }

  async function webApi(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { faults } = platform;
    const type = request.headers["content-type"] ?? "";
    let args: Awaited<ReturnType<typeof decode>>;
    try {
      args = await decode(await bytesOf(request), type, url.searchParams);
    } catch (error) {
      if (error instanceof SlackRefusal) return json(response, 200, { ok: false, error: error.error });
      throw error;
    }
    if (!(await passed(faults.delayCallsSeconds))) return void request.socket.destroy();
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const name = url.pathname.slice("/api/".length);
    const called = await api.call(name, bearer ?? (args.token as string | undefined), args);
    if (called.body.ok && faults.losesReply(name)) return void request.socket.destroy();
    json(response, called.status, called.body, called.headers);
  }

  /** @returns false when the workspace was closed meanwhile: nothing waits for an hour then */
  async function passed(seconds: number): Promise<boolean> {
    if (seconds > 0) {
      const { closing } = platform;
      await after(seconds * 1000, undefined, { signal: closing, ref: false }).catch(() => {});
    }
    return !platform.closing.aborted;
  }

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (platform.faults.unavailable()) return say(response, 503, "service_unavailable");
    const started = performance.now();
    const args = await decode(
      await bytesOf(request),
      request.headers["content-type"] ?? "application/json",
      new URLSearchParams(),
    );
    const note = (error: string | null) =>
      platform.inspector.note({
        kind: "response_url",
        name: String(args.text ?? "response_url").slice(0, 80),
        error,
        sent: args,
        milliseconds: Math.round(performance.now() - started),
      });
    try {
      respond(platform, url.pathname, args);
      note(null);
      say(response, 200, "ok");
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error;
      note(error.error);
      json(response, 404, { ok: false, error: error.error, ...error.details });
    }
  }

  async function upload(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const type = request.headers["content-type"] ?? "";
    const body = await bytesOf(request, limits.fileBytes + limits.bodyBytes);
    let bytes = body;
    if (type.includes("multipart/form-data")) {
      const [part = ""] = [...(await partsOf(body, type)).values()];
      bytes = typeof part === "string" ? Buffer.from(part) : Buffer.from(await part.arrayBuffer());
    }
    receive(platform, id, bytes);
    say(response, 200, `OK - ${bytes.length}`);
  }

  /** Files are given as downloads only: what a bot or a person uploaded never runs in this page's origin. */
  async function download(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const { store } = platform;
    if (bearer !== undefined && bearer !== store.tokens.bot) return say(response, 403, "invalid_auth");
    const [file, bytes] = [store.files.get(id), store.bytes.get(id)];
    if (!file || !bytes) return say(response, 404, "file_not_found");
    response.writeHead(200, {
      ...shieldedHeaders(),
      "content-type": file.mimetype,
      "content-length": bytes.length,
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      "content-security-policy": "sandbox; default-src 'none'",
    });
    response.end(bytes);
  }
}

async function page(response: ServerResponse): Promise<void> {
  const nonce = randomBytes(16).toString("base64");
  const html = await readFile(join(pageFolder(), "index.html"), "utf8");
  response.writeHead(200, { ...shieldedHeaders(nonce), "content-type": "text/html; charset=utf-8" });
  response.end(html.replace("{nonce}", nonce));
}

async function asset(response: ServerResponse, name: string): Promise<void> {
  const type = TYPES[extname(name)];
  if (!type || !/^[a-z0-9-]+\.[a-z]+$/.test(name)) return say(response, 404, "Nothing is here.");
  await send(response, join(pageFolder(), name), type);
}

async function vendor(response: ServerResponse, name: string): Promise<void> {
  const file = Object.hasOwn(vendored, name) ? vendored[name] : undefined;
  if (!file) return say(response, 404, "Nothing is here.");
  await send(response, join(dirname(own.resolve(name)), file), TYPES[".js"] as string);
}

async function send(response: ServerResponse, path: string, type: string): Promise<void> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch {
    return say(response, 404, "Nothing is here.");
  }
  response.writeHead(200, { ...shieldedHeaders(), "content-type": type });
  response.end(bytes);
}
