import { appendFile, cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { BotProcess } from "../../practice/session/bot-process.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import type { Plan } from "../../src/catalog/types.ts";
import { fold } from "../../src/incident/evolve.ts";
import type { IncidentState, RunState } from "../../src/incident/state.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import type { StoredEvent } from "../../src/timeline/contract.ts";
import { openStore, type Store } from "../../src/timeline/index.ts";
import { built } from "../support/built.ts";
import { until } from "../support/postgres.ts";

/** Practice as `npm start` opens it: a real bot process between a local Slack and real servers; and a look into its store. */
export interface PracticeHarness extends Practice {
  readonly folder: string;
  readonly store: Store;
  /** The newest run, from the log. */
  lastRun(): Promise<{ events: readonly StoredEvent[]; state: IncidentState; run: RunState }>;
  /**
   * Aborts every run that has not ended and waits until it has. A test that fails in its middle leaves its run open, and an
   * open run holds its targets: without this the tests after it fail for its reason. Starts the bot when it's down.
   */
  endOpenRuns(): Promise<void>;
  /** How many times a server was told to promote, by its own log. */
  promotions(node: string): Promise<number>;
  /** Everything the servers were told that changes them, by their own logs, oldest first for each. */
  userActions(): Promise<readonly string[]>;
  /** Gives the bot a catalogue of its own, a copy of the practice system, and starts it again. With what: for the next start. */
  catalog(
    change: (practice: string) => Promise<void>,
    environment?: Record<string, string>,
  ): Promise<Readonly<Record<string, string>>>;
  /** Another bot process on the same store and the same Slack. */
  anotherBot(environment?: Record<string, string>): Promise<BotProcess>;
}

const USER_ACTIONS =
  /(?:statement|execute [^:]*): (?:alter|select pg_promote|select pg_reload|select count\(pg_terminate).*/g;

/** @param environment of its bots, beyond what practice gives them */
export async function openPracticeHarness(
  environment: Readonly<Record<string, string>> = {},
): Promise<PracticeHarness> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-story-"));
  const root = projectRoot();
  const log = createLog("error", "test");
  const practice = await startPractice({
    folder,
    port: 0,
    log,
    bot: { program: process.execPath, arguments: [await built("src/main.ts")] },
    manifestFile: join(root, "manifest.yml"),
    // A story is about what people do: what the bot looks at by itself has tests of its own.
    environment: { LIFEBOAT_READINESS_MINUTES: "0", ...environment },
  });
  const store = await openStore({ dataFolder: practice.dataFolder, log, openSeconds: 30 });
  await logStatements(practice);

  /** An incident as its log tells it, with the plans of its runs. */
  async function incidentOf(id: string): Promise<{ events: readonly StoredEvent[]; state: IncidentState }> {
    const events = await store.timeline.read(id);
    const plans = new Map(
      await Promise.all(
        events
          .filter(({ type }) => type === "run.requested")
          .map(async ({ run }) => {
            const stored = await store.timeline.planOf(run as string);
            return [
              stored?.planHash ?? "",
              JSON.parse(Buffer.from(stored?.planBytes ?? []).toString()) as Plan,
            ] as const;
          }),
      ),
    );
    return { events, state: fold(id, events, plans) };
  }

  async function openRuns(): Promise<readonly RunState[]> {
    const streams = await store.timeline.streams("inc-");
    const incidents = await Promise.all(streams.map(({ id }) => incidentOf(id)));
    return incidents.flatMap(({ state }) => [...state.runs.values()].filter(({ ending }) => ending === null));
  }

  const harness: PracticeHarness = {
    ...practice,
    folder,
    store,
    async lastRun() {
      const [stream] = await store.timeline.streams("inc-", 1);
      if (stream === undefined) throw new Error("Nothing was declared.");
      const { events, state } = await incidentOf(stream.id);
      const run = state.runs.get(events.findLast(({ type }) => type === "run.requested")?.run ?? "");
      if (run === undefined) throw new Error("No runs.");
      return { events, state, run };
    },
    async endOpenRuns() {
      const open = await openRuns();
      if (open.length === 0) return;
      await practice.bot.start();
      for (const { id } of open) await practice.workspace.as("USAM").slash(`/dr abort ${id} the test is over`);
      await until(async () => (await openRuns()).length === 0, 30);
    },
    async promotions(node) {
      const host = practice.environment.nodes.find(({ name }) => name === node);
      if (host === undefined) throw new Error(`There is no server ${node}.`);
      const written = await readFile(join(host.folder, "server.log"), "utf8");
      return written.split("\n").filter((line) => /execute .*select pg_promote\(true/.test(line)).length;
    },
    async userActions() {
      const logs = practice.environment.nodes.map(({ folder }) => readFile(join(folder, "server.log"), "utf8"));
      return (await Promise.all(logs)).flatMap((log) => log.match(USER_ACTIONS) ?? []);
    },
    async catalog(change, environment = {}) {
      const systems = join(folder, "systems");
      const system = join(systems, "practice");
      await cp(join(root, "templates/systems/practice"), system, { recursive: true, force: false });
      await change(system);
      await practice.bot.stop();
      const started = { LIFEBOAT_SYSTEMS: systems, ...environment };
      await practice.bot.start(60, started);
      return started;
    },
    async anotherBot(environment = {}) {
      const other = new BotProcess({ ...(await practice.botCommand(environment)), logFile: join(folder, "other.log") });
      await other.start();
      return other;
    },
    async stop() {
      await store.close();
      await practice.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return harness;
}

/** Both servers write every statement into their logs, so that what they were asked can be counted from outside. */
export async function logStatements({ environment }: Pick<Practice, "environment">): Promise<void> {
  for (const node of environment.nodes) {
    await appendFile(join(node.folder, "postgresql.conf"), "log_statement = 'all'\n");
    const client = new pg.Client({ connectionString: node.url(), connectionTimeoutMillis: 5000 });
    await client.connect();
    await client.query("select pg_reload_conf()");
    await client.end();
  }
}
