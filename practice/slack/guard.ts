import type { IncomingMessage } from "node:http";

/**
 * Who may talk to a server on this machine's loopback. A web page somewhere else can make a browser send requests here:
 * by a name that resolves to 127.0.0.1 (the Host gives it away) or across sites (the Origin does). Both are refused.
 */
export function strange(request: IncomingMessage, port: number): string | null {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  const { host, origin } = request.headers;
  if (host === undefined || !hosts.includes(host)) return "This Host is not the practice workspace's.";
  if (origin !== undefined && !hosts.some((own) => origin === `http://${own}`))
    return "Another site may not speak here.";
  const site = request.headers["sec-fetch-site"];
  const reads = request.method === "GET" || request.method === "HEAD";
  if (site !== undefined && site !== "same-origin" && !(site === "none" && reads) && !navigates(request))
    return "Another site may not speak here.";
  return null;
}

/** A person following a link to the page from somewhere else. */
function navigates(request: IncomingMessage): boolean {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const isPage = path === "/" || path.startsWith("/archives/");
  return request.method === "GET" && request.headers["sec-fetch-mode"] === "navigate" && isPage;
}

/** Headers of everything a browser is given. `nonce`: of the page's one inline script, its import map. */
export function shieldedHeaders(nonce?: string): Record<string, string> {
  const scripts = nonce ? `'self' 'nonce-${nonce}'` : "'self'";
  return {
    "content-security-policy": [
      "default-src 'none'",
      `script-src ${scripts}`,
      "style-src 'self'",
      "img-src 'self' data:",
      "font-src 'self'",
      "connect-src 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
  };
}
