import type { Part } from "../../practice/estate/system-estate.ts";
import type { Offered } from "../../practice/offer.ts";
import type { Result } from "./all.ts";

const WIDTHS = { mode: 10, outcome: 10, rto: 20, rpo: 24, seconds: 9 };

/** The head of the table; its first column is as wide as the longest runbook, whichever systems are played. */
export function headOf(list: readonly Offered[]): string {
  return line(list, ["runbook", "mode", "outcome", "RTO (objective)", "lost", "seconds", "parts"]);
}

export function rowOf(
  { system, runbook, mode, outcome, rto, rpo, seconds, parts, problem }: Result,
  list: readonly Offered[],
): string {
  const told = line(list, [
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
  list: readonly Offered[],
  [runbook = "", mode = "", outcome = "", rto = "", rpo = "", seconds = "", parts = ""]: readonly string[],
): string {
  const longest = list.flatMap(({ system, runbooks }) => runbooks.map(({ id }) => system.length + id.length + 1));
  const cells = [
    runbook.padEnd(Math.max(8, ...longest)),
    mode.padEnd(WIDTHS.mode),
    outcome.padEnd(WIDTHS.outcome),
    rto.padEnd(WIDTHS.rto),
    rpo.padEnd(WIDTHS.rpo),
    seconds.padStart(WIDTHS.seconds),
    parts,
  ];
  return `${cells.join("  ").trimEnd()}\n`;
}
