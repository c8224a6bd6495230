import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { messageOf } from "../../../../src/lib/errors.ts";
import { requestUrl } from "../../../../src/lib/request-url.ts";
import type { Target } from "../../../environment/database.ts";
import { textOf } from "../../../kit/body.ts";
import type { Ledger } from "./ledger.ts";
import type { Meter, Reading } from "./meter.ts";
import { parseTarget } from "./target.ts";
import type { Writer } from "./writer.ts";

/** What the application says of itself: `GET /state`. */
export interface OrdersState extends Reading {
  readonly target: Target;
  readonly acknowledged: number;
  readonly healthy: boolean;
}

interface Parts {
  readonly writer: Writer;
  readonly ledger: Ledger;
  readonly meter: Meter;
}

const BODY_BYTES_MAX = 4096;
const WRITE_OFF_BYTES_MAX = 16 * 1024 * 1024;
const ids = z.array(z.string());
/** Two missed writes at the slowest pace are not yet an illness. */
const HEALTHY_GAP_SECONDS = 1;

export async function answer(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = requestUrl(request).pathname;
  switch (`${request.method} ${path}`) {
    case "GET /health": {
      const state = stateOf(parts);
      return json(response, state.healthy ? 200 : 503, { healthy: state.healthy, gapSeconds: state.gapSeconds });
    }
    case "GET /state":
      return json(response, 200, stateOf(parts));
    case "GET /ledger":
      return await sendLedger(parts.ledger, response);
    case "POST /measure":
      parts.meter.restart();
      return json(response, 200, stateOf(parts));
    case "POST /ledger/write-off":
      parts.ledger.writeOff(ids.parse(JSON.parse(await textOf(request, WRITE_OFF_BYTES_MAX))));
      return json(response, 200, stateOf(parts));
    case "PUT /target":
      return await repoint(parts, request, response);
    default:
      return json(response, 404, { error: "GET /health, GET /state, GET /ledger, POST /measure, PUT /target" });
  }
}

function stateOf({ writer, ledger, meter }: Parts): OrdersState {
  const reading = meter.read();
  const healthy = reading.gapSeconds < HEALTHY_GAP_SECONDS;
  return { target: writer.target, acknowledged: ledger.count, healthy, ...reading };
}

async function sendLedger(ledger: Ledger, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"contract":"lifeboat.ledger/1","acknowledged":[');
  let first = true;
  for await (const line of ledger.read()) {
    response.write(`${first ? "" : ","}${JSON.stringify(line)}`);
    first = false;
  }
  response.end("]}");
}

async function repoint(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    parts.writer.repoint(parseTarget(JSON.parse(await textOf(request, BODY_BYTES_MAX))));
  } catch (error) {
    return json(response, 400, { error: messageOf(error) });
  }
  json(response, 200, stateOf(parts));
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}
