import type { Plan, System } from "../src/catalog/types.ts";
import { fold, type Plans, plansNeeded } from "../src/incident/evolve.ts";
import type { IncidentState } from "../src/incident/state.ts";
import { knowsOf } from "../src/incident/surprise.ts";
import { LifeboatError } from "../src/lib/errors.ts";
import type { StoredEvent } from "../src/timeline/contract.ts";
import type { Open } from "../templates/messages/situation.ts";
import type { Request } from "./command.ts";
import type { House } from "./house.ts";

/** So many are looked through where none is named; what is named, at hand or under way is found however old it is. */
const NEWEST = 100;

/** A plan never changes under its hash, so one that was read is kept. */
const read = new WeakMap<House["timeline"], Map<string, Plan>>();

/** The plans these events name, from the stored bytes. One that is not stored is absent: its run then has no steps. */
export async function plansFor(house: House, events: readonly StoredEvent[]): Promise<Plans> {
  const plans = read.get(house.timeline) ?? new Map<string, Plan>();
  read.set(house.timeline, plans);
  for (const { run, planHash } of plansNeeded(events)) {
    if (plans.has(planHash)) continue;
    const stored = await house.timeline.planOf(run);
    if (stored?.planHash === planHash) plans.set(planHash, JSON.parse(Buffer.from(stored.planBytes).toString("utf8")));
  }
  return plans;
}

export async function loadIncident(house: House, id: string): Promise<IncidentState> {
  const events = await house.timeline.read(id);
  return fold(id, events, await plansFor(house, events));
}

/**
 * Declared incidents, the one with the newest event first: the newest, all with a run under way, and those that the request
 * names or was made in, so that nothing that was declared since can hide them.
 */
export async function allIncidents(house: House, request: Request | null = null): Promise<readonly Open[]> {
  const [newest, live, sought] = await Promise.all([
    house.timeline.streams("inc-", NEWEST),
    house.timeline.liveStreams(),
    request === null ? [] : soughtBy(house, request),
  ]);
  const ids = new Set([...newest.map(({ id }) => id), ...live.filter((id) => id.startsWith("inc-")), ...sought]);
  const all = await Promise.all(
    [...ids].map(async (id) => ({ state: await loadIncident(house, id), channel: await house.channelOf(id) })),
  );
  return all.filter(({ state }) => state.declared !== null);
}

/** What the request names, carries, or was typed in the channel of. */
async function soughtBy(house: House, { options, carries, place }: Request): Promise<readonly string[]> {
  const here = place.channel === null ? null : await house.incidentAt(place.channel);
  const named = [options.incident, carries?.split("/")[0], here];
  return named.filter((id): id is string => typeof id === "string" && id.startsWith("inc-"));
}

export function isOpen({ state }: Open): boolean {
  return state.status !== "resolved" && state.status !== "closed";
}

/** A surprise is shown only to those who are told of it. */
export function mayKnow({ catalog }: House, state: IncidentState, person: string | null): boolean {
  const system = catalog.systems.find(({ id }) => id === state.declared?.system);
  return knowsOf(state, system, person);
}

export function systemOf(house: House, state: IncidentState): System {
  const system = house.catalog.systems.find(({ id }) => id === state.declared?.system);
  if (system) return system;
  throw new LifeboatError({
    code: "system-gone",
    where: state.id,
    what: `The system ${state.declared?.system ?? ""} of this incident is not in the catalogue`,
    next: "Put its system.yml back, then try again",
  });
}

export type Meant =
  | { readonly kind: "one"; readonly incident: Open }
  | { readonly kind: "none" }
  | { readonly kind: "several"; readonly open: readonly Open[] };

/**
 * Which incident is meant: the one that is named or carried, else the channel's own, else the only open one.
 * `over`: for what is done after the end, the newest that is over counts when none is open.
 */
export async function meant(house: House, request: Request, over = false): Promise<Meant> {
  const all = await allIncidents(house, request);
  const named = request.options.incident ?? request.carries?.split("/")[0];
  if (typeof named === "string" && (request.options.incident !== undefined || named.startsWith("inc-"))) {
    const incident = all.find(({ state }) => state.id === named);
    if (incident) return { kind: "one", incident };
    throw new LifeboatError({
      code: "incident-unknown",
      what: `There is no incident ${named}`,
      next: "`/dr list` shows them",
    });
  }
  const { channel } = request.place;
  const here = channel === null ? undefined : all.find((one) => one.channel === channel);
  if (here) return { kind: "one", incident: here };
  const known = all.filter(({ state }) => mayKnow(house, state, request.caller.person));
  const underWay = known.filter(isOpen);
  // Planned work stands behind what is broken.
  const incidents = underWay.filter(({ state }) => state.declared?.kind !== "maintenance");
  const open = incidents.length > 0 ? incidents : underWay;
  if (open.length > 1) return { kind: "several", open };
  const only = open[0] ?? (over ? known[0] : undefined);
  return only ? { kind: "one", incident: only } : { kind: "none" };
}
