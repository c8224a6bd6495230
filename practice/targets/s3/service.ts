import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FaultInjection } from "../../kit/fault-injection.ts";
import { meet } from "../../kit/faults.ts";
import type { Ledger } from "../../kit/ledger.ts";
import { Refusal } from "../../kit/refusal.ts";
import { toXml } from "../aws/xml.ts";
import { payloadOf } from "./body.ts";
import { type S3Turn, s3Operations } from "./operations.ts";
import { type Asked, askedOf } from "./request.ts";
import { createStore, type Store } from "./store.ts";

const XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/";

/** Answers one request that was signed for S3 in a region, as injected faults allow, and writes what became of it. */
export function createS3Service(store: Store, faults: FaultInjection, ledger: Ledger) {
  const operations = s3Operations(store);

  return async (request: IncomingMessage, response: ServerResponse, region: string): Promise<void> => {
    const head = askedOf(request, region);
    const { operation, bucket, key } = head;
    const given = { Bucket: bucket, Key: key, ...Object.fromEntries(head.query) };
    const note = (outcome: "accepted" | "answered" | "refused" | "dropped", code: string | null) =>
      ledger.write({ service: "s3", region, operation, given, outcome, code, fault: struck?.kind ?? null });
    let struck: ReturnType<FaultInjection["take"]> = null;
    if (faults.isDown(region)) {
      note("dropped", null);
      response.destroy();
      return;
    }
    struck = faults.take(operation);
    const refuse = (refusal: Refusal) => {
      note("refused", refusal.code);
      writeRefusal(response, head, refusal);
    };
    try {
      const { body, trailers } = await payloadOf(request);
      if (faults.isDenied(`s3:${operation}`)) throw new Refusal("AccessDenied", "Access Denied", 403);
      await meet(struck, response, {
        dropped: () => note("dropped", null),
        refuse(why) {
          if (why === "throttle") throw new Refusal("SlowDown", "Please reduce your request rate.", 503);
          const broken = new Refusal("InternalError", "We encountered an internal error.", 500);
          if (why === "fail") throw broken;
          writeRefusal(response, head, broken);
        },
        perform(happens) {
          const act = operations[operation];
          if (!act) throw new Refusal("NotImplemented", `The stand-in does not know ${operation}`, 501);
          const turn = act({ ...head, headers: { ...head.headers, ...trailers }, body });
          note(turn.effect && happens ? "accepted" : "answered", null);
          if (happens) turn.effect?.();
          return () => writeTurn(response, head, turn);
        },
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(error);
    }
  };
}

/** What is covered, read from the very table that answers. */
export function s3Covered(): readonly string[] {
  const clock = { scale: 1, after: () => {}, stop: () => {} };
  return Object.keys(s3Operations(createStore("000000000000", clock, () => true))).sort();
}

function writeTurn(response: ServerResponse, { operation }: Omit<Asked, "body">, turn: S3Turn): void {
  const headers = { ...ids(), ...turn.headers };
  if (turn.document) {
    const [name, content] = turn.document;
    const text = `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="${XMLNS}">${toXml(content)}</${name}>`;
    response.writeHead(200, { "content-type": "application/xml", ...headers }).end(text);
  } else if (turn.body) {
    response.writeHead(turn.status ?? 200, { ...headers, "content-length": turn.body.length }).end(turn.body);
  } else {
    response.writeHead(turn.status ?? 200, operation === "HeadObject" ? headers : { ...headers, "content-length": 0 });
    response.end();
  }
}

/** The two ids that every answer of S3 has, and that AWS asks for. */
function ids(): Record<string, string> {
  return { "x-amz-request-id": randomUUID(), "x-amz-id-2": randomUUID() };
}

/** A HEAD is refused by its status alone. */
function writeRefusal(
  response: ServerResponse,
  { operation }: Omit<Asked, "body">,
  { code, message, status }: Refusal,
): void {
  response.writeHead(status, { "content-type": "application/xml", ...ids() });
  if (operation.startsWith("Head")) response.end();
  else response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${toXml({ Error: { Code: code, Message: message } })}`);
}
