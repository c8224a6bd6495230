import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import { join } from "node:path";
import { containment, launcher } from "./launch.ts";
import { END_GRACE_SECONDS, endMarked, identify, LetGo, MARKER, type ProcessIdentity } from "./processes.ts";

export interface ChildRule {
  readonly program: string;
  /** Passed as they are: no shell ever reads them. */
  readonly arguments: readonly string[];
  /** The whole environment; nothing of ours is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** After this the child and everything it started are ended. */
  readonly seconds: number;
  /** Bytes of output kept; the rest is read and thrown away. */
  readonly bytesMax?: number;
  readonly signal?: AbortSignal;
  /** For what changes something. */
  readonly recorded?: Recorded;
}

/**
 * A child whose identity is written down before it does anything. It may outlive this process: nothing it does depends on
 * us, it is ended when its time is over, and the one who goes on can find out whether it still runs.
 */
export interface Recorded {
  /** Resolves when the identity is on record; the child is not started where it rejects. */
  launched(child: ProcessIdentity): Promise<void>;
  /** The child may write here; nothing else does. */
  readonly folder: string;
  /** In a process namespace of its own, where that is possible. */
  readonly contained?: boolean;
  /** Someone else than us. Only root may do that. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it was ended by us, or null when it ended by itself. */
  readonly ended: "deadline" | "aborted" | null;
  /** Standard output and standard error as they came, the first `bytesMax` bytes. */
  readonly output: string;
  readonly cut: boolean;
  readonly seconds: number;
}

/** What it left running may hold its output open: so long is waited for the rest of it. */
const OUTPUT_MS = 1000;

/**
 * Runs one program in a process group of its own, without a shell, and resolves when it is over; whatever it leaves
 * behind is ended with it. A group that ignores SIGTERM is killed one second later. Rejects only when the program can't
 * be started, or its identity can't be recorded.
 */
export async function runChild(rule: ChildRule): Promise<ChildEnd> {
  const { recorded } = rule;
  const marker = randomUUID();
  const contained = recorded?.contained === true && (await containment()) === "namespace";
  const command = recorded
    ? launcher({
        ...rule,
        seconds: rule.seconds + END_GRACE_SECONDS,
        pipe: join(recorded.folder, "output"),
        contained,
        ...(recorded.user && { user: recorded.user }),
      })
    : rule;
  const child = spawn(command.program, [...command.arguments], {
    cwd: rule.folder,
    env: { ...rule.environment, ...(recorded && { [MARKER]: marker }) },
    detached: true,
    shell: false,
    stdio: [recorded ? "pipe" : "ignore", "pipe", "pipe"],
    ...(recorded?.user && !contained ? recorded.user : {}),
  });
  const over = watch(child, rule, recorded ? marker : null);
  // Handled where it is awaited; the child may fail while its identity is being recorded.
  over.catch(() => {});
  if (recorded && child.pid !== undefined) await begin(child, recorded, marker, rule.seconds);
  return over;
}

/** Nothing is started before this resolves: the child waits for a line. */
async function begin(child: ChildProcess, recorded: Recorded, marker: string, seconds: number): Promise<void> {
  child.stdin?.on("error", () => {});
  try {
    await recorded.launched(await identify(child.pid as number, marker, seconds));
    child.stdin?.write("go\n");
  } catch (error) {
    signalGroup(child.pid, "SIGKILL");
    throw error;
  }
}

function watch(child: ChildProcess, rule: ChildRule, marker: string | null): Promise<ChildEnd> {
  const started = performance.now();
  const bytesMax = rule.bytesMax ?? 64 * 1024;
  return new Promise((resolve, reject) => {
    let ended: ChildEnd["ended"] = null;
    let force: NodeJS.Timeout | undefined;
    let rest: NodeJS.Timeout | undefined;
    const kept: Buffer[] = [];
    let size = 0;
    const keep = (chunk: Buffer) => {
      if (size < bytesMax) kept.push(chunk.subarray(0, bytesMax - size));
      size += chunk.length;
    };
    const end = (why: "deadline" | "aborted") => {
      if (ended !== null) return;
      ended = why;
      signalGroup(child.pid, "SIGTERM");
      force = setTimeout(() => signalGroup(child.pid, "SIGKILL"), 1000);
    };
    const onAbort = () => {
      // What is on record is finished, and found by the one who goes on.
      if (marker === null || !(rule.signal?.reason instanceof LetGo)) end("aborted");
    };
    const timer = setTimeout(() => end("deadline"), rule.seconds * 1000);
    const settle = () => {
      clearTimeout(timer);
      clearTimeout(force);
      rule.signal?.removeEventListener("abort", onAbort);
    };

    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    child.on("exit", (code, signal) => {
      settle();
      signalGroup(child.pid, "SIGKILL");
      const left = marker === null ? Promise.resolve() : endMarked(marker);
      const seconds = (performance.now() - started) / 1000;
      const tell = () => {
        clearTimeout(rest);
        child.stdout?.destroy();
        child.stderr?.destroy();
        const output = Buffer.concat(kept).toString("utf8");
        const how = marker === null ? { code, signal } : endOf(code, signal);
        void left.then(() => resolve({ ...how, ended, output, cut: size > bytesMax, seconds }));
      };
      child.on("close", tell);
      rest = setTimeout(tell, OUTPUT_MS);
    });
    if (rule.signal?.aborted) onAbort();
    else rule.signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The launcher ends with 128 and the signal's number where its program was ended by one. */
function endOf(code: number | null, signal: string | null): { code: number | null; signal: string | null } {
  const name = Object.entries(constants.signals).find(([, number]) => code !== null && number === code - 128)?.[0];
  return name === undefined ? { code, signal } : { code: null, signal: name };
}

function signalGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}
