import { parseArgs } from "node:util";
import { Around } from "./around.ts";
import type { Figure } from "./figure.ts";
import { p1 } from "./p1.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";
import { p4 } from "./p4.ts";
import { p5 } from "./p5.ts";
import { p6 } from "./p6.ts";
import { p7 } from "./p7.ts";
import { p8 } from "./p8.ts";
import { p9 } from "./p9.ts";
import { p10 } from "./p10.ts";
import { p11 } from "./p11.ts";
import { p12 } from "./p12.ts";
import { p13 } from "./p13.ts";
import { p14 } from "./p14.ts";
import { p15 } from "./p15.ts";
import { p16 } from "./p16.ts";
import { forMachines, goalsOf, load, type Measured, page } from "./page.ts";
import { pause } from "./pause.ts";
import { scenario } from "./scenario.ts";

/**
 * `npm run bench [-- name…] [--json]`: where claims about speed live. Figures are ratios, measured side by side, because
 * milliseconds of one machine say nothing about another. With `--json` the last line holds every goal, `{goals: [{id, what, value, unit, goal, met}]}`,
 * and all that was measured. Ends with 1 when a figure could not be measured; a goal that was
 * missed is said, and is no error.
 */
const figures: readonly Figure[] = [
  p1,
  p2,
  p3,
  p4,
  p5,
  p6,
  p7,
  p8,
  p9,
  p10,
  p11,
  p12,
  p13,
  p14,
  p15,
  p16,
  pause,
  scenario,
];

let around = new Around();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void around.close().finally(() => process.exit(1)));

async function measured(figure: Figure): Promise<Measured> {
  around = new Around();
  const [began, before] = [performance.now(), load()];
  const over = (measures: Measured["measures"], problem: string | null): Measured => {
    const seconds = (performance.now() - began) / 1000;
    return { figure, measures, seconds, load: [before, load()], problem };
  };
  try {
    return over(await figure.measure(around), null);
  } catch (error) {
    return over([], error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await around.close();
  }
}

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean", default: false } },
  allowPositionals: true,
});
const names = figures.map(({ name }) => name);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`There is no figure ${unknown.join(", ")}. There are: ${names.join(", ")}\n`);
  process.exit(2);
}
const all: Measured[] = [];
for (const figure of figures.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const one = await measured(figure);
  all.push(one);
  if (!values.json) process.stdout.write(`${page(one)}\n`);
}
if (values.json)
  process.stdout.write(
    `${JSON.stringify({ goals: all.flatMap(goalsOf), at: new Date(), node: process.version, figures: all.map(forMachines) })}\n`,
  );
process.exit(all.some(({ problem }) => problem !== null) ? 1 : 0);
