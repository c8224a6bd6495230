import { parseArgs } from "node:util";
import { type Simulated, simulate } from "./simulation.ts";

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      for: { type: "string" },
      runs: { type: "string", default: "20" },
      from: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
      guards: { type: "boolean", default: false },
      guard: { type: "string", multiple: true, default: [] },
      without: { type: "string" },
      "until-found": { type: "boolean", default: false },
    },
  });
  if (values.guards || values.guard.length > 0) {
    const { tryGuards } = await import("./guards/run.ts");
    if (!(await tryGuards(values.guard, Number(values.runs)))) process.exitCode = 1;
    return;
  }
  if (values.seed !== undefined) return one(Number(values.seed), values.trace, values.json);
  const seconds = values.for === undefined ? Number.POSITIVE_INFINITY : secondsOf(values.for);
  const runs = values.for === undefined ? Number(values.runs) : Number.POSITIVE_INFINITY;
  await many(Number(values.from), runs, seconds, values.json, values["until-found"]);
}

/** Twice, so that it is seen that a seed decides everything. */
async function one(seed: number, trace: boolean, json: boolean): Promise<void> {
  const first = await simulate(seed, true);
  const again = await simulate(seed, true);
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

async function many(from: number, runs: number, seconds: number, json: boolean, untilFound: boolean): Promise<void> {
  const began = process.hrtime.bigint();
  const elapsed = () => Number(process.hrtime.bigint() - began) / 1e9;
  const failed: Simulated[] = [];
  const total = {
    events: new Map<string, number>(),
    refusals: new Map<string, number>(),
    faults: new Map<string, number>(),
  };
  let count = 0;
  let first = "";
  for (; count < runs && elapsed() < seconds && !(untilFound && failed.length > 0); count++) {
    const run = await simulate(from + count);
    if (count === 0) first = run.trace;
    if (run.complaints.length > 0) {
      failed.push(run);
      if (!json) console.log(said(run));
    }
    for (const name of ["events", "refusals", "faults"] as const)
      for (const [what, times] of run[name]) total[name].set(what, (total[name].get(what) ?? 0) + times);
  }
  const again = await simulate(from);
  const isSame = again.trace === first;
  const coverage = Object.fromEntries(
    Object.entries(total).map(([name, counts]) => [
      name,
      Object.fromEntries([...counts].sort(([, one], [, two]) => two - one)),
    ]),
  );
  if (json)
    console.log(
      JSON.stringify({
        runs: count,
        seconds: elapsed(),
        isSame,
        failed: failed.map(({ seed, complaints }) => ({ seed, complaints })),
        coverage,
      }),
    );
  else {
    for (const [name, counts] of Object.entries(coverage))
      console.log(
        `${name} (${Object.keys(counts).length}): ${Object.entries(counts)
          .map(([what, times]) => `${what} ${times}`)
          .join(", ")}`,
      );
    console.log(isSame ? "The same seed gives the same run." : "The same seed gave two different runs.");
    console.log(`${count} runs in ${elapsed().toFixed(1)} s, ${failed.length} with complaints`);
  }
  if (failed.length > 0 || !isSame) process.exitCode = 1;
}

function said({ seed, complaints }: Simulated): string {
  return [`Seed ${seed}:`, ...complaints.map(({ invariant, says }) => `  ${invariant}: ${says}`)].join("\n");
}

function secondsOf(text: string): number {
  const [, number, unit] = /^(\d+)(s|m)?$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`--for ${text}: give it as 60s or 2m`);
  return Number(number) * (unit === "m" ? 60 : 1);
}
