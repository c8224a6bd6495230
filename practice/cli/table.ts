import type { Part } from "../environment/system-environment.ts";
import type { Result } from "./all.ts";

const WIDTHS = { mode: 10, outcome: 10, rto: 20, rpo: 24, seconds: 9 };

/** The head of the table. `width`: of its first column. */
export function headOf(width: number): string {
  return line(width, ["runbook", "mode", "outcome", "RTO (objective)", "lost", "seconds", "parts"]);
}

export function rowOf(
  { system, runbook, mode, outcome, rto, rpo, seconds, parts, problem }: Result,
  width: number,
): string {
  const told = line(width, [
    `${system}/${runbook}`,
    mode,
    outcome,
    rto?.seconds == null
      ? "–"
      : `${lasting(rto.seconds)}${rto.objectiveSeconds === null ? "" : ` (${lasting(rto.objectiveSeconds)}${rto.met ? "" : ": missed"})`}`,
    lossOf(rpo),
    seconds === null ? "–" : seconds.toFixed(1),
    kindsOf(parts),
  ]);
  return problem === null ? told : `${told}    ${problem.replaceAll("\n", " ")}\n`;
}

/** "PostgreSQL 18, primary and standby (real); AWS: RDS, Route 53 (stand-in)" */
export function partsOf(parts: readonly Part[]): string {
  return parts.map(({ title, kind }) => `${title} (${kind})`).join("; ");
}

function kindsOf(parts: readonly Part[]): string {
  if (parts.length === 0) return "–";
  const real = parts.filter(({ kind }) => kind === "real").length;
  return [`${real} real`, ...(real < parts.length ? [`${parts.length - real} stand-in`] : [])].join(", ");
}

function lossOf(rpo: Result["rpo"]): string {
  if (rpo === null || rpo.method === null) return "–";
  if (rpo.seconds === null && rpo.rowsLost === null) return "not measured";
  const rows = rpo.rowsLost === null ? [] : [`${rpo.rowsLost} rows`];
  return [...(rpo.seconds === null ? [] : [lasting(rpo.seconds)]), ...rows].join(", ");
}

function lasting(seconds: number): string {
  if (seconds >= 3600) return `${round(seconds / 3600)} h`;
  return seconds >= 120 ? `${round(seconds / 60)} min` : `${round(seconds)} s`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function line(
  width: number,
  [runbook = "", mode = "", outcome = "", rto = "", rpo = "", seconds = "", parts = ""]: readonly string[],
): string {
  const cells = [
    runbook.padEnd(width),
    mode.padEnd(WIDTHS.mode),
    outcome.padEnd(WIDTHS.outcome),
    rto.padEnd(WIDTHS.rto),
    rpo.padEnd(WIDTHS.rpo),
    seconds.padStart(WIDTHS.seconds),
    parts,
  ];
  return `${cells.join("  ").trimEnd()}\n`;
}
