import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { requestUrl } from "../../src/lib/request-url.ts";
import { say } from "../kit/listening.ts";

/** Where synthetic transactions are kept: in the application's own database, by the way its customers' writes take. */
export interface SyntheticStore {
  /** A second write of the same key changes nothing. Rejects where the database takes no writes. */
  write(key: string): Promise<void>;
  has(key: string): Promise<boolean>;
  /** The key of the newest one; null: there is none. */
  last(): Promise<string | null>;
}

export interface SyntheticRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface SyntheticAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const CONTRACT = "lifeboat.transaction/1";
const KEY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Reference implementation of `lifeboat.transaction/1` (`docs/contracts.md`): `GET <path>`, `POST <path>` with an
 * `Idempotency-Key`, `GET <path>/<key>`. Null: the request is for something else.
 *
 * @param about what else the application says of itself in every answer: `{ region: "us-west-2" }`
 */
export async function answerSynthetic(
  store: SyntheticStore,
  base: string,
  { method, path, headers }: SyntheticRequest,
  about: Readonly<Record<string, unknown>> = {},
): Promise<SyntheticAnswer | null> {
  if (path !== base && !path.startsWith(`${base}/`)) return null;
  const answer = (status: number, body: object): SyntheticAnswer => ({
    status,
    body: { contract: CONTRACT, ...about, ...body },
  });
  if (headers["lifeboat-contract"] !== CONTRACT)
    return answer(406, { error: `Lifeboat-Contract: ${CONTRACT} is needed` });
  const key = path.slice(base.length + 1);
  if (method === "GET" && key === "") return answer(200, { last: await store.last() });
  if (method === "GET") return (await store.has(key)) ? answer(200, { key }) : answer(404, { key });
  const given = headers["idempotency-key"];
  if (method !== "POST" || key !== "") return answer(405, { error: "GET or POST" });
  if (typeof given !== "string" || !KEY.test(given)) return answer(400, { error: "Idempotency-Key has to be a UUID" });
  const known = await store.has(given);
  try {
    await store.write(given);
  } catch (error) {
    return answer(503, { error: `No write is taken: ${error instanceof Error ? error.message : error}` });
  }
  return answer(known ? 200 : 201, { key: given });
}

/** Where an application keeps them: a table beside its customers' own, in the same database. */
export const SYNTHETIC_TABLE = [
  "create table if not exists synthetic (key uuid primary key, at timestamptz not null default clock_timestamp())",
  "grant select, insert on synthetic to app",
] as const;

/** Over the sessions the application has anyway. */
export function syntheticIn(
  query: (sql: string, values: readonly unknown[]) => Promise<readonly unknown[]>,
): SyntheticStore {
  return {
    async write(key) {
      await query("insert into synthetic (key) values ($1) on conflict (key) do nothing", [key]);
    },
    has: async (key) => (await query("select 1 from synthetic where key::text = $1", [key])).length > 0,
    async last() {
      const [row] = (await query("select key::text from synthetic order by at desc limit 1", [])) as { key: string }[];
      return row?.key ?? null;
    },
  };
}

/**
 * Answers what is asked below `/synthetic`, as the server of an application would.
 *
 * @param store made for each request: it may lead to another database than a moment ago, or throw that it leads nowhere
 * @returns false when the request is for something else
 */
export function servesSynthetic(
  request: IncomingMessage,
  response: ServerResponse,
  store: () => SyntheticStore,
  about: Readonly<Record<string, unknown>>,
): boolean {
  const path = requestUrl(request).pathname;
  if (path !== BASE && !path.startsWith(`${BASE}/`)) return false;
  const answer = async () => {
    for await (const _ of request);
    return await answerSynthetic(
      store(),
      BASE,
      { method: request.method ?? "GET", path, headers: request.headers },
      about,
    );
  };
  answer().then(
    (said) => say(response, said?.status ?? 404, said?.body ?? {}),
    (error) => say(response, 503, { contract: CONTRACT, error: String(error) }),
  );
  return true;
}

const BASE = "/synthetic";
