import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { LifeboatError } from "../../../src/lib/errors.ts";
import { freePort } from "../../../src/lib/port.ts";
import { ended, ready, startOwn } from "../../environment/child.ts";
import type { Target } from "../../environment/database.ts";
import type { OrdersState } from "./orders/api.ts";
import type { Acknowledged } from "./orders/ledger.ts";

/** The orders application as the environment sees it: a process behind an address. */
export interface Application {
  readonly url: string;
  readonly running: boolean;
  start(target: Target): Promise<void>;
  stop(): Promise<void>;
  state(): Promise<OrdersState | null>;
  ledger(): Promise<readonly Acknowledged[]>;
  repoint(target: Target): Promise<void>;
  writeOff(ids: readonly string[]): Promise<void>;
  /** Forgets the gaps so far. */
  measure(): Promise<void>;
}

export async function createApplication(
  folder: string,
  password: string,
  perSecond: number,
  database = "orders",
): Promise<Application> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;

  async function ask(path: string, init: RequestInit = {}, seconds = 2): Promise<Response> {
    const answer = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(seconds * 1000) });
    if (!answer.ok) throw new LifeboatError({ code: "app-refused", where: `${url}${path}`, what: await answer.text() });
    return answer;
  }

  return {
    url,
    get running() {
      return child !== null && child.exitCode === null && child.signalCode === null;
    },
    async start(target) {
      child = startOwn("systems/practice/orders/main", [], {
        ORDERS_PORT: String(port),
        ORDERS_LEDGER: join(folder, "acknowledged.jsonl"),
        ORDERS_TARGET: JSON.stringify(target),
        ORDERS_APP_PASSWORD: password,
        ORDERS_PER_SECOND: String(perSecond),
        ORDERS_DATABASE: database,
      });
      await ready(child, "The orders application");
    },
    async stop() {
      await ended(child);
      child = null;
    },
    async state() {
      try {
        return (await (await ask("/state", {}, 1)).json()) as OrdersState;
      } catch {
        return null;
      }
    },
    async ledger() {
      const { acknowledged } = (await (await ask("/ledger", {}, 20)).json()) as { acknowledged: Acknowledged[] };
      return acknowledged;
    },
    async repoint(target) {
      await ask("/target", { method: "PUT", body: JSON.stringify(target) });
    },
    async writeOff(ids) {
      await ask("/ledger/write-off", { method: "POST", body: JSON.stringify(ids) });
    },
    async measure() {
      await ask("/measure", { method: "POST" });
    },
  };
}
