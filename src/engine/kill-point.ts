import { writeFileSync } from "node:fs";
import { LifeboatError } from "../lib/errors.ts";

/** Moments of a step's attempt at which a crash must do no harm. */
export const POINTS = [
  "started",
  "intended",
  "before-apply",
  "after-apply",
  "applied",
  "before-verify",
  "verified",
] as const;
export type Point = (typeof POINTS)[number];
export type KillPoint = (step: string, point: Point) => void;

const nothing: KillPoint = () => {};

/**
 * For tests and training: with `LIFEBOAT_KILL_AT=<step>:<point>` the process kills itself there as `kill -9` would, once.
 * `*` is the first step that gets there. That it did so is remembered by the file `LIFEBOAT_KILL_ONCE` names, so a restart goes on. Refused outside practice.
 */
export function createKillPoint(env: NodeJS.ProcessEnv, practice: boolean): KillPoint {
  const at = env.LIFEBOAT_KILL_AT;
  if (!at) return nothing;
  const [step, point, ...rest] = at.split(":");
  const marker = env.LIFEBOAT_KILL_ONCE;
  if (!practice || !step || !POINTS.includes(point as Point) || rest.length > 0 || !marker) {
    throw new LifeboatError({
      code: "kill-point-refused",
      where: "LIFEBOAT_KILL_AT",
      what: practice
        ? `"${at}" names no point to be killed at`
        : "a process may be told to kill itself only in practice",
      allowed: `<step>:<point> with LIFEBOAT_KILL_ONCE=<file>; points are ${POINTS.join(", ")}`,
      next: "Unset LIFEBOAT_KILL_AT, or set both.",
    });
  }
  return (reachedStep, reachedPoint) => {
    if ((step !== "*" && reachedStep !== step) || reachedPoint !== point || !markFirst(marker, at)) return;
    process.kill(process.pid, "SIGKILL");
  };
}

function markFirst(marker: string, at: string): boolean {
  try {
    writeFileSync(marker, `${at}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
