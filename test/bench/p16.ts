import { createHmac } from "node:crypto";
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { startAlerts } from "../../src/alerts/index.ts";
import type { System } from "../../src/catalog/types.ts";
import { createHttpAddresses } from "../../src/http/addresses.ts";
import { serveWebhooks } from "../../src/http/webhooks.ts";
import { createTally } from "../../src/timeline/tally.ts";
import { SYSTEM } from "../support/incident-scenario.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { quiet, until } from "../support/postgres.ts";
import type { Around } from "./around.ts";
import type { Figure } from "./figure.ts";
import { median, quantile } from "./statistics.ts";

const ALERTS = 1_000;
/** They come in bursts, as Alertmanager's groups do: so many at once, so often. */
const BURST = 50;
const EVERY_MS = 1_000;
const SECRET = "a-secret-of-thirty-two-characters";

const alert = (id: string): NonNullable<System["alerts"]>[number] => ({
  ...{ id, title: `${id} of the shop`, when: "up == 0", severity: "P1", component: "database" },
  ...{ runbook: null, mode: "unplanned", link: null },
});

export const p16: Figure = {
  name: "p16",
  title: `${ALERTS.toLocaleString("en")} alerts in ${(ALERTS / BURST) * (EVERY_MS / 1000)} s, ${BURST} at once, each authenticated and durable before its answer`,
  async measure(around) {
    const store = await around.store();
    const incidents = incidentsOn(store);
    const port = await listening(around, store, incidents);
    const agent = new Agent({ keepAlive: true, maxSockets: BURST });
    around.later(async () => agent.destroy());
    const took: number[] = [];
    for (let n = 0; n < ALERTS; n += BURST) {
      const next = pause(EVERY_MS);
      const burst = Array.from({ length: BURST }, (_, i) => post(agent, port, n + i));
      took.push(...(await Promise.all(burst)));
      await next;
    }
    const waiting = "select from lifeboat.inbox where done_at is null";
    await until(async () => (await store.pool.query(waiting)).rowCount === 0, 60);
    const open = await incidents.open();
    const instances = open.flatMap(({ state }) => [...(state.alerts?.values() ?? [])].map((one) => one.instances.size));
    return [
      { what: "posted → acknowledged, median", value: median(took), unit: "ms" },
      { what: "… p99", value: quantile(took, 0.99), unit: "ms" },
      { what: "… the slowest", value: Math.max(...took), unit: "ms", goal: { atMost: 1_000 } },
      { what: "incidents they became", value: open.length, unit: "", goal: { atMost: 1 } },
      {
        what: "alerts heard in them",
        value: instances.reduce((sum, count) => sum + count, 0),
        ...{ unit: "", goal: { atLeast: ALERTS } },
      },
    ];
  },
};

async function listening(
  around: Around,
  { timeline, inbox, pool }: Awaited<ReturnType<Around["store"]>>,
  incidents: ReturnType<typeof incidentsOn>,
): Promise<number> {
  const system: System = { ...SYSTEM, alerts: [alert("DatabaseDown"), alert("LagHigh")] };
  const alerts = startAlerts({
    config: { alertmanager: [], grafana: [], cloudwatch: [], generic: [SECRET] },
    ...{ timeline, incidents, inbox, tally: createTally(pool), log: quiet },
    ...{ systems: () => [system], books: () => [], look: async () => ({ ok: false, says: [] }) },
  });
  around.later(() => alerts.stop());
  const http = createHttpAddresses(quiet, []);
  const served = await serveWebhooks({ host: "127.0.0.1", port: 0, routes: alerts.routes, http, log: quiet });
  around.later(() => served.close());
  return served.port;
}

/** Milliseconds until it is acknowledged. */
function post(agent: Agent, port: number, n: number): Promise<number> {
  const labels = { system: SYSTEM.id, instance: `db-${n}` };
  const name = n % 2 === 0 ? "DatabaseDown" : "LagHigh";
  const body = JSON.stringify({ alerts: [{ name, status: "firing", labels, summary: "does not answer" }] });
  const now = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", SECRET).update(`${now}.${body}`).digest("hex");
  const headers = { "x-lifeboat-timestamp": now, "x-lifeboat-signature": `v1=${signature}` };
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(
      { ...{ agent, port, host: "127.0.0.1", method: "POST", path: "/alerts/generic" }, headers },
      (answer) => {
        answer.resume();
        answer.once("end", () => {
          if (answer.statusCode === 202) resolve(performance.now() - began);
          else reject(new Error(`Alert ${n} was answered ${answer.statusCode}`));
        });
      },
    );
    asked.once("error", reject);
    asked.end(body);
  });
}
