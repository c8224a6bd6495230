import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseHost } from "../../practice/environment/database.ts";
import { createPracticeEnvironment, type PracticeEnvironment } from "../../practice/systems/practice/index.ts";
import { sha256 } from "../../src/lib/canonical.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { type ActionHarness, actionHarness } from "./action-harness.ts";

/** A practice environment and the inputs that name its servers, for tests that need real ones. */
export interface DatabaseFixture {
  readonly environment: PracticeEnvironment;
  /** The primary and its standby since the last `whole`. */
  readonly a: NodeInput;
  readonly b: NodeInput;
  readonly app: { user: string; passwordFrom: string; database: string };
  /** Heals the environment where the rows are, and waits until orders flow. */
  whole(): Promise<void>;
  ordersFlow(): Promise<void>;
  /** Connection URL of the server's owner, for what a person would do by hand. */
  superuser(node: NodeInput): string;
  host(node: NodeInput): DatabaseHost;
  harness(): ActionHarness;
  /** A script of the practice system, bound as a plan binds it. */
  script(file: string, environment: readonly string[]): Promise<BoundScript>;
  /** Fence, drain, promote and repoint, as the runbook does. */
  switchOver(harness: ActionHarness, options?: { unplanned?: boolean }): Promise<void>;
}

export interface BoundScript {
  name: string;
  path: string;
  sha256: string;
  environment: readonly string[];
}

export interface NodeInput {
  name: string;
  host: string;
  port: number;
  database: string;
  user: string;
  passwordFrom: string;
}

export async function openDatabaseFixture(): Promise<DatabaseFixture> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-shop-"));
  const practiceEnvironment = await createPracticeEnvironment({ folder, log: createLog("silent") });
  let [a, b] = practiceEnvironment.nodes.map((node) => nodeInput(node.name, node.port)) as [NodeInput, NodeInput];
  const app = { user: "app", passwordFrom: "ORDERS_APP_PASSWORD", database: "orders" };
  const hostOf = (node: NodeInput) => {
    const host = practiceEnvironment.nodes.find((one) => one.name === node.name);
    if (!host) throw new Error(`No host ${node.name}`);
    return host;
  };
  const ordersFlow = async () => {
    await soon("orders being written", async () => {
      const state = await practiceEnvironment.application.state();
      return state?.healthy === true && state.writesPerSecond >= 10;
    });
  };
  return {
    environment: practiceEnvironment,
    get a() {
      return a;
    },
    get b() {
      return b;
    },
    app,
    async whole() {
      await practiceEnvironment.heal({ handsBack: false });
      const target = (await practiceEnvironment.application.state())?.target.name;
      if (target === b.name) [a, b] = [b, a];
      await ordersFlow();
    },
    ordersFlow,
    host: hostOf,
    superuser: (node) => hostOf(node).url(),
    harness: () => actionHarness(practiceEnvironment.environment()),
    async script(file, environment) {
      const path = join(projectRoot(), "templates/systems/practice/scripts", file);
      return { name: file, path, sha256: sha256(await readFile(path)), environment };
    },
    async switchOver(harness, { unplanned = false } = {}) {
      const allowDataLoss = unplanned;
      await harness.perform("fence", "postgres.fence", { node: a, app, acceptUnreachable: unplanned });
      await harness.perform("drain", "postgres.drain", { from: a, to: b, fenceStep: "fence", allowDataLoss });
      await harness.perform("promote", "postgres.promote", { from: a, to: b, fenceStep: "fence", allowDataLoss });
      await practiceEnvironment.application.repoint({ name: b.name, host: b.host, port: b.port });
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
