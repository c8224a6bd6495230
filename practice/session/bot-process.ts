import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as after } from "node:timers/promises";
import { LifeboatError, messageOf } from "../../src/lib/errors.ts";
import { PATIENCE_SECONDS } from "../environment/patience.ts";
import { noteProcess } from "./pidfile.ts";

export interface BotCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  /** The whole environment of the bot. `LIFEBOAT_INTERNAL_LISTEN` must be in it. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the bot logs goes here. */
  readonly logFile: string;
  /** Who it is is noted here while it runs, for the one who finds it when we were killed. */
  readonly pidFile?: string;
}

/** Name of the note, in the folder of what is practised. */
export const BOT_PID = "bot.pid";

/** The bot as practice sees it: a process that can be started, asked to leave, killed and started again. */
export class BotProcess {
  private readonly command: BotCommand;
  private readonly log: WriteStream;
  private child: ChildProcess | null = null;

  constructor(command: BotCommand) {
    this.command = command;
    this.log = createWriteStream(command.logFile, { flags: "a" });
  }

  /** What it is started with, but for what a start adds. */
  get environment(): Readonly<Record<string, string>> {
    return this.command.environment;
  }

  get running(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Of the process that was started last; null: none was. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** How the process that was started last ended, `1` or `SIGKILL`; null: it hasn't. */
  get ended(): number | NodeJS.Signals | null {
    return this.child?.exitCode ?? this.child?.signalCode ?? null;
  }

  /** Resolves once the bot hears Slack and holds its store; rejects when it ends before, or takes longer. */
  async start(seconds = PATIENCE_SECONDS, extra: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.running) return;
    const child = spawn(this.command.program, [...this.command.arguments], {
      env: { ...this.command.environment, ...extra },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(this.log, { end: false });
    child.stderr.pipe(this.log, { end: false });
    this.child = child;
    await once(child, "spawn");
    if (this.command.pidFile) await noteProcess(this.command.pidFile, child.pid ?? 0);
    await this.ready(child, seconds);
  }

  /** A polite end: the bot lets go of its runs first. */
  async stop(seconds = 15): Promise<void> {
    const child = this.child;
    if (!child || !this.running) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    const late = after(seconds * 1000, "late", { ref: false });
    if ((await Promise.race([gone, late])) === "late") {
      child.kill("SIGKILL");
      await gone;
    }
    if (this.command.pidFile) await rm(this.command.pidFile, { force: true });
  }

  /** The plug pulled: `kill -9`. */
  async kill(): Promise<void> {
    const child = this.child;
    if (!child || !this.running) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Resolves when the process is gone, however it went. */
  async gone(): Promise<void> {
    if (this.child && this.running) await once(this.child, "exit");
  }

  close(): void {
    this.log.end();
  }

  private async ready(child: ChildProcess, seconds: number): Promise<void> {
    const until = performance.now() + seconds * 1000;
    const url = `http://127.0.0.1:${this.command.environment.LIFEBOAT_INTERNAL_LISTEN}/ready`;
    let last = "it has not answered yet";
    while (performance.now() < until) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw this.notReady(`it ended at once (${child.exitCode ?? child.signalCode})`);
      try {
        const answer = await fetch(url, { signal: AbortSignal.timeout(1000) });
        if (answer.ok) return;
        last = await answer.text();
      } catch (error) {
        last = messageOf(error);
      }
      await after(50);
    }
    throw this.notReady(`it was not ready within ${seconds} s: ${last}`);
  }

  private notReady(what: string): LifeboatError {
    return new LifeboatError({
      code: "bot-not-ready",
      where: "The bot's own process",
      what,
      next: `Read ${this.command.logFile}`,
    });
  }
}
