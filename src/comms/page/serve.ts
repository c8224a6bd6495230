import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { type Address, createHttpAddresses, type HttpAddresses } from "../../http/addresses.ts";
import { STATUS_PAGE } from "../../http/paths.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";

export interface PageOptions {
  /** The page is written here too, for any web server or bucket to take; what was written last is served until again. */
  readonly folder: string;
  /** Null: only written, not served. */
  readonly address: Address | null;
  readonly log: Logger;
  /** Absent: it is served by itself. */
  readonly http?: HttpAddresses;
}

/** The built-in status page: one file, kept in memory and on disk, served whatever else is down. */
export interface StatusPage {
  /** Null: not served. */
  readonly port: number | null;
  /** Rejects when the file can't be written; what is served is the new one all the same. */
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
export async function openPage({ folder, address, log, http }: PageOptions): Promise<StatusPage> {
  const file = join(folder, "index.html");
  let html = await readFile(file, "utf8").catch(() => NOT_YET);
  let writing: Promise<void> = Promise.resolve();
  const addresses = http ?? createHttpAddresses(log);
  const served =
    address === null ? null : await addresses.serve({ address, paths: [STATUS_PAGE], listener: answering(() => html) });
  const bound = served?.port ?? null;
  if (bound !== null) log.info({ event: "page.served", port: bound, host: address?.host }, "the status page is served");
  return {
    port: bound,
    show(next) {
      html = next;
      writing = writing.catch(() => {}).then(() => write(folder, file, next));
      return writing;
    },
    async close() {
      await writing.catch((error) =>
        log.warn({ event: "page.not_written", says: messageOf(error) }, "the status page could not be written"),
      );
      await served?.close();
    },
  };
}

async function write(folder: string, file: string, html: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const whole = `${file}.${process.pid}.new`;
  await writeFile(whole, html);
  await rename(whole, file);
}

function answering(html: () => string) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const isPage = (request.url ?? "").split("?")[0] === "/";
    const reads = request.method === "GET" || request.method === "HEAD";
    response.writeHead(!reads ? 405 : isPage ? 200 : 404, HEADERS);
    response.end(!reads || request.method === "HEAD" ? undefined : isPage ? html() : "Nothing is here.\n");
  };
}
