import { spawn } from "node:child_process";

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

/**
 * Runs one program in a process group of its own, without a shell, and resolves when it is over; whatever it leaves
 * behind in its group is ended with it. A group that ignores SIGTERM is killed one second later. Rejects only when the
 * program can not be started.
 */
export function runChild(rule: ChildRule): Promise<ChildEnd> {
  const started = performance.now();
  const bytesMax = rule.bytesMax ?? 64 * 1024;
  return new Promise((resolve, reject) => {
    const child = spawn(rule.program, [...rule.arguments], {
      cwd: rule.folder,
      env: { ...rule.environment },
      detached: true,
      shell: false,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let ended: ChildEnd["ended"] = null;
    let cruel: NodeJS.Timeout | undefined;
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
      cruel = setTimeout(() => signalGroup(child.pid, "SIGKILL"), 1000);
    };
    const onAbort = () => end("aborted");
    const timer = setTimeout(() => end("deadline"), rule.seconds * 1000);
    const settle = () => {
      clearTimeout(timer);
      clearTimeout(cruel);
      rule.signal?.removeEventListener("abort", onAbort);
    };

    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    // A grandchild may hold the pipes open after the leader is gone: the group goes first, then "close" can come.
    child.on("exit", () => signalGroup(child.pid, "SIGKILL"));
    child.on("close", (code, signal) => {
      settle();
      resolve({
        code,
        signal,
        ended,
        output: Buffer.concat(kept).toString("utf8"),
        cut: size > bytesMax,
        seconds: (performance.now() - started) / 1000,
      });
    });
    if (rule.signal?.aborted) onAbort();
    else rule.signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function signalGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}
