import type { PhaseName } from "../incident/accounting.ts";
import type { Trend } from "../incident/trends.ts";
import { length } from "./length.ts";
import { html } from "./markup.ts";
import { LANES, type Picture } from "./picture.ts";

const WIDTH = 360;
const LEFT = 76;
const HEIGHT = 150;
const TOP = 34;
const LABELS = 24;
const ROW = 19;
/** The newest, so that a bar can still be told from the next. */
const MOST = 24;

/**
 * The recoveries of one runbook, a bar each, oldest at the left, made of where its time went; the dashed line is what was promised. A bar
 * whose run missed it has a cross above it, so that colour isn't needed. Null: no run was measured.
 */
export function trendPicture(trend: Trend, id: string): Picture | null {
  const runs = trend.runs.filter(({ rto }) => rto.seconds !== null).slice(-MOST);
  if (runs.length === 0) return null;
  const longest = Math.max(...runs.map(({ rto }) => Math.max(rto.seconds ?? 0, rto.objective ?? 0)), 1);
  const scale = HEIGHT / longest;
  const room = (WIDTH - LEFT) / runs.length;
  const bar = Math.min(room * 0.7, 36);
  const foot = TOP + HEIGHT;
  const names = (Object.keys(LANES) as PhaseName[]).filter((name) =>
    runs.some(({ parts }) => (parts?.[name] ?? 0) > 0),
  );
  const marks = runs.map((run, at) => {
    const x = LEFT + room * at + (room - bar) / 2;
    const total = run.rto.seconds ?? 0;
    let top = foot;
    const parts = run.parts === null ? [{ fill: "#57606a", seconds: total }] : partsOf(run.parts, total);
    const rects = parts.map(({ fill, seconds }) => {
      const high = Math.max(seconds * scale, 0);
      top -= high;
      return `<rect x="${round(x)}" y="${round(top)}" width="${round(bar)}" height="${round(high)}" fill="${fill}"/>`;
    });
    const missed =
      run.rto.met === false
        ? `<text x="${round(x + bar / 2)}" y="${round(top - 4)}" font-size="12" text-anchor="middle" fill="#1b1f24">✗</text>`
        : "";
    const line =
      run.rto.objective === null
        ? ""
        : `<line x1="${round(x - room * 0.15)}" y1="${round(foot - run.rto.objective * scale)}" x2="${round(x + bar + room * 0.15)}" y2="${round(foot - run.rto.objective * scale)}" stroke="#1b1f24" stroke-width="1.5" stroke-dasharray="4 3"/>`;
    return [...rects, missed, line].filter((one) => one !== "").join("\n");
  });
  const first = runs[0]?.at.toISOString().slice(0, 10) ?? "";
  const last = runs.at(-1)?.at.toISOString().slice(0, 10) ?? "";
  const height = foot + LABELS + names.length * ROW + 6;
  const alt = altOf(trend, runs.length);
  const dates = [
    `<text x="${LEFT}" y="${foot + 16}" font-size="12" fill="#1b1f24">${first}</text>`,
    ...(first === last
      ? []
      : [`<text x="${WIDTH}" y="${foot + 16}" font-size="12" text-anchor="end" fill="#1b1f24">${last}</text>`]),
  ];
  return {
    alt,
    svg: [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-desc" font-family="system-ui, 'DejaVu Sans', sans-serif">`,
      `<title id="${id}-title">${html(trend.title)} (${trend.mode})</title>`,
      `<desc id="${id}-desc">${html(alt)}</desc>`,
      `<rect x="0" y="0" width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
      `<text x="0" y="13" font-size="13" fill="#1b1f24">Recovery time; dashed: promised; ✗: missed</text>`,
      `<text x="${LEFT - 6}" y="${TOP + 4}" font-size="12" text-anchor="end" fill="#1b1f24">${length(longest)}</text>`,
      `<text x="${LEFT - 6}" y="${foot}" font-size="12" text-anchor="end" fill="#1b1f24">0 s</text>`,
      ...marks,
      `<line x1="${LEFT}" y1="${foot}.5" x2="${WIDTH}" y2="${foot}.5" stroke="#1b1f24"/>`,
      ...dates,
      ...names.map((name, at) => {
        const y = foot + LABELS + at * ROW;
        return `<rect x="0" y="${y + 3}" width="12" height="12" fill="${LANES[name].fill}"/><text x="18" y="${y + 14}" font-size="12" fill="#1b1f24">${LANES[name].title}</text>`;
      }),
      "</svg>",
    ].join("\n"),
  };
}

/** What was counted may end later than what was measured: the bar is as high as the recovery was long. */
function partsOf(parts: Readonly<Record<PhaseName, number>>, total: number) {
  const sum = Object.values(parts).reduce((all, one) => all + one, 0);
  const share = sum === 0 ? 0 : total / sum;
  return (["machines", "people", "deciding", "detecting"] as const).map((name) => ({
    fill: LANES[name].fill,
    seconds: parts[name] * share,
  }));
}

function altOf({ title, mode, runs, rtoMet, medianRto }: Trend, shown: number): string {
  const median = medianRto === null ? "" : ` Median ${length(medianRto)}.`;
  const met = rtoMet === null ? " No objective was judged." : ` ${rtoMet.met} of ${rtoMet.of} within the objective.`;
  return `Recovery time of “${title}” (${mode}), the last ${shown} of ${runs.length} runs.${median}${met}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
