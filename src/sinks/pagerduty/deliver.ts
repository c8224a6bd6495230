import type { DueItem } from "../../projection/deliveries.ts";
import type { Incident, PagerDuty, Target } from "./client.ts";
import type { DesiredPage } from "./desired-page.ts";

/**
 * Makes PagerDuty show what is wanted under a key. To be called again after any failure: it looks before it does what a
 * repeat would do twice. Rejects when it is not known to be so.
 *
 * @returns true when phones were made to ring by it, now or in an attempt before whose end no one saw
 */
export async function deliver(pd: PagerDuty, item: DueItem): Promise<boolean> {
  const wanted = item.desired as DesiredPage;
  const told = item.delivered as DesiredPage | null;
  switch (wanted.kind) {
    case "alarm":
      return await alarm(pd, item, wanted, told?.kind === "alarm" ? told : null);
    case "summons":
      return await summon(pd, item, wanted, told?.kind === "summons" ? told : null);
    case "adopted":
      if (!wanted.open) await closed(pd, await pd.incident(wanted.incident));
      return false;
    case "note":
      await note(pd, wanted);
      return false;
    default:
      return wanted satisfies never;
  }
}

type Of<K extends DesiredPage["kind"]> = Extract<DesiredPage, { kind: K }>;
type Open<K extends DesiredPage["kind"]> = Extract<DesiredPage, { kind: K; open: true }>;

/** Events under a key may be repeated: PagerDuty takes a second one for the same. */
async function alarm(pd: PagerDuty, item: DueItem, wanted: Of<"alarm">, told: Of<"alarm"> | null): Promise<boolean> {
  if (!wanted.open) {
    if (item.tried) await pd.resolve(item.key);
    return false;
  }
  const before = told?.open ? told : null;
  if (before?.alarm.severity !== wanted.alarm.severity) await pd.trigger(item.key, wanted.alarm);
  if (wanted.acknowledged && !before?.acknowledged) await pd.acknowledge(item.key);
  return before === null;
}

async function summon(
  pd: PagerDuty,
  item: DueItem,
  wanted: Of<"summons">,
  told: Of<"summons"> | null,
): Promise<boolean> {
  if (!wanted.open) {
    if (item.tried) await closed(pd, await pd.find(item.key));
    return false;
  }
  const rings = !told?.open || JSON.stringify(told.to) !== JSON.stringify(wanted.to);
  if (rings) await ring(pd, item.key, wanted, told?.open ? told.to : null);
  return rings;
}

/** There is an open page and it stands where it should, whatever was there before. */
async function ring(
  pd: PagerDuty,
  key: string,
  { to, alarm, urgency }: Open<"summons">,
  before: Target | "service" | null,
): Promise<void> {
  const found = await pd.find(key);
  if (found !== null && found.status !== "resolved") return await handOn(pd, found, to, before);
  if (to === "service") return await pd.trigger(key, alarm);
  if (await pd.open(key, { title: alarm.summary, details: alarm.details, to, ...(urgency && { urgency }) })) return;
  const open = await pd.find(key);
  if (open === null) throw new Error(`PagerDuty says that ${key} is open, and does not find it`);
  await handOn(pd, open, to, before);
}

async function handOn(
  pd: PagerDuty,
  found: Incident,
  to: Target | "service",
  before: Target | "service" | null,
): Promise<void> {
  if (to === "service") return;
  // Given to people by name an incident keeps its policy: back from them it has to be handed to it again.
  const named = before !== null && before !== "service" && "users" in before && "policy" in to;
  if (!standsAt(found, to) || (named && standsAt(found, before))) await pd.escalate(found.id, to);
}

function standsAt(found: Incident, to: Target): boolean {
  if ("policy" in to) return found.policy === to.policy;
  return found.assigned.length === to.users.length && to.users.every((user) => found.assigned.includes(user));
}

async function closed(pd: PagerDuty, found: Incident | null): Promise<void> {
  if (found !== null && found.status !== "resolved") await pd.close(found.id);
}

/** Notes have no key: it is looked whether the text stands there already. */
async function note(pd: PagerDuty, { on, incident, text }: Of<"note">): Promise<void> {
  const found = incident === null ? await pd.find(on) : await pd.incident(incident);
  if (found === null || (await pd.notes(found.id)).includes(text)) return;
  await pd.note(found.id, text);
}
