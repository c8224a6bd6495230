import type { IncomingMessage, ServerResponse } from "node:http";
import type { Address, HttpAddresses, Served } from "./http/addresses.ts";
import { withDeadline } from "./lib/deadline.ts";
import { requestUrl } from "./lib/request-url.ts";

export interface HealthChecks {
  /** Can it do its work and be reached: does the store it knew take writes, and is Slack heard? */
  ready(): Promise<Health>;
  /** What places outside were not shown, as a sentence beside it; null: everything is delivered. */
  undelivered?(): Promise<string | null>;
}

export interface Health {
  readonly ok: boolean;
  readonly says: string;
}

interface Queryable {
  query(sql: string): Promise<{ rows: { readOnly?: boolean }[] }>;
}

/** A store that takes no writes (a standby, or told to be read-only) records nothing, so nothing can be done. */
export async function storeHealth(pool: Queryable): Promise<Health> {
  try {
    const { rows } = await withDeadline("The store", 2, () =>
      pool.query(`select current_setting('transaction_read_only')::bool as "readOnly"`),
    );
    if (rows[0]?.readOnly !== false) return { ok: false, says: "The store takes no writes: it is read-only." };
    return { ok: true, says: "The store is there." };
  } catch {
    return { ok: false, says: "The store does not answer." };
  }
}

/**
 * Can people reach it through Slack? An announce channel that never was there is a wrong setting, and so not ready; one that
 * has gone since is told, and no reason to take the bot out of service.
 */
export function slackHealth({ ready, announcing }: SlackState): Health {
  if (!ready()) return { ok: false, says: "Slack is not heard." };
  const { problem, ever } = announcing;
  return problem === null ? { ok: true, says: "Slack is heard." } : { ok: ever, says: `Slack is heard. ${problem}` };
}

interface SlackState {
  ready(): boolean;
  readonly announcing: { readonly problem: string | null; readonly ever: boolean };
}

/** What `GET /metrics` answers. */
export interface ServedMetrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** A bot that answers is alive: what it waits for outside, a restart doesn't bring, and people who ask would be told nothing meanwhile. */
const ALIVE: Health = { ok: true, says: "This bot is alive." };

/** `GET /live` and `GET /ready`, 200 or 503, a sentence in the body; `GET /metrics`. Loopback unless told otherwise. */
export async function serveHealth(
  http: HttpAddresses,
  address: Address,
  checks: HealthChecks,
  metrics?: ServedMetrics,
): Promise<Served> {
  const answers: Record<string, () => Promise<Health>> = {
    "/live": async () => ALIVE,
    "/ready": async () => {
      const { ok, says } = await checks.ready();
      if (!ok) return { ok, says };
      const more = await withDeadline("The outbox", 1, async () => checks.undelivered?.()).catch(() => null);
      return { ok, says: more ? `${says} ${more}` : says };
    },
  };
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = requestUrl(request);
    if (metrics !== undefined && pathname === "/metrics") {
      const text = await metrics.text().catch(() => null);
      response.writeHead(text === null ? 503 : 200, { "content-type": metrics.contentType });
      response.end(text ?? "");
      return;
    }
    const asked = Object.hasOwn(answers, pathname) ? answers[pathname] : undefined;
    const answer = await asked?.().catch(() => ({ ok: false, says: "This could not be looked at." }));
    response.writeHead(answer === undefined ? 404 : answer.ok ? 200 : 503, {
      "content-type": "text/plain; charset=utf-8",
    });
    response.end(`${answer?.says ?? "There is /live, /ready and /metrics."}\n`);
  };
  return await http.serve({ address, paths: [...Object.keys(answers), "/metrics"], listener });
}
