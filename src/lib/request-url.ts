import type { IncomingMessage } from "node:http";

/**
 * What a request asks for, as an address on a host that says nothing. Never throws: `new URL("//", base)` does, and in a
 * server's listener that ends the process. What is no path (`*`, another server's address) is the root with nothing asked.
 */
export function requestUrl({ url }: Pick<IncomingMessage, "url">): URL {
  const path = url?.startsWith("/") ? url : "/";
  return new URL(`http://localhost${path}`);
}
