import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The world as a runbook sees it: every request takes as long as it says, `POST /?ms=20`. */
const server = createServer((request, response) => {
  const ms = Number(new URL(request.url ?? "/", "http://remote").searchParams.get("ms"));
  setTimeout(() => response.end("done"), ms);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`);
});
