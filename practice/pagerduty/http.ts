import type { IncomingMessage, ServerResponse } from "node:http";
import { requestUrl } from "../../src/lib/request-url.ts";
import { meet } from "../kit/faults.ts";
import type { Weather } from "./chaos.ts";
import { enqueue } from "./enqueue.ts";
import { type Answer, rest } from "./rest.ts";
import type { World } from "./world.ts";

const BODY_BYTES = 512 * 1024;
const LIMIT_SECONDS = 2;

/** One request of a client: answered as PagerDuty would, or as today's trouble has it; in the ledger either way. */
export async function answerApi(
  world: World,
  weather: Weather,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = requestUrl(request);
  const method = request.method ?? "GET";
  const body = await jsonOf(request);
  const before = world.happened.length;
  const note = (answered: "hung" | "cut" | number) => {
    const changed = world.happened.length - before;
    const what = `${method} ${url.pathname}`;
    world.ledger.push({ at: new Date().toISOString(), what, sent: body, answered, changed });
    world.touched();
  };
  const say = ({ status, body }: Answer) => {
    note(status);
    response.writeHead(status, {
      "content-type": "application/json",
      ...(status === 429 && { "ratelimit-reset": String(LIMIT_SECONDS), "retry-after": String(LIMIT_SECONDS) }),
    });
    response.end(JSON.stringify(body));
  };
  const fault = weather.fault();
  await meet(fault, response, {
    dropped: () => note(fault?.kind === "down" ? "cut" : "hung"),
    refuse: (why) =>
      say(why === "throttle" ? failure(429, "Rate Limit Exceeded") : failure(500, "Internal Server Error")),
    perform() {
      const answer = weather.is("lockOut") ? failure(401, "You are not allowed to do that") : ask();
      return () => say(answer);
    },
  });

  function ask(): Answer {
    return method === "POST" && url.pathname === "/v2/enqueue"
      ? enqueue(world, body)
      : rest(world, weather, { method, path: url.pathname, query: url.searchParams, headers: request.headers, body });
  }
}

function failure(status: number, message: string): Answer {
  return { status, body: { error: { code: status, message } } };
}

export async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > BODY_BYTES) throw new Error("The body is too long.");
  }
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? null : JSON.parse(text);
}
