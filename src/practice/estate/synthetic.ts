import type { IncomingHttpHeaders } from "node:http";

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
