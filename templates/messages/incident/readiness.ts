import type { System } from "../../../src/catalog/types.ts";
import type { DataOf } from "../../../src/incident/events.ts";
import type { Problem } from "../../../src/lib/errors.ts";
import {
  isDrift,
  isNote,
  isPersonNote,
  notesOf,
  type RunbookReadiness,
  runbookKey,
  type SystemReadiness,
} from "../../../src/readiness/state.ts";
import { actionValue } from "../kit/action-value.ts";
import { actions, type Button, lines, section } from "../kit/blocks.ts";
import { cut, safe } from "../kit/escape.ts";
import { kindPrefix } from "../kit/kind.ts";
import type { Message } from "../kit/message.ts";
import { said } from "../kit/reply.ts";
import type { NoticeSurroundings, RenderReadiness, ShownMessage } from "../kit/view.ts";
import { between, local } from "../kit/when.ts";

/** Most runbooks that are named with their reason; the rest is counted. */
const SHOWN = 20;
const SAYS_MAX = 220;
/** Systems with buttons of their own. */
const BUTTONS = 5;

export const readinessUnknown: Problem = {
  code: "readiness-unknown",
  what: "Nothing checks readiness here",
  next: "Ask a running bot: `lifeboat readiness`",
};

/** `system`: the id of the only one; null: there are several. */
export function checkingNow(titles: readonly string[], count: number, system: string | null): Message {
  return said([
    `Checking ${count} runbooks of ${titles.map(safe).join(", ")}; nothing is changed.`,
    `See \`/dr readiness${system === null ? "" : ` ${safe(system)}`}\` in a moment.`,
  ]);
}

/** One line a system, and what to press for more. */
export function readinessOverview(systems: readonly SystemReadiness[], everyMs: number): Message {
  const [only] = systems;
  const off =
    everyMs === 0 ? ["Automatic checks are off (`LIFEBOAT_READINESS_MINUTES` is 0). `--now` checks once."] : [];
  const shown = systems.slice(0, BUTTONS);
  const buttons = shown.flatMap(({ system, title }): Button[] => [
    {
      ...{ label: `Details: ${title}`, verb: "readiness.details", detail: system, actionValue: actionValue(system) },
      aloud: `Readiness of ${title} in detail`,
    },
  ]);
  const check = only !== undefined && systems.length === 1 ? [checkNow(only)] : [];
  return said([...systems.map(systemLine), ...off], ...buttons, ...check);
}

/** Every runbook of one system: what isn't ready first, by its reasons. */
export function readinessDetails(
  system: SystemReadiness,
  names: (roles: readonly string[]) => string,
  now: Date,
): Message {
  const { runbooks } = system;
  const by = (state: RunbookReadiness["state"]) => runbooks.filter((one) => one.state === state);
  const told = [...new Set(by("notReady").flatMap(({ tells }) => tells))];
  const all = [
    systemLine(system),
    ...notReadyLines(by("notReady")),
    ...(told.length > 0 ? [`Told: ${names(told)}`] : []),
    ...listed("🟡 Stale:", by("stale"), ({ why }) => why),
    ...listed("⚪ Never proven:", by("neverProven"), ({ why }) => why),
    ...readyLines(by("ready"), now),
    ...noteLines("🔴 People:", notesOf(runbooks, isPersonNote)),
    ...noteLines("🟠 Drift:", notesOf(runbooks, isDrift)),
  ];
  return { text: all.join("\n"), blocks: [...lines(all), actions(checkNow(system))] };
}

function checkNow({ system, title }: SystemReadiness): Button {
  return {
    ...{ label: "Check now", verb: "readiness.now", detail: system, actionValue: actionValue(system) },
    aloud: `Check the readiness of ${title} now`,
  };
}

/** `🔴 *Mimir*: 2 not ready · 30 ready`. For mrkdwn. */
export function systemLine({ title, runbooks }: SystemReadiness): string {
  const count = (state: RunbookReadiness["state"]) => runbooks.filter((one) => one.state === state).length;
  const [notReady, ready, stale, never] = [count("notReady"), count("ready"), count("stale"), count("neverProven")];
  // Green only where nothing is left open: one runbook that was never proven may be the one that is needed.
  const mark = notReady > 0 ? "🔴" : stale > 0 ? "🟡" : never > 0 || ready === 0 ? "⚪" : "✅";
  const parts = [
    ...(notReady > 0 ? [`*${notReady} not ready*`] : []),
    ...(ready > 0 ? [`${ready} ready`] : []),
    ...(stale > 0 ? [`${stale} stale`] : []),
    ...(never > 0 ? [`${never} never proven`] : []),
  ];
  return `${mark} *${safe(title)}*: ${parts.join(" · ") || "no runbooks"}`;
}

/** For the one who declares an incident: null where every runbook is ready, or no one knows yet. */
export function readinessWarning(system: SystemReadiness): string | null {
  const notReady = system.runbooks.filter(({ state }) => state === "notReady");
  const [first] = notReady;
  if (first === undefined) return null;
  const others = notReady.length > 1 ? ` and ${notReady.length - 1} more` : "";
  return `🔴 Not ready: ${titleOf(first)}${others}. Details: \`/dr readiness ${safe(system.system)}\``;
}

function titleOf({ title, mode }: Pick<RunbookReadiness, "title" | "mode">): string {
  return `*${safe(title)}* (${mode})`;
}

interface NotReady extends Pick<RunbookReadiness, "runbook" | "title" | "mode" | "findings"> {
  readonly since: Date | null;
}

/** What many runbooks share is said once: one server that is gone makes every plan with it impossible. */
function notReadyLines(all: readonly NotReady[]): readonly string[] {
  const groups = new Map<string, NotReady[]>();
  for (const one of all) {
    const reason = reasonsOf(one).join("\n");
    groups.set(reason, [...(groups.get(reason) ?? []), one]);
  }
  return [...groups.values()].slice(0, SHOWN).flatMap((group) => {
    const [first] = group as [NotReady, ...NotReady[]];
    const since = group.flatMap((one) => one.since ?? []).sort((one, other) => one.getTime() - other.getTime())[0];
    const [head = "no reason was recorded", ...more] = reasonsOf(first).map((says) => safe(cut(says, SAYS_MAX)));
    return [
      `🔴 ${head}${since === undefined ? "" : ` · since ${local(since)}`}`,
      ...more.map((one) => `      Also: ${one}`),
      ...titlesOf(group).map((one) => `      • ${one}`),
    ];
  });
}

/** Without what is no reason: that is told of the system. */
function reasonsOf({ findings }: Pick<RunbookReadiness, "findings">): readonly string[] {
  return findings.filter((one) => !isNote(one)).map(({ says }) => says);
}

function noteLines(head: string, found: readonly string[]): readonly string[] {
  if (found.length === 0) return [];
  const more = found.length > SHOWN ? [`      • and ${found.length - SHOWN} more`] : [];
  return [head, ...found.slice(0, SHOWN).map((says) => `      • ${safe(cut(says, SAYS_MAX))}`), ...more];
}

function listed(
  head: string,
  all: readonly RunbookReadiness[],
  why: (one: RunbookReadiness) => string | null,
): readonly string[] {
  if (all.length === 0) return [];
  return [head, ...withReasons(all, why)];
}

/** Modes of a runbook with the same reason are one line. */
function withReasons(
  all: readonly RunbookReadiness[],
  why: (one: RunbookReadiness) => string | null,
): readonly string[] {
  const said = new Map<string, RunbookReadiness[]>();
  for (const one of all) {
    const key = `${one.runbook}\n${why(one) ?? ""}`;
    said.set(key, [...(said.get(key) ?? []), one]);
  }
  return [...said.values()].map((same) => {
    const [first] = same as [RunbookReadiness, ...RunbookReadiness[]];
    const reason = why(first);
    return `      • ${titlesOf(same).join("")}${reason ? `: ${safe(cut(reason, SAYS_MAX))}` : ""}`;
  });
}

/** `*Fail over* (planned, unplanned)` */
function titlesOf(all: readonly Pick<RunbookReadiness, "runbook" | "title" | "mode">[]): readonly string[] {
  const known = new Map<string, { readonly title: string; readonly modes: readonly string[] }>();
  for (const { runbook, title, mode } of all)
    known.set(runbook, { title, modes: [...(known.get(runbook)?.modes ?? []), mode] });
  return [...known.values()].map(({ title, modes }) => `*${safe(title)}* (${[...modes].sort().join(", ")})`);
}

function readyLines(ready: readonly RunbookReadiness[], now: Date): readonly string[] {
  const oldest = ready.reduce<Date | null>((at, { provenAt }) => {
    return provenAt !== null && (at === null || provenAt < at) ? provenAt : at;
  }, null);
  const age = oldest === null ? "" : ` (proven within the last ${between(oldest, now)})`;
  const needed = ready.filter(({ notNeeded }) => !notNeeded);
  const idle = ready.filter(({ notNeeded }) => notNeeded);
  return [
    ...listed(`✅ Ready${age}:`, needed, ({ way }) => (way === null ? null : `${way.from} → ${way.to}`)),
    ...listed("✅ Ready, not needed now:", idle, (one) => reasonsOf(one)[0] ?? null),
  ];
}

interface Changed {
  readonly version: number;
  readonly at: Date;
  readonly data: DataOf<"readiness.changed">;
}

/** From the first runbook of a system that is no longer ready until all of them are again. */
interface Episode {
  readonly from: Changed;
  /** What isn't ready, by `runbookKey`, as it was recorded last. */
  readonly open: ReadonlyMap<string, Changed>;
  /** Everything that was not ready in it. */
  readonly all: ReadonlyMap<string, Changed>;
  readonly over: Changed | null;
}

/** People are told once that something isn't ready, in a message that is kept up to date, and once that it is again. */
export const renderReadiness: RenderReadiness = (events, around) => {
  const changes = events.filter(({ type }) => type === "readiness.changed") as readonly unknown[] as readonly Changed[];
  const last = episodesIn(changes).at(-1);
  const reports = events.filter(({ type }) => type === "readiness.reported").slice(-1);
  return [
    ...(last === undefined ? [] : drawEpisode(last, around)),
    ...reports.map((one) => reported(one.data as DataOf<"readiness.reported">, around)),
  ];
};

function episodesIn(changes: readonly Changed[]): readonly Episode[] {
  const episodes: Episode[] = [];
  for (const change of changes) {
    const now = episodes.at(-1);
    const open = now?.over === null ? now : undefined;
    const key = runbookKey(change.data.runbook, change.data.mode);
    if (change.data.to === "notReady") {
      const next: Episode = open ?? { from: change, open: new Map(), all: new Map(), over: null };
      const episode = { ...next, open: new Map(next.open).set(key, change), all: new Map(next.all).set(key, change) };
      if (open === undefined) episodes.push(episode);
      else episodes[episodes.length - 1] = episode;
    } else if (open?.open.has(key)) {
      const left = new Map([...open.open].filter(([one]) => one !== key));
      episodes[episodes.length - 1] = { ...open, open: left, over: left.size === 0 ? change : null };
    }
  }
  return episodes;
}

function drawEpisode({ from, open, all, over }: Episode, around: NoticeSurroundings): readonly ShownMessage[] {
  const system = around.systems.find(({ id }) => id === from.data.system);
  const title = safe(system?.title ?? from.data.system);
  const prefix = kindPrefix("real", around.practice);
  const told = [...all.values()].flatMap(({ data }) => data.tells ?? []);
  const people = mentions(system, [...new Set(told)], around.names);
  const command = `\`/dr readiness ${safe(from.data.system)}\``;
  const shown = [...(over === null ? open : all).values()].map(({ data }) => ({ ...data, since: null }));
  const down =
    over === null
      ? [
          `${prefix}*${title}*: ${countOf(open)} not ready${people}`,
          ...notReadyLines(shown),
          `Fix it before you need it. Details: ${command}`,
        ]
      : [
          `${prefix}*${title}*: ${countOf(all)} not ready for ${between(from.at, over.at)}, ready again${people}`,
          ...notReadyLines(shown).map((line) => line.replace(/^🔴 /, "")),
        ];
  const key = `readiness:${from.version}`;
  const place = { in: "announce", under: null, priority: 1 } as const;
  return [
    { ...place, key, message: messageOf(down) },
    ...(over === null
      ? []
      : [
          {
            ...{ ...place, key: `${key}:over`, once: true as const },
            message: messageOf([
              `${prefix}✅ *${title}*: no check fails any more, after ${between(from.at, over.at)}${people}`,
            ]),
          },
        ]),
  ];
}

/** A runbook counts once, in whichever of its modes it isn't ready. */
function countOf(found: Episode["open"]): string {
  const count = new Set([...found.values()].map(({ data }) => data.runbook)).size;
  return count === 1 ? "1 runbook" : `${count} runbooks`;
}

function mentions(system: System | undefined, roles: readonly string[], names: (who: string) => string): string {
  const people = (system?.people ?? []).filter((person) => person.roles.some((role) => roles.includes(role)));
  return people.length === 0 ? "" : ` · ${people.map(({ id }) => names(id)).join(", ")}`;
}

function reported(data: DataOf<"readiness.reported">, around: NoticeSurroundings): ShownMessage {
  const title = safe(around.systems.find(({ id }) => id === data.system)?.title ?? data.system);
  const parts = [
    `${data.ready} ready`,
    `${data.notReady.length} not ready`,
    ...(data.stale > 0 ? [`${data.stale} stale`] : []),
    ...(data.neverProven > 0 ? [`${data.neverProven} never proven`] : []),
  ];
  const told = [
    `${kindPrefix("real", around.practice)}📋 Readiness now, *${title}*: ${parts.join(" · ")}`,
    ...data.notReady
      .slice(0, SHOWN)
      .map((one) => `• ${titleOf(one)}, since ${local(new Date(one.since))}: ${safe(cut(one.says, SAYS_MAX))}`),
    ...noteLines("🔴 People:", data.people ?? []),
    ...noteLines("🟠 Drift:", data.drift ?? []),
    `Details: \`/dr readiness ${safe(data.system)}\``,
  ];
  const key = `readiness.reported:${data.week}`;
  return { key, in: "announce", under: null, priority: 2, message: messageOf(told), once: true };
}

function messageOf(told: readonly string[]): Message {
  return { text: told.join("\n"), blocks: [section(told.join("\n"))] };
}

/** What the Home tab says of it: one line a system of the reader's. */
export function readinessHome(systems: readonly SystemReadiness[]): readonly string[] {
  return systems.filter(({ runbooks }) => runbooks.length > 0).map(systemLine);
}

/** True where nothing has to be put right. */
export function allReady({ runbooks }: SystemReadiness): boolean {
  return runbooks.every(({ state }) => state === "ready" || state === "neverProven");
}
