import type { IncomingMessage, ServerResponse } from "node:http";
import { requestUrl } from "../../src/lib/request-url.ts";
import { textOf } from "../kit/body.ts";
import { meet } from "../kit/faults.ts";
import { enqueue } from "./enqueue.ts";
import type { FaultInjection } from "./faults.ts";
import { type Answer, rest } from "./rest.ts";
import type { PagerState } from "./state.ts";

const BODY_BYTES = 512 * 1024;
const LIMIT_SECONDS = 2;

/** One request of a client: answered as PagerDuty would, or as the active fault has it; in the ledger either way. */
export async function answerApi(
  state: PagerState,
  faults: FaultInjection,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = requestUrl(request);
  const method = request.method ?? "GET";
  const body = await jsonOf(request);
  const before = state.happened.length;
  const note = (answered: "hung" | "cut" | number) => {
    const changed = state.happened.length - before;
    const what = `${method} ${url.pathname}`;
    state.ledger.push({ at: new Date().toISOString(), what, sent: body, answered, changed });
    state.touched();
  };
  const say = ({ status, body }: Answer) => {
    note(status);
    response.writeHead(status, {
      "content-type": "application/json",
      ...(status === 429 && { "ratelimit-reset": String(LIMIT_SECONDS), "retry-after": String(LIMIT_SECONDS) }),
    });
    response.end(JSON.stringify(body));
  };
  const fault = faults.fault();
  await meet(fault, response, {
    dropped: () => note(fault?.kind === "down" ? "cut" : "hung"),
    refuse: (why) =>
      say(why === "throttle" ? failure(429, "Rate Limit Exceeded") : failure(500, "Internal Server Error")),
    perform() {
      const answer = faults.is("lockOut") ? failure(401, "You are not allowed to do that") : ask();
      return () => say(answer);
    },
  });

  function ask(): Answer {
    return method === "POST" && url.pathname === "/v2/enqueue"
      ? enqueue(state, body)
      : rest(state, faults, { method, path: url.pathname, query: url.searchParams, headers: request.headers, body });
  }
}

function failure(status: number, message: string): Answer {
  return { status, body: { error: { code: status, message } } };
}

export async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const text = await textOf(request, BODY_BYTES);
  return text === "" ? null : JSON.parse(text);
}
