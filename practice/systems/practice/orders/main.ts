import { createServer } from "node:http";
import { messageOf } from "../../../../src/lib/errors.ts";
import { answer } from "./api.ts";
import { createLedger } from "./ledger.ts";
import { createMeter } from "./meter.ts";
import { parseTarget } from "./target.ts";
import { createWriter } from "./writer.ts";

/**
 * The practice application, a process of its own: it writes orders, keeps its own list of what it was told is safe, and
 * tells over HTTP how it is doing. It ends when the one who started it is gone.
 *
 * Environment: ORDERS_PORT, ORDERS_LEDGER (file), ORDERS_TARGET (JSON), ORDERS_APP_PASSWORD, ORDERS_PER_SECOND,
 * ORDERS_DATABASE.
 */
const setting = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set.`);
  return value;
};

const ledger = createLedger(setting("ORDERS_LEDGER"));
const meter = createMeter(() => Date.now());
const writer = createWriter({
  target: parseTarget(JSON.parse(setting("ORDERS_TARGET"))),
  password: setting("ORDERS_APP_PASSWORD"),
  perSecond: Number(process.env.ORDERS_PER_SECOND ?? 20),
  database: process.env.ORDERS_DATABASE ?? "orders",
  ledger,
  meter,
});

const server = createServer((request, response) => {
  answer({ writer, ledger, meter }, request, response).catch((error) => {
    if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: messageOf(error) }));
  });
});
server.listen(Number(setting("ORDERS_PORT")), "127.0.0.1", () => process.stdout.write("ready\n"));
writer.start();

// The pipe to the parent is the only thing that tells of its death, however it died.
process.stdin.resume();
process.stdin.on("close", () => process.exit(0));
process.on("SIGINT", () => {});
process.on("SIGTERM", () => process.exit(0));
