import type { Accounting, PhaseName } from "../incident/accounting.ts";
import { length } from "./length.ts";
import { html } from "./markup.ts";

/** A picture of where the minutes went: its SVG, and what it shows in words. */
export interface Picture {
  readonly svg: string;
  readonly alt: string;
}

const WIDTH = 360;
const ROW_HEIGHT = 46;
const TRACK = 18;
const AXIS = 34;

export const LANES: Readonly<Record<PhaseName, { readonly title: string; readonly fill: string }>> = {
  detecting: { title: "Detecting", fill: "#9a5b00" },
  deciding: { title: "Deciding", fill: "#6639ba" },
  people: { title: "Waiting for people", fill: "#0550ae" },
  machines: { title: "Machines", fill: "#116329" },
};

/**
 * One lane a part, each stretch of time where it was: the place tells the parts apart, so colour is not needed. 360 units wide with text of 13, it
 * can be read on a phone as it is; on paper it is as wide as the page lets it be.
 * @param id unique in the document
 */
export function pictureOf(accounting: Accounting, id: string): Picture {
  const { phases, stretches, totalSeconds } = accounting;
  const from = accounting.from.getTime();
  const scale = totalSeconds === 0 ? 0 : WIDTH / (totalSeconds * 1000);
  const height = phases.length * ROW_HEIGHT + AXIS;
  const lanes = phases.map(({ name, seconds }, at) => {
    const { title, fill } = LANES[name];
    const top = at * ROW_HEIGHT;
    const bars = stretches
      .filter((one) => one.name === name)
      .map((one) => {
        const width = Math.max((one.to.getTime() - one.from.getTime()) * scale, 1.5);
        const x = Math.min((one.from.getTime() - from) * scale, WIDTH - width);
        return `<rect x="${round(x)}" y="${top + 21}" width="${round(width)}" height="${TRACK}" fill="${fill}"/>`;
      });
    return [
      `<text x="0" y="${top + 15}" font-size="13" fill="#1b1f24">${title}: ${length(seconds)} (${share(seconds, totalSeconds)} %)</text>`,
      `<rect x="0.5" y="${top + 21}" width="${WIDTH - 1}" height="${TRACK}" fill="#f3f4f6" stroke="#6e7781"/>`,
      ...bars,
    ].join("\n");
  });
  const foot = phases.length * ROW_HEIGHT;
  const marks = ticks(totalSeconds).map((seconds) => {
    const x = Math.min(Math.max(seconds * 1000 * scale, 0.5), WIDTH - 0.5);
    const anchor = x < 20 ? "start" : x > WIDTH - 30 ? "end" : "middle";
    return [
      `<line x1="${round(x)}" y1="${foot}" x2="${round(x)}" y2="${foot + 6}" stroke="#1b1f24"/>`,
      `<text x="${round(x)}" y="${foot + 21}" font-size="12" text-anchor="${anchor}" fill="#1b1f24">${length(seconds)}</text>`,
    ].join("\n");
  });
  const alt = altOf(accounting);
  return {
    alt,
    svg: [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-desc" font-family="system-ui, 'DejaVu Sans', sans-serif">`,
      `<title id="${id}-title">Where the minutes went</title>`,
      `<desc id="${id}-desc">${html(alt)}</desc>`,
      `<rect x="0" y="0" width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
      ...lanes,
      `<line x1="0" y1="${foot}.5" x2="${WIDTH}" y2="${foot}.5" stroke="#1b1f24"/>`,
      ...marks,
      "</svg>",
    ].join("\n"),
  };
}

/** A whole percentage. */
export function share(seconds: number, totalSeconds: number): number {
  return totalSeconds === 0 ? 0 : Math.round((seconds / totalSeconds) * 100);
}

function altOf({ phases, totalSeconds }: Accounting): string {
  const parts = phases.map(
    ({ name, seconds }) => `${LANES[name].title.toLowerCase()} ${length(seconds)} (${share(seconds, totalSeconds)} %)`,
  );
  return `Where the minutes went, ${length(totalSeconds)} in all: ${parts.join(", ")}.`;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];

/** Round moments on the axis, at most six, in seconds from its beginning. */
function ticks(totalSeconds: number): readonly number[] {
  const most = STEPS.at(-1) as number;
  const step = STEPS.find((one) => totalSeconds / one <= 5) ?? Math.ceil(totalSeconds / 5 / most) * most;
  return Array.from({ length: Math.floor(totalSeconds / step) + 1 }, (_, at) => at * step);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
