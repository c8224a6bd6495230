import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fold } from "../incident/evolve.ts";
import { LifeboatError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { projectRoot } from "../lib/root.ts";
import { type Practice, startPractice } from "../practice/practice.ts";
import { playStory } from "../practice/story.ts";
import { reportOfRun } from "../report/run-report.ts";
import { openStore } from "../timeline/index.ts";

const options = {
  port: { type: "string" },
  headless: { type: "string" },
  unplanned: { type: "boolean", default: false },
  kill: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

export async function practice(rest: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...rest], options, strict: true });
  return values.headless === undefined
    ? openPage(values.port)
    : await headless({ ...values, headless: values.headless });
}

/** The page, until somebody stops it. */
async function openPage(port: string | undefined): Promise<number> {
  const folder = join(projectRoot(), ".lifeboat", "practice");
  const began = performance.now();
  process.stdout.write("Opening the practice workspace: a local Slack, a real PostgreSQL pair, and the bot.\n");
  const opened = await open(folder, port === undefined ? 4180 : Number(port), {});
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(
    `
Ready in ${seconds} s. Open ${opened.url}

  As Alex, in #incident-response, type:   /dr failover database
  Then become Sam (incident commander) and approve in the thread.
  Or press "Kill the primary" first, and type: /dr failover database --unplanned

Nothing here leaves this machine. Press Ctrl-C to end.
`,
  );
  await interrupted();
  process.stdout.write("\nClosing.\n");
  await opened.stop();
  return 0;
}

interface Headless {
  readonly headless: string;
  readonly unplanned: boolean;
  readonly kill?: string | undefined;
  readonly json: boolean;
}

/** The story as a conversation on standard output, and with --json its figures as the last line. */
async function headless({ headless: component, unplanned, kill, json }: Headless): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-"));
  let opened: Practice | null = null;
  try {
    opened = await open(folder, 0, kill === undefined ? {} : killPoint(kill, folder));
    const { bot } = opened;
    let over = false;
    // The bot kills itself at the point it was told; somebody has to start it again, as a supervisor would.
    const supervised = (async () => {
      while (kill !== undefined && !over) {
        await bot.gone();
        if (!over) await bot.start();
      }
    })();
    supervised.catch(() => {});
    const played = await playStory(opened, { words: `failover ${component}`, unplanned, seconds: 60 }).then(
      (postmortem) => ({ postmortem, problem: null }),
      (problem: unknown) => ({ postmortem: null, problem }),
    );
    over = true;
    process.stdout.write(opened.workspace.conversation());
    if (played.problem !== null) process.stderr.write(`The story did not end: ${String(played.problem)}\n`);
    const report = { ...(await figures(opened)), postmortem: played.postmortem };
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
    return report.outcome === "verified" && played.problem === null ? 0 : 1;
  } finally {
    await opened?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the timeline and the application's own ledger say, now that it is over. */
async function figures({ dataFolder, estate }: Practice) {
  const store = await openStore({ dataFolder, log: createLog("error"), openSeconds: 15 });
  try {
    const { timeline } = store;
    const [stream] = await timeline.streams("inc-", 1);
    const events = stream === undefined ? [] : await timeline.read(stream.id);
    const runId = events.find(({ type }) => type === "run.requested")?.run;
    const plan = runId ? await timeline.planOf(runId) : null;
    if (stream === undefined || !runId || plan === null)
      throw new LifeboatError({ code: "no-run", where: "The timeline", what: "no run was ever asked for" });
    const plans = new Map([[plan.planHash, JSON.parse(Buffer.from(plan.planBytes).toString("utf8"))]]);
    const state = fold(stream.id, events, plans);
    const run = state.runs.get(runId);
    if (run === undefined)
      throw new LifeboatError({ code: "no-run", where: stream.id, what: `it does not know ${runId}` });
    const chain = await timeline.verify();
    const { application } = await estate.state();
    return {
      ...reportOfRun(state, run),
      writeGapSeconds: application?.longestGapSeconds ?? null,
      timeline: { events: events.length, verified: chain.ok },
    };
  } finally {
    await store.close();
  }
}

function open(folder: string, port: number, environment: Readonly<Record<string, string>>): Promise<Practice> {
  const root = projectRoot();
  const built = import.meta.filename.endsWith(".js");
  return startPractice({
    folder,
    port,
    log: createLog(process.env.LOG_LEVEL ?? "warn", "practice"),
    bot: {
      program: process.execPath,
      arguments: built ? [join(root, "dist/src/main.js")] : ["--import", "tsx", join(root, "src/main.ts")],
    },
    manifestFile: join(root, "manifest.yml"),
    environment,
  });
}

/** `promote` is killed while it runs: after the request went out, before anybody knows. */
function killPoint(at: string, folder: string): Record<string, string> {
  return {
    LIFEBOAT_KILL_AT: at.includes(":") ? at : `${at}:after-apply`,
    LIFEBOAT_KILL_ONCE: join(folder, "killed"),
  };
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
