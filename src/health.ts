import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface HealthChecks {
  /** Can this process do its work: is the store there? */
  live(): Promise<boolean>;
  /** Can people reach it: is Slack being heard? */
  ready(): { ok: boolean; says: string };
}

/** `GET /live` and `GET /ready`, 200 or 503, a sentence in the body. Loopback unless told otherwise. */
export async function serveHealth(
  port: number,
  host: string,
  checks: HealthChecks,
): Promise<{ port: number; close(): Promise<void> }> {
  const answers: Record<string, () => Promise<{ ok: boolean; says: string }>> = {
    "/live": async () =>
      (await checks.live())
        ? { ok: true, says: "The store is there." }
        : { ok: false, says: "The store does not answer." },
    "/ready": async () => checks.ready(),
  };
  const server = createServer(async (request, response) => {
    const answer = await answers[request.url ?? ""]?.();
    response.writeHead(answer === undefined ? 404 : answer.ok ? 200 : 503, {
      "content-type": "text/plain; charset=utf-8",
    });
    response.end(`${answer?.says ?? "There is /live and /ready."}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
