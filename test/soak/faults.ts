import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { asSuperuser, until } from "../support/postgres.ts";
import type { Random } from "../support/random.ts";
import type { SoakEnvironment } from "./environment.ts";

/** Something that goes wrong. Resolves when it is over and mended. */
export interface SoakFault {
  readonly id: string;
  /** How often it is drawn beside the others. */
  readonly weight: number;
  inject(world: SoakEnvironment, random: Random): Promise<void>;
}

const run = promisify(execFile);
const seconds = (random: Random, least: number, most: number) => pause(random.between(least, most) * 1000);

/** No statement of ours waits for a server that has just gone. */
const told = (world: SoakEnvironment, sql: string) => asSuperuser(world.postgres.url, sql).catch(() => {});

export const FAULTS: readonly SoakFault[] = [
  { id: "kill a bot", weight: 5, inject: (world, random) => random.one(world.bots).kill() },
  {
    id: "kill both bots",
    weight: 1,
    inject: async ({ bots }) => void (await Promise.all(bots.map((bot) => bot.kill()))),
  },
  { id: "restart a bot", weight: 2, inject: (world, random) => random.one(world.bots).restart() },
  {
    id: "freeze a bot",
    weight: 3,
    async inject({ bots }, random) {
      const bot = random.one(bots);
      bot.freeze();
      // Now shorter, now longer than what a lease lasts.
      await seconds(random, 1, 14);
      bot.thaw();
    },
  },
  { id: "cut the store's connections", weight: 3, inject: async ({ net }) => net.cut() },
  {
    id: "silence the store's connections",
    weight: 2,
    async inject({ net }, random) {
      net.hold();
      await seconds(random, 0.5, 9);
      net.resume();
    },
  },
  {
    id: "lose the answer to a commit",
    weight: 2,
    async inject({ net }) {
      await Promise.race([net.loseAnswerTo("commit"), pause(3000)]);
    },
  },
  {
    id: "terminate the store's sessions",
    weight: 3,
    inject: async (world) =>
      void (await told(
        world,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      )),
  },
  {
    id: "restart the store",
    weight: 2,
    async inject({ postgres }, random) {
      await postgres.stop();
      await seconds(random, 0, 4);
      await postgres.start();
    },
  },
  {
    id: "pull the plug of the store",
    weight: 2,
    async inject({ postgres }, random) {
      await postgres.kill();
      await seconds(random, 0, 2);
      await postgres.start();
    },
  },
  {
    id: "make the store read-only",
    weight: 1,
    async inject(world, random) {
      await told(world, "alter system set default_transaction_read_only = on");
      await told(world, "select pg_reload_conf()");
      await seconds(random, 1, 6);
      await writable(world);
    },
  },
  {
    id: "fill the store's disk",
    weight: 1,
    async inject(world, random) {
      // PostgreSQL calls this an internal error (XX000) where a full disk has a code of its own (53100), which a bot waits out.
      for (const bot of world.bots) bot.excuse(true);
      await limitFiles(world, 8192);
      await seconds(random, 0.5, 4);
      await limitFiles(world, null);
      for (const bot of world.bots) bot.excuse(false);
      // A server that can't write its log ends; a person frees the disk and starts it again.
      await world.postgres.start();
    },
  },
  { id: "drop Slack's sockets", weight: 2, inject: async ({ practice }) => practice.workspace.faults("drop") },
  { id: "refresh Slack's sockets", weight: 2, inject: async ({ practice }) => practice.workspace.faults("refresh") },
  {
    id: "freeze Slack's sockets",
    weight: 1,
    async inject({ practice }, random) {
      const length = random.between(1, 15);
      practice.workspace.faults("freeze", { seconds: length });
      await pause(length * 1000);
    },
  },
  {
    id: "make Slack unavailable",
    weight: 2,
    async inject({ practice }, random) {
      const length = random.between(1, 15);
      practice.workspace.faults("drop");
      practice.workspace.faults("unavailable", { seconds: length });
      await pause(length * 1000);
    },
  },
  {
    id: "have Slack limit the rate",
    weight: 1,
    inject: async ({ practice }) => practice.workspace.faults("rateLimit", { seconds: 5 }),
  },
  {
    id: "lose Slack's answers",
    weight: 2,
    inject: async ({ practice }) => practice.workspace.faults("loseReplies", { times: 2, method: "chat.postMessage" }),
  },
  {
    id: "deliver twice",
    weight: 2,
    inject: async ({ practice }) => practice.workspace.faults("duplicate", { times: 3 }),
  },
  {
    id: "deliver late",
    weight: 2,
    async inject({ practice }, random) {
      practice.workspace.faults("delayEnvelopes", { seconds: random.between(0.5, 2.5) });
      await seconds(random, 2, 6);
      practice.workspace.faults("delayEnvelopes", { seconds: 0 });
    },
  },
  {
    id: "answer late",
    weight: 2,
    async inject({ practice }, random) {
      practice.workspace.faults("delayCalls", { seconds: random.between(0.5, 4) });
      await seconds(random, 2, 8);
      practice.workspace.faults("delayCalls", { seconds: 0 });
    },
  },
  {
    id: "step the clock",
    weight: 2,
    // While a run is driven time can't be moved: then it is left.
    inject: async ({ clock }, random) =>
      void (await clock.moveForward(Math.ceil(random.between(20, 900))).catch(() => {})),
  },
];

/** One of them, by their weights. `only`: ids; empty: all. @throws Error where none has such an id */
export function anyOf(random: Random, only: readonly string[]): SoakFault {
  const faults = FAULTS.filter(({ id }) => only.length === 0 || only.includes(id));
  let left = random.int(faults.reduce((sum, { weight }) => sum + weight, 0));
  for (const fault of faults) {
    left -= fault.weight;
    if (left < 0) return fault;
  }
  throw new Error(`There is no such fault. There are: ${FAULTS.map(({ id }) => id).join(", ")}`);
}

/** Everything that may still be wrong is mended. */
export async function calm(world: SoakEnvironment): Promise<void> {
  world.practice.workspace.faults("calm");
  world.net.resume();
  for (const bot of world.bots) bot.thaw();
  await limitFiles(world, null);
  await world.postgres.start();
  await writable(world);
  await Promise.all(world.bots.map((bot) => bot.ready()));
}

/** Asked until it is so: a server that was just started may not answer yet. */
async function writable(world: SoakEnvironment): Promise<void> {
  const isReset = async () => {
    await world.postgres.start();
    await asSuperuser(world.postgres.url, "alter system reset default_transaction_read_only");
    await asSuperuser(world.postgres.url, "select pg_reload_conf()");
    const rows = await asSuperuser<{ value: string }>(
      world.postgres.url,
      "select current_setting('default_transaction_read_only') as value",
    );
    return rows[0]?.value === "off";
  };
  await until(() => isReset().catch(() => false), 30);
}

/**
 * What a full disk does to a server: no file may reach beyond `bytes`, its log of writes among them. Null: no limit. Linux only; elsewhere
 * nothing happens.
 */
async function limitFiles({ postgres }: SoakEnvironment, bytes: number | null): Promise<void> {
  if (process.platform !== "linux" || !postgres.running) return;
  const children = await readFile(`/proc/${postgres.pid}/task/${postgres.pid}/children`, "utf8").catch(() => "");
  const family = [String(postgres.pid), ...children.split(" ").filter(Boolean)];
  const limit = `--fsize=${bytes ?? "unlimited"}:`;
  for (const pid of family) await run("prlimit", ["--pid", pid, limit]).catch(() => {});
}
