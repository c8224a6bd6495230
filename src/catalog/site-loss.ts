import { resolve, type Scalar } from "./reference.ts";
import { systemScope } from "./scope.ts";
import type { ActionCard, ActionStep, Plan, System } from "./types.ts";

/** What steps of a plan need of a site: what can't be done on the night that site is gone. Pure. */

export interface SiteNeed {
  readonly step: string;
  readonly title: string;
  /** What of the site it needs: "Route 53's control plane in us-east-1", "orders-a (10.0.0.5:5432)". */
  readonly what: string;
}

/** Where a call goes, as a text that is the same wherever it is written; and what people call it. */
type Places = ReadonlyMap<string, string>;

/**
 * Steps of this plan that can't be done while `site` is gone. Which servers a step needs is read from its input, but for what its action
 * declares to go without; which control planes, its action declares. A step with a condition is left out: it may never run.
 */
export function needsOfSite(plan: Plan, site: string, { system, given, cards }: Surroundings): readonly SiteNeed[] {
  const there = placesAt(system, site, given);
  const steps = plan.stages.flatMap(({ steps }) => steps.flatMap((step) => (step.kind === "action" ? [step] : [])));
  return steps.filter(({ when }) => when === null).flatMap((step) => needOf(step, there, cards.get(step.action)) ?? []);
}

interface Surroundings {
  readonly system: System;
  /** Values of its variables, as this installation gives them. */
  readonly given: ReadonlyMap<string, Scalar> | undefined;
  readonly cards: ReadonlyMap<string, ActionCard>;
}

function needOf(step: ActionStep, there: Places, card: ActionCard | undefined): SiteNeed | null {
  const { id, title, input } = step;
  const planes = (card?.controlPlanes?.(input) ?? []).filter(({ region }) => there.has(inRegion(region)));
  const without = card?.goesWithout?.(input) ?? [];
  const servers = without === "all" ? [] : [...placesIn(withoutKeys(input, without)).keys()];
  const what = [
    ...planes.map(({ what, region }) => `${what} in ${region}`),
    ...servers.flatMap((place) => there.get(place) ?? []),
  ];
  return what.length === 0 ? null : { step: id, title, what: [...new Set(what)].join(", ") };
}

function withoutKeys(input: unknown, keys: readonly string[]): unknown {
  if (keys.length === 0 || typeof input !== "object" || input === null) return input;
  return Object.fromEntries(Object.entries(input).filter(([key]) => !keys.includes(key)));
}

/** Everything that is at this site and nowhere else, by what the system says of its members. */
function placesAt(system: System, site: string, given: Surroundings["given"]): Places {
  const { values } = systemScope(system, given);
  const said = (value: unknown) => resolve(value, (name) => values.get(name) ?? "");
  const here = new Map<string, string>([[inRegion(site), `AWS in ${site}`]]);
  const elsewhere = new Set<string>();
  const add = (at: string | null, value: unknown, name: string | null) => {
    for (const [place, found] of placesIn(said(value), name ?? undefined)) {
      if (at === site) here.set(place, found);
      // One without a site may lie in a region all the same: an endpoint of ARC.
      else if (at !== null || !place.startsWith("region:")) elsewhere.add(place);
    }
  };
  for (const one of system.sites) add(one.id, one.values, one.title);
  for (const { title, members } of system.targets ?? [])
    for (const member of members) add(member.site, [member.with, member.values], nameOf(member.with) ?? title);
  for (const one of system.sites) if (one.id !== site) elsewhere.add(inRegion(one.id));
  for (const place of elsewhere) here.delete(place);
  return here;
}

function nameOf(value: unknown): string | null {
  const { name } = value as { name?: unknown };
  return typeof name === "string" && !name.includes("${") ? name : null;
}

/** Where what is written here would be reached, wherever it stands inside. */
function placesIn(value: unknown, name?: string): Places {
  const found = new Map<string, string>();
  const called = (address: string) => (name === undefined ? address : `${name} (${address})`);
  const walk = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    const { host, port, region, context, bucket } = part as Readonly<Record<string, unknown>>;
    if (typeof host === "string") {
      const address = port === undefined ? host : `${host}:${port}`;
      found.set(`host:${address}`, called(address));
    }
    if (typeof region === "string") found.set(inRegion(region), `AWS in ${region}`);
    if (typeof context === "string") found.set(`cluster:${context}`, `the cluster ${context}`);
    if (typeof bucket === "string") found.set(`bucket:${bucket}`, `the bucket ${bucket}`);
    for (const one of Object.values(part)) {
      const origin = originOf(one);
      if (origin !== null) found.set(`url:${origin}`, called(origin));
      walk(one);
    }
  };
  walk(value);
  return found;
}

function originOf(value: unknown): string | null {
  return typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value) ? new URL(value).origin : null;
}

function inRegion(region: string): string {
  return `region:${region}`;
}
