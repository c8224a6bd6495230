import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../../src/lib/log.ts";
import { createEstate, type Estate } from "../../src/practice/estate/index.ts";
import { type Conductor, conduct } from "./conductor.ts";

/** A practice estate and the inputs that name its servers, for tests that need real ones. */
export interface Shop {
  readonly estate: Estate;
  readonly a: NodeInput;
  readonly b: NodeInput;
  readonly app: { user: string; passwordFrom: string; database: string };
  conductor(): Conductor;
  /** Fence, drain, promote and repoint, as the runbook does. */
  switchOver(conductor: Conductor, options?: { unplanned?: boolean }): Promise<void>;
}

export interface NodeInput {
  name: string;
  host: string;
  port: number;
  database: string;
  user: string;
  passwordFrom: string;
}

export async function openShop(): Promise<Shop> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-shop-"));
  const estate = await createEstate({ folder, log: createLog("silent") });
  const [a, b] = estate.nodes.map((node) => nodeInput(node.name, node.port)) as [NodeInput, NodeInput];
  const app = { user: "app", passwordFrom: "ORDERS_APP_PASSWORD", database: "orders" };
  return {
    estate,
    a,
    b,
    app,
    conductor: () => conduct(estate.environment()),
    async switchOver(conductor, { unplanned = false } = {}) {
      const allowDataLoss = unplanned;
      await conductor.perform("fence", "postgres.fence", { node: a, app, acceptUnreachable: unplanned });
      await conductor.perform("drain", "postgres.drain", { from: a, to: b, fenceStep: "fence", allowDataLoss });
      await conductor.perform("promote", "postgres.promote", { from: a, to: b, fenceStep: "fence", allowDataLoss });
      await estate.application.repoint({ name: b.name, host: b.host, port: b.port });
    },
  };
}

export function nodeInput(name: string, port: number): NodeInput {
  return { name, host: "127.0.0.1", port, database: "orders", user: "admin", passwordFrom: "ORDERS_DB_PASSWORD" };
}

/** Waits for something to be so; the tests never sleep for its own sake. */
export async function soon<T>(what: string, look: () => Promise<T | null | false>, seconds = 15): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`Waited ${seconds} s for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
