import type { IncomingMessage } from "node:http";
import { bodyOf } from "../../src/lib/request-body.ts";

/** The body of a request to a stand-in. Rejects when it has more than `bytesMax`. */
export async function bytesOf(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const body = await bodyOf(request, bytesMax);
  if (body === null) throw new Error("The body is too long.");
  return body;
}

/** The same as text. */
export async function textOf(request: IncomingMessage, bytesMax: number): Promise<string> {
  return (await bytesOf(request, bytesMax)).toString("utf8");
}
