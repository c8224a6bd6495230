import { setTimeout as sleep } from "node:timers/promises";
import { forget } from "../../environment/servers.ts";
import { openServer, type StandInServer } from "../../kit/server.ts";

/** People who post and look at pictures, by way of Traefik, and keep their own list of what they were told is stored. */
export interface Traffic {
  /** `{ acknowledged: [{ id, at }] }` */
  readonly ledgerUrl: string;
  readonly acknowledged: readonly { readonly id: string; readonly at: string }[];
  /** Answers no one should get: everything but "stored" and a polite "read-only for a moment". */
  readonly errors: readonly string[];
  readonly readonlyAnswers: number;
  /** Keys of pictures that users were told are stored. */
  readonly uploaded: readonly string[];
  forget(): void;
  /** Takes these out of what was acknowledged: people know that they are lost. */
  writeOff(ids: readonly string[]): void;
  pause(on: boolean): void;
  close(): Promise<void>;
}

const PEOPLE = 4;
const PAUSE_MS = 60;
const UPLOADS_EVERY = 5;

export async function createTraffic(url: () => string): Promise<Traffic> {
  let acknowledged: { id: string; at: string }[] = [];
  let errors: string[] = [];
  let uploaded: string[] = [];
  let [readonlyAnswers, stopped, paused] = [0, false, false];
  let lastId = Date.now() * 1000;
  const server: StandInServer = await openServer({
    isWrite: () => false,
    answer: ({ path }) =>
      path === "/ledger"
        ? { status: 200, body: { contract: "lifeboat.ledger/1", acknowledged } }
        : { status: 404, body: { error: "/ledger" } },
  });
  const fail = (says: string) => {
    errors = [...errors.slice(-99), says];
  };
  // An answer to what was sent before the lists were begun again is of a world that is gone.
  const post = async (id: string) => {
    const into = acknowledged;
    const answer = await fetch(`${url()}/posts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (answer.status === 201) into.push({ id, at: new Date().toISOString() });
    else if (answer.status === 503 && text.includes("read-only")) readonlyAnswers++;
    else fail(`${answer.status} ${text.slice(0, 200)}`);
  };
  const upload = async (name: string) => {
    const into = uploaded;
    const how = { method: "PUT", body: name, signal: AbortSignal.timeout(5000) };
    const { status } = await fetch(`${url()}/media/${name}.jpg`, how);
    if (status === 201) into.push(`media/${name}.jpg`);
  };
  const people = Array.from({ length: PEOPLE }, async (_, who) => {
    for (let n = 0; !stopped; n++) {
      if (!paused) {
        await post(String(++lastId)).catch((error: Error) => {
          if (!stopped) fail(error.message);
        });
        if (who === 1 && n % UPLOADS_EVERY === 0) await upload(`up${++lastId}`).catch(() => {});
        if (who === 0)
          await fetch(`${url()}/media/${n % 60}.jpg`, { signal: AbortSignal.timeout(5000) })
            .then((answer) => answer.text())
            .catch(() => {});
      }
      await sleep(PAUSE_MS);
    }
  });
  return {
    ledgerUrl: `${server.url}/ledger`,
    get acknowledged() {
      return acknowledged;
    },
    get errors() {
      return errors;
    },
    get readonlyAnswers() {
      return readonlyAnswers;
    },
    get uploaded() {
      return uploaded;
    },
    writeOff: (ids) => forget(acknowledged, ids),
    forget() {
      acknowledged = [];
      errors = [];
      uploaded = [];
      readonlyAnswers = 0;
    },
    pause(on) {
      paused = on;
    },
    async close() {
      stopped = true;
      await Promise.race([Promise.all(people), sleep(2000, undefined, { ref: false })]);
      await server.close();
    },
  };
}
