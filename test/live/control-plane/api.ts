import { Agent, request } from "node:https";

/** An API server, as its own parts speak to it. */
export interface Api {
  readonly url: string;
  get<T>(path: string): Promise<T>;
  /** Null where it is not there. */
  find<T>(path: string): Promise<T | null>;
  list<T>(path: string): Promise<readonly T[]>;
  create<T>(path: string, body: object): Promise<T>;
  /** A merge patch. */
  patch<T>(path: string, body: object): Promise<T>;
  remove(path: string, body?: object): Promise<void>;
  close(): void;
}

/** What it answered that is no success. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const CALL_MS = 30_000;

/** @param ca certificate that the server shows, PEM */
export function apiAt(url: string, ca: string, token: string): Api {
  const agent = new Agent({ keepAlive: true, ca });
  const call = <T>(method: string, path: string, body?: object, type = "application/json") =>
    new Promise<T>((resolve, reject) => {
      const text = body === undefined ? "" : JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${token}`,
        accept: "application/json",
        "content-type": type,
        // Node would send the body of a DELETE without its length, and it would be read as the next request.
        "content-length": Buffer.byteLength(text),
      };
      const sent = request(new URL(path, url), { method, agent, headers, signal: AbortSignal.timeout(CALL_MS) });
      sent.on("error", reject).on("response", async (answer) => {
        let said = "";
        for await (const part of answer.setEncoding("utf8")) said += part;
        const status = answer.statusCode ?? 0;
        if (status >= 300) reject(new ApiError(status, `${method} ${path}: ${status} ${said.slice(0, 500)}`));
        else resolve((answer.headers["content-type"]?.includes("json") ? JSON.parse(said) : said) as T);
      });
      sent.end(text);
    });
  const api: Api = {
    url,
    get: (path) => call("GET", path),
    find: <T>(path: string) => orNull(call<T>("GET", path)),
    list: async <T>(path: string) => (await call<{ items: readonly T[] }>("GET", path)).items,
    create: (path, body) => call("POST", path, body),
    patch: (path, body) => call("PATCH", path, body, "application/merge-patch+json"),
    remove: async (path, body) => void (await orNull(call("DELETE", path, body))),
    close: () => agent.destroy(),
  };
  return api;
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
