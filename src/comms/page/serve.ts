import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";

export interface PageOptions {
  /** The page is written here too, for any web server or bucket to take; what was written last is served until anew. */
  readonly folder: string;
  /** Null: only written, not served. */
  readonly port: number | null;
  readonly host: string;
  readonly log: Logger;
}

/** The built-in status page: one file, kept in memory and on disk, served whatever else is down. */
export interface StatusPage {
  /** Null: not served. */
  readonly port: number | null;
  /** Rejects when the file can not be written; what is served is the new one all the same. */
  show(html: string): Promise<void>;
  close(): Promise<void>;
}

const NOT_YET = "<!doctype html><meta charset=utf-8><title>Status</title><p>No status yet.</p>\n";
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "max-age=30",
} as const;

/** Opens the page before anything else is there: it needs no store. */
export async function openPage({ folder, port, host, log }: PageOptions): Promise<StatusPage> {
  const file = join(folder, "index.html");
  let html = await readFile(file, "utf8").catch(() => NOT_YET);
  let writing: Promise<void> = Promise.resolve();
  const server = port === null ? null : await serve(port, host, () => html);
  const bound = server === null ? null : (server.address() as AddressInfo).port;
  if (bound !== null) log.info({ port: bound, host }, "The status page is served.");
  return {
    port: bound,
    show(next) {
      html = next;
      writing = writing.catch(() => {}).then(() => write(folder, file, next));
      return writing;
    },
    async close() {
      await writing.catch((error) => log.warn({ says: messageOf(error) }, "The status page could not be written."));
      if (server === null) return;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function write(folder: string, file: string, html: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const whole = `${file}.${process.pid}.new`;
  await writeFile(whole, html);
  await rename(whole, file);
}

function serve(port: number, host: string, html: () => string): Promise<Server> {
  const server = createServer((request, response) => {
    const isPage = (request.url ?? "").split("?")[0] === "/";
    const reads = request.method === "GET" || request.method === "HEAD";
    response.writeHead(!reads ? 405 : isPage ? 200 : 404, HEADERS);
    response.end(!reads || request.method === "HEAD" ? undefined : isPage ? html() : "Nothing is here.\n");
  });
  // Slow readers and idle ones are let go: this page has to be there for the next.
  server.requestTimeout = 10_000;
  server.headersTimeout = 5000;
  server.keepAliveTimeout = 2000;
  server.maxConnections = 500;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}
