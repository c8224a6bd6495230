import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { BotProcess } from "../../practice/session/bot-process.ts";
import { type Practice, startPractice } from "../../practice/session/practice.ts";
import { buttonOf } from "../../practice/session/thread.ts";
import type { Message } from "../../practice/slack/index.ts";
import { createLog } from "../../src/lib/log.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { built } from "../support/built.ts";
import { asSuperuser, tempFolder, until } from "../support/postgres.ts";
import { auditSoak } from "./audit.ts";
import type { Note } from "./diary.ts";
import { type StoreServer, startStoreServer } from "./environment.ts";
import { heardBy, recorded } from "./record.ts";
import { logStatements, type StatementLog } from "./statement-log.ts";

/**
 * `npm run upgrade -- --from <commit>`: two bots of an older commit on a real store, a run that waits for its approval and one in its
 * middle; bots of this version join and migrate, the older ones leave, one politely and one by `kill -9` in the middle of another run.
 * Every run has to end verified with nothing done twice. The repository's history has to be there, so CI does not run it.
 */
const run = promisify(execFile);
const SECONDS = 120;

interface Upgrade {
  readonly practice: Practice;
  readonly postgres: StoreServer;
  readonly told: StatementLog;
  readonly marks: Note[];
}

async function upgrade(from: string): Promise<readonly string[]> {
  const folder = await tempFolder();
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    say(`Building ${from}`);
    const old = await buildOf(from);
    ends.push(() => rm(old, { recursive: true, force: true }));
    const current = await built("src/main.ts");
    const postgres = await startStoreServer(join(folder, "store"));
    ends.push(() => postgres.stop());
    const practice = await startPractice({
      folder: join(folder, "practice"),
      port: 0,
      log: createLog("error", "upgrade"),
      bot: { program: process.execPath, arguments: [join(old, "dist", "src", "main.js")] },
      manifestFile: join(projectRoot(), "manifest.yml"),
      environment: {
        DATABASE_URL: postgres.url,
        LIFEBOAT_READINESS_MINUTES: "0",
        LIFEBOAT_SYSTEMS: await systemOf(old, folder),
      },
    });
    ends.push(() => practice.stop());
    const told = await logStatements(practice.environment);
    ends.push(() => told.stop());
    const on: Upgrade = { practice, postgres, told, marks: [] };
    const another = async (name: string, program: string): Promise<BotProcess> => {
      const command = await practice.botCommand();
      const bot = new BotProcess({ ...command, arguments: [program], logFile: join(folder, `${name}.log`) });
      ends.push(() => bot.stop());
      await bot.start(60);
      return bot;
    };
    const second = await another("old", join(old, "dist", "src", "main.js"));
    const before = await migrationsOf(on);

    say("Two old bots; a run waits for its approval, and another is in its middle");
    const waiting = await requested(on, "/dr runbook practice-manual");
    await confirmed(on, waiting);
    await untilGate(on, waiting);
    const failover = await requested(on, "/dr failover database --planned");
    await approved(on, failover);
    await untilStep(on, failover, "fence");

    say("A bot of this version joins and migrates");
    const third = await another("new", current);
    const migrated = (await migrationsOf(on)).filter((name) => !before.includes(name));
    say(`Migrated: ${migrated.join(", ") || "nothing: choose an older commit"}`);
    await untilVerified(on, failover);
    await noted(on, 12);
    await approved(on, waiting);
    await untilVerified(on, waiting);

    say("An old bot is stopped, and the other one killed in the middle of a run");
    await practice.bot.stop();
    const restore = await requested(on, "/dr restore database");
    await approved(on, restore);
    await untilStep(on, restore, "fence");
    await second.kill();
    await untilVerified(on, restore);

    say("Bots of this version alone");
    await another("newer", current);
    await noted(on, 6);
    const back = await requested(on, '/dr failover database --planned --again "After the upgrade"');
    await approved(on, back);
    await untilVerified(on, back);
    await noted(on, 6);
    return await problemsOf(on, third.running);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** The older catalogue, which both versions read; its scripts talk to the practice environment, which is of this version. */
async function systemOf(old: string, folder: string): Promise<string> {
  const system = join(folder, "systems", "practice");
  await cp(join(old, "templates", "systems", "practice"), system, { recursive: true });
  await cp(join(projectRoot(), "templates", "systems", "practice", "scripts"), join(system, "scripts"), {
    recursive: true,
  });
  return system;
}

/** The sources of a commit, compiled; its packages are ours. */
async function buildOf(commit: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-of-before-"));
  const archive = join(folder, "sources.tar");
  await run("git", ["archive", "--format=tar", `--output=${archive}`, commit], { cwd: projectRoot() });
  await run("tar", ["xf", archive, "-C", folder]);
  await rm(archive);
  await symlink(join(projectRoot(), "node_modules"), join(folder, "node_modules"));
  const compiler = join(projectRoot(), "node_modules", "typescript", "bin", "tsc");
  const options = ["--noEmit", "false", "--noCheck", "--rootDir", ".", "--outDir", "dist"];
  await run(process.execPath, [compiler, "-p", "tsconfig.json", ...options], { cwd: folder });
  return folder;
}

async function migrationsOf({ postgres }: Upgrade): Promise<readonly string[]> {
  const rows = await asSuperuser<{ name: string }>(postgres.url, "select name from lifeboat.migration order by name");
  return rows.map(({ name }) => name);
}

async function requested(on: Upgrade, words: string): Promise<string> {
  const known = new Set((await runsOf(on)).map(({ id }) => id));
  await said(on, "UALEX", words);
  let found: string | undefined;
  await until(async () => {
    found = (await runsOf(on)).find(({ id }) => !known.has(id))?.id;
    return found !== undefined;
  }, SECONDS);
  return found as string;
}

/** Typed until Slack says that it was heard. */
async function said({ practice }: Upgrade, user: string, words: string, channel?: string): Promise<void> {
  await until(async () => (await practice.workspace.as(user).slash(words, channel)).ok, SECONDS);
}

function runsOf({ postgres }: Upgrade) {
  return asSuperuser<{ id: string; done: boolean }>(postgres.url, "select id, done from lifeboat.run");
}

/** By its buttons alone: the words are those of the version that drew it. */
function untilGate({ practice }: Upgrade, run: string): Promise<Message> {
  const isOf = (one: Message) => buttonOf(one, "gate.approve")?.value?.startsWith(`${run}/`) === true;
  return practice.workspace
    .as("USAM")
    .waitForMessage((one) => !one.channel.startsWith("D") && !one.only && isOf(one), SECONDS * 1000);
}

/** Twice at the same time: it counts once. */
async function approved(on: Upgrade, run: string): Promise<void> {
  const question = await untilGate(on, run);
  const sam = on.practice.workspace.as("USAM");
  const click = () => sam.click(question, "gate.approve", { confirm: true }).catch(() => ({ ok: false }));
  await until(async () => (await Promise.all([click(), click()])).some(({ ok }) => ok), SECONDS);
}

async function confirmed(on: Upgrade, run: string): Promise<void> {
  const alex = on.practice.workspace.as("UALEX");
  const isOf = (one: Message) => buttonOf(one, "step.confirm")?.value?.startsWith(`${run}/`) === true;
  const task = await alex.waitForMessage((one) => !one.channel.startsWith("D") && isOf(one), SECONDS * 1000);
  await alex.click(task, "step.confirm");
  const form = await alex.waitForView(({ callback_id: id }) => id === "step.confirm", SECONDS * 1000);
  await alex.submit(form, { note: "Seen." });
}

async function untilStep(on: Upgrade, run: string, step: string): Promise<void> {
  const sql = "select from lifeboat.event where run = $1 and type = 'step.verified' and data->>'step' = $2";
  await until(async () => (await asSuperuser(on.postgres.url, sql, [run, step])).length > 0, SECONDS);
}

async function untilVerified(on: Upgrade, run: string): Promise<void> {
  const isDone = async () => (await runsOf(on)).some(({ id, done }) => id === run && done);
  await until(isDone, SECONDS).catch(async () => {
    const last = "select type, data from lifeboat.event where run = $1 order by version desc limit 6";
    throw new Error(
      `${run} does not end; newest first: ${JSON.stringify(await asSuperuser(on.postgres.url, last, [run]))}`,
    );
  });
  const sql = "select type from lifeboat.event where run = $1 and type like 'run.%' order by version desc limit 1";
  const [last] = await asSuperuser<{ type: string }>(on.postgres.url, sql, [run]);
  if (last?.type !== "run.verified") throw new Error(`${run} ended with ${last?.type}`);
}

/** Whichever bot hears them. */
async function noted(on: Upgrade, count: number): Promise<void> {
  const { channels } = on.practice.workspace.snapshot();
  const open = channels.find(({ name, archived }) => !archived && /^(inc|maint)-/.test(name));
  for (let n = 0; n < count && open !== undefined; n++) {
    const mark = `mark-${on.marks.length}-end`;
    const at = Date.now();
    await said(on, "UCASS", `/dr note ${mark}`, open.id);
    on.marks.push({ mark, user: "UCASS", at, acknowledgedAt: Date.now() });
  }
}

async function problemsOf(on: Upgrade, isThirdAlive: boolean): Promise<readonly string[]> {
  const open = "select count(*)::int as open from lifeboat.inbox where done_at is null";
  await until(async () => (await asSuperuser<{ open: number }>(on.postgres.url, open))[0]?.open === 0, SECONDS);
  await pause(500);
  const { messages, ephemerals } = on.practice.workspace.snapshot();
  const toldTo = (user: string) =>
    [...messages, ...ephemerals]
      .filter(({ only }) => only === user)
      .map(({ ts, text }) => ({ at: Number(ts) * 1000, says: text }));
  const complaints = auditSoak({
    on: await recorded({ practice: on.practice, postgres: on.postgres }),
    statements: on.told.statements,
    ahead: [],
    notes: on.marks,
    heard: await heardBy(on),
    toldTo,
  });
  const promotions = on.told.statements.filter(({ what }) => what === "promote").length;
  const { lost } = await on.practice.environment.ledger();
  return [
    // What is drawn last may still be on its way to Slack: that is the soak's to check.
    ...complaints.filter(({ invariant }) => invariant !== "I6").map(({ invariant, says }) => `${invariant}: ${says}`),
    ...(promotions === 2 ? [] : [`${promotions} promotions, of 2`]),
    ...(lost === 0 ? [] : [`${lost} orders are lost`]),
    ...(isThirdAlive ? [] : ["the first bot of this version has ended"]),
  ];
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const { values } = parseArgs({ options: { from: { type: "string" } } });
if (values.from === undefined) throw new Error("--from <commit>: which version is upgraded");
const problems = await upgrade(values.from);
console.log(problems.length === 0 ? "Every run ended verified; nothing was done twice." : problems.join("\n"));
process.exitCode = problems.length === 0 ? 0 : 1;
