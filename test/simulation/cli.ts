import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Coverage, coverageOf, KINDS, type Report } from "./coverage.ts";
import { type Level, simulate } from "./simulation.ts";

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      for: { type: "string" },
      runs: { type: "string", default: "20" },
      from: { type: "string", default: "1" },
      stride: { type: "string", default: "1" },
      workers: { type: "string", default: String(availableParallelism()) },
      json: { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
      guards: { type: "boolean", default: false },
      guard: { type: "string", multiple: true, default: [] },
      core: { type: "boolean", default: false },
      writes: { type: "boolean", default: false },
      without: { type: "string" },
      "until-found": { type: "boolean", default: false },
    },
  });
  if (values.guards || values.guard.length > 0) {
    const { tryGuards } = await import("./guards/run.ts");
    if (!(await tryGuards(values.guard, Number(values.runs)))) process.exitCode = 1;
    return;
  }
  const level = values.core ? "core" : "bot";
  if (values.seed !== undefined && values.writes) return printWrites(Number(values.seed), level);
  if (values.seed !== undefined) return one(Number(values.seed), level, values.trace, values.json);
  const span: Span = {
    level,
    from: Number(values.from),
    stride: Number(values.stride),
    runs: values.for === undefined ? Number(values.runs) : Number.POSITIVE_INFINITY,
    seconds: values.for === undefined ? Number.POSITIVE_INFINITY : secondsOf(values.for),
    untilFound: values["until-found"],
  };
  await many(span, span.untilFound ? 1 : Number(values.workers), values.json);
}

/** Twice, so that it is seen that a seed decides everything. */
async function one(seed: number, level: Level, trace: boolean, json: boolean): Promise<void> {
  const first = await simulate(seed, level, true);
  const again = await simulate(seed, level, true);
  if (trace) console.log(first.lines.join("\n"));
  const isSame = first.trace === again.trace;
  if (!isSame) {
    const at = first.lines.findIndex((line, n) => line !== again.lines[n]);
    console.error(`The same seed went two ways, at line ${at}:\n  ${first.lines[at]}\n  ${again.lines[at]}`);
  }
  const { complaints, steps } = first;
  if (json) console.log(JSON.stringify({ seed, isSame, trace: first.trace, steps, complaints }));
  else
    console.log(
      [
        `Seed ${seed}: ${steps} steps, trace ${first.trace.slice(0, 16)}, ${isSame ? "the same twice" : "NOT the same twice"}`,
      ]
        .concat(complaints.map(({ invariant, says }) => `  ${invariant}: ${says}`))
        .join("\n"),
    );
  if (!isSame || complaints.length > 0) process.exitCode = 1;
}

/** For those who make the same writes in another store. */
async function printWrites(seed: number, level: Level): Promise<void> {
  const { writes, streams, complaints } = await simulate(seed, level);
  const kept = streams.map(({ id, events }) => ({
    id,
    events: events.map(({ version, type, key, run, data, actor }) => {
      return { version, type, key, run, data: JSON.parse(data), actor: JSON.parse(actor) };
    }),
  }));
  console.log(JSON.stringify({ writes, streams: kept, complaints }));
}

/** Which seeds are played: every `stride`th from `from` on, until `runs` of them or `seconds` are over. */
interface Span {
  readonly level: Level;
  readonly from: number;
  readonly stride: number;
  readonly runs: number;
  readonly seconds: number;
  readonly untilFound: boolean;
}

async function play({ level, from, stride, runs, seconds, untilFound }: Span): Promise<Report> {
  const began = process.hrtime.bigint();
  const elapsed = () => Number(process.hrtime.bigint() - began) / 1e9;
  const failed: Report["failed"][number][] = [];
  const coverage = { events: {}, refusals: {}, faults: {} } satisfies Coverage;
  let count = 0;
  let first = "";
  for (; count < runs && elapsed() < seconds && !(untilFound && failed.length > 0); count++) {
    const run = await simulate(from + count * stride, level);
    if (count === 0) first = run.trace;
    if (run.complaints.length > 0) failed.push({ seed: run.seed, complaints: run.complaints });
    for (const name of KINDS) addTo(coverage[name], Object.fromEntries(run[name]));
  }
  const again = count === 0 ? null : await simulate(from, level);
  return { runs: count, seconds: elapsed(), isSame: again === null || again.trace === first, failed, coverage };
}

/** The same in several processes, one a core: no seed knows of another. */
async function playTogether(span: Span, workers: number): Promise<Report> {
  const began = process.hrtime.bigint();
  const reports = await Promise.all(
    Array.from({ length: workers }, (_, n) => {
      const runs = Math.ceil((span.runs - n) / workers);
      const share = ["--from", String(span.from + n), "--stride", String(workers)];
      const end = Number.isFinite(span.seconds) ? ["--for", `${span.seconds}s`] : ["--runs", String(runs)];
      const level = span.level === "core" ? ["--core"] : [];
      return inProcess([...share, ...end, ...level, "--workers", "1", "--json"]);
    }),
  );
  const coverage = { events: {}, refusals: {}, faults: {} } satisfies Coverage;
  for (const report of reports) for (const name of KINDS) addTo(coverage[name], report.coverage[name]);
  return {
    runs: reports.reduce((sum, { runs }) => sum + runs, 0),
    seconds: Number(process.hrtime.bigint() - began) / 1e9,
    isSame: reports.every(({ isSame }) => isSame),
    failed: reports.flatMap(({ failed }) => failed).sort((one, other) => one.seed - other.seed),
    coverage,
  };
}

function inProcess(args: readonly string[]): Promise<Report> {
  const program = [...process.execArgv, process.argv[1] ?? "", ...args];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, program, { maxBuffer: 1e9 }, (error, stdout, stderr) => {
      if (stdout.startsWith("{")) resolve(JSON.parse(stdout) as Report);
      else reject(new Error(`A worker ended without a report: ${stderr || error}`));
    });
  });
}

async function many(span: Span, workers: number, json: boolean): Promise<void> {
  const report = workers > 1 && span.runs >= workers ? await playTogether(span, workers) : await play(span);
  const { runs, seconds, isSame, failed, coverage } = report;
  if (json) console.log(JSON.stringify(report));
  else {
    for (const one of failed) console.log(said(one));
    console.log(coverageOf(coverage));
    console.log(isSame ? "The same seed gives the same run." : "The same seed gave two different runs.");
    console.log(`${runs} runs in ${seconds.toFixed(1)} s, ${failed.length} with complaints`);
  }
  if (failed.length > 0 || !isSame) process.exitCode = 1;
}

function addTo(total: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [what, times] of Object.entries(counts)) total[what] = (total[what] ?? 0) + times;
}

function said({ seed, complaints }: Report["failed"][number]): string {
  return [`Seed ${seed}:`, ...complaints.map(({ invariant, says }) => `  ${invariant}: ${says}`)].join("\n");
}

function secondsOf(text: string): number {
  const [, number, unit] = /^(\d+)(s|m)?$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`--for ${text}: give it as 60s or 2m`);
  return Number(number) * (unit === "m" ? 60 : 1);
}
