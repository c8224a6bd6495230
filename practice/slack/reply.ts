import type { ServerResponse } from "node:http";
import { shieldedHeaders } from "./guard.ts";

/** Answers of the page and its control API. */
export function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...shieldedHeaders(), "content-type": "text/plain; charset=utf-8" });
  response.end(text);
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...shieldedHeaders(), "content-type": "application/json; charset=utf-8", ...headers });
  response.end(JSON.stringify(body));
}
