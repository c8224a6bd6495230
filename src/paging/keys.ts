/** Keys are what PagerDuty knows our pages by (its dedup keys), so they say whose they are. */
const ours =
  /^lifeboat\/(inc-[a-z0-9-]+)(?:\/(ask-[a-z0-9]+)(?:\/glass(?:-broken)?)?|\/split-[a-z0-9-]+|\/unresolved-\d+)?$/;
const seat = /^lifeboat\/seats\/([a-z0-9-]+)\/(\d{4}-\d{2})\/([a-z0-9-]+)$/;
const adopted = /^inc-pd-([a-z0-9]{4,30})$/;

export function alarmKey(incident: string): string {
  return `lifeboat/${incident}`;
}

export function summonsKey(incident: string, ask: string): string {
  return `lifeboat/${incident}/${ask}`;
}

/** About break-glass someone wants to use at this question. */
export function breakGlassKey(incident: string, ask: string): string {
  return `${summonsKey(incident, ask)}/glass`;
}

/** About a break-glass that was used: a page of its own, because it rings again and says something else. */
export function brokenKey(incident: string, ask: string): string {
  return `${breakGlassKey(incident, ask)}-broken`;
}

/** About two servers that both take writes after a promotion of this run, for the n-th time. */
export function splitKey(incident: string, run: string, n: number): string {
  return `${alarmKey(incident)}/split-${run}-${n}`;
}

/** About an incident that goes on, for this level; `since`: the version it was declared or reopened at. */
export function unresolvedKey(incident: string, since: number, level: number): string {
  return `${alarmKey(incident)}/unresolved-${since}${String(level).padStart(2, "0")}`;
}

/** The test page of one person in one round of a system: the same from any process, at any time. */
export function seatKey({ person, ...of }: SeatPage): string {
  return `${seatRoundKey(of)}/${person}`;
}

/** What the test pages of a round have in common. */
export function seatRoundKey({ system, round }: Omit<SeatPage, "person">): string {
  return `lifeboat/seats/${system}/${round}`;
}

/** What a test page is about; null: it's none. */
export function aboutSeatKey(key: string): SeatPage | null {
  const [, system, round, person] = seat.exec(key) ?? [];
  return system === undefined || round === undefined || person === undefined ? null : { system, round, person };
}

export interface SeatPage {
  readonly system: string;
  /** `2026-12` */
  readonly round: string;
  readonly person: string;
}

/** Made by a Lifeboat: this one, or another on the same service. Never an alarm to take up. */
export function isLifeboats(key: string): boolean {
  return key.startsWith("lifeboat/");
}

/** What a key of ours is about; null: it is someone else's. */
export function aboutKey(key: string): { readonly incident: string; readonly ask: string | null } | null {
  const found = ours.exec(key);
  return found === null ? null : { incident: found[1] as string, ask: found[2] ?? null };
}

/** The incident here for an incident PagerDuty has: the same for every webhook about it. Null: no id of PagerDuty's. */
export function incidentFor(id: string): string | null {
  const name = `inc-pd-${id.toLowerCase()}`;
  return adopted.test(name) ? name : null;
}

/** PagerDuty's id of an incident it told us of, or null. */
export function adoptedFrom(incident: string): string | null {
  return adopted.exec(incident)?.[1]?.toUpperCase() ?? null;
}
