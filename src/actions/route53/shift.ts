import { setTimeout as sleep } from "node:timers/promises";
import type { Change, ResourceRecordSet, RRType } from "@aws-sdk/client-route-53";
import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import { awsErrorOf, awsPlace, change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import { type ApplyContext, type Check, type Done, defineAction, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { byHand, inverse, undoneBy } from "../undo.ts";
import { controlPlanesOf, nameOf, withRoute53 } from "./client.ts";

/** What a record set says: a weight among its siblings, values, or both. */
const saying = z
  .strictObject({
    weight: z.number().int().min(0).max(255).optional(),
    values: z.array(z.string().min(1)).min(1).max(100).optional(),
  })
  .refine(({ weight, values }) => weight !== undefined || values !== undefined, "needs a weight or values");
const recordInput = z.strictObject({
  name: z.string().min(1).max(255),
  type: z.enum(["A", "AAAA", "CNAME", "TXT"]),
  setIdentifier: z.string().min(1).max(128).optional(),
  /** What it has to say now. If it says something else, someone else changed it, and nothing is sent. */
  from: saying,
  to: saying,
});
const input = z.strictObject({
  ...awsPlace,
  zone: z.string().regex(/^[A-Z0-9]{1,32}$/, "has to be a hosted zone's id"),
  records: z.array(recordInput).min(1).max(50),
  /** Clients keep an old answer this long after the change; it has to be lowered before the incident. */
  ttlSecondsMax: z.number().int().min(0).max(86_400).default(60),
});
type Input = z.infer<typeof input>;
type Weights = z.infer<typeof recordInput>;
type Saying = z.infer<typeof saying>;

/** A record set as it was found, whole, so that undo can put back exactly that. */
interface Found {
  readonly set: ResourceRecordSet | null;
  readonly protectedBy: string | null;
  /** Weights of the record sets beside it that the plan does not touch; absent in older logs. */
  readonly otherWeights?: readonly number[];
}

interface Seen {
  readonly identity: Identity;
  readonly records: readonly Found[];
  readonly protectionsReadable: boolean;
  /** Whether a change can be followed afterwards; null: no one said. */
  readonly changesReadable: boolean | null;
  readonly why: string | null;
}

const BUSY_MS = 400;
const NO_CHANGE = "C0LIFEBOATASKSWHETHERITMAY";

/** Moves traffic by records, all of them in one batch that AWS takes whole or not at all. */
export const shift = defineAction<Input, Seen>({
  id: "route53.shift",
  summary: "Move traffic by changing Route 53 records in one batch, and see the change in every name server",
  input,
  risk: "reversible",
  service: "interrupts",
  leads: true,
  endsFence: true,
  repeat: "safe",
  budget: { typicalSeconds: 60, warnSeconds: 120, failSeconds: 300 },
  controlPlanes: controlPlanesOf,
  resources: (given) =>
    given.records.map(
      (record) => `route53:${given.zone}/${nameOf(record.name)}/${record.type}/${record.setIdentifier ?? ""}`,
    ),
  observe: look,
  facts: (seen, given) => [
    ...given.records.map((record, i) => ({
      id: `record${i + 1}`,
      label: titleOf(record),
      value: say(seen.records[i]?.set ?? null),
      material: true,
    })),
    { id: "dnsTailSeconds", label: "Old answers live on for, seconds", value: tailOf(seen), material: false },
  ],
  ready: (seen, given) => [
    rightAccount(seen.identity, given),
    ...given.records.flatMap((record, i) => checksOf(record, seen, i, given)),
    ...weighed(seen, given),
    protectionsReadable(seen),
    changesReadable(seen),
  ],
  done: isDone,
  async apply(ctx, given, seen) {
    await insistOnAccount(ctx, given);
    const answer = await untilFree(ctx, () =>
      change("route53:ChangeResourceRecordSets", () =>
        withRoute53(ctx, given, "change", (route53, within) =>
          route53.changeResourceRecordSets(
            {
              HostedZoneId: given.zone,
              ChangeBatch: {
                Comment: "lifeboat route53.shift",
                Changes: given.records.flatMap((record, i) => changesOf(seen.records[i]?.set ?? null, record)),
              },
            },
            within,
          ),
        ),
      ),
    );
    return { changeId: answer.ChangeInfo?.Id ?? null };
  },
  async verify(ctx, given, before, handle) {
    const id = typeof handle?.changeId === "string" ? handle.changeId.replace("/change/", "") : null;
    let state = "The change has not been seen";
    await until(
      {
        what: "every name server of the zone having the change",
        seconds: ctx.budget.failSeconds * 0.95,
        everyMilliseconds: given.pollSeconds * 1000,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const [seen, status] = await Promise.all([look(ctx, given), id === null ? "INSYNC" : statusOf(ctx, given, id)]);
        const done = isDone(seen, given, before);
        state = `The change is ${status ?? "not seen"}; ${given.records.map((r, i) => `${titleOf(r)}: ${say(seen.records[i]?.set ?? null)}`).join("; ")}`;
        // Accepted, in sync, and still as before: it was said and did not happen.
        if (done === "no" && status === "INSYNC") ctx.progress(state);
        return done === "yes" && status === "INSYNC" ? true : null;
      },
    );
    const tail = tailOf(before);
    const known =
      id === null
        ? "The records say so; whether every name server has them yet was not asked"
        : "Every name server has them";
    return {
      says: `${given.records.map((record) => `${titleOf(record)} is ${sayWeights(record.to)}`).join("; ")}. ${known}. Resolvers may keep the old answer for up to ${tail ?? "an unknown number of"} s.`,
      facts: [
        { id: "changeId", label: "Change", value: id, material: false },
        { id: "dnsTailSeconds", label: "Old answers live on for, seconds", value: tail, material: false },
      ],
    };
  },
  undo: undoneBy((before, given) => {
    const records = given.records.map((record, i) => {
      const set = before.records[i]?.set ?? null;
      return set === null || set.AliasTarget !== undefined
        ? null
        : { ...record, from: record.to, to: formerOf(set, record) };
    });
    if (records.some((record) => record === null)) {
      const sets = before.records.map(({ set }) => set);
      return byHand(`Put the record sets in zone ${given.zone} back as they were: ${JSON.stringify(sets)}`);
    }
    const says = records.map((record) => record && `${titleOf(record)} back to ${sayWeights(record.to)}`).join("; ");
    return inverse("route53.shift", { ...given, records }, says);
  }),
});

/** What the record set said before, of what the step changed. */
function formerOf(set: ResourceRecordSet, { to }: Weights): Saying {
  return {
    ...(to.weight !== undefined && set.Weight !== undefined ? { weight: set.Weight } : {}),
    ...(to.values !== undefined ? { values: valuesOf(set) } : {}),
  };
}

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, changesReadable, guards, listings] = await Promise.all([
    identify(ctx, given),
    mayFollow(ctx, given),
    protections(ctx, given).catch((error: unknown) => {
      ctx.signal.throwIfAborted();
      awsErrorOf(error);
      return null;
    }),
    Promise.all(given.records.map((record) => listingOf(ctx, given, record))),
  ]);
  return {
    identity,
    protectionsReadable: guards !== null,
    changesReadable,
    why: listings.find((one) => one.why !== null)?.why ?? null,
    records: given.records.map((record, i) => ({
      set: listings[i]?.sets?.find((one) => isThat(one, record)) ?? null,
      otherWeights: otherWeights(listings[i] ?? { sets: null, why: null }, given, record),
      protectedBy:
        guards?.find(
          (guard) => guard.name === nameOf(given.records[i]?.name ?? "") && guard.type === given.records[i]?.type,
        )?.comment ?? null,
    })),
  };
}

interface Listing {
  /** The record sets of a name and a type, whole; null: they can't be read. */
  readonly sets: readonly ResourceRecordSet[] | null;
  readonly why: string | null;
}

/** Siblings, too: what a weight means depends on the others'. */
async function listingOf(ctx: ReadContext, given: Input, { name, type }: Weights): Promise<Listing> {
  try {
    const sets: ResourceRecordSet[] = [];
    let from: object | null = { StartRecordName: name, StartRecordType: type };
    while (from !== null) {
      const start: object = from;
      const answer = await withRoute53(ctx, given, "read", (route53, within) =>
        route53.listResourceRecordSets({ HostedZoneId: given.zone, ...start }, within),
      );
      const page = answer.ResourceRecordSets ?? [];
      sets.push(...page.filter((one) => nameOf(one.Name ?? "") === nameOf(name) && one.Type === type));
      const more = answer.IsTruncated && nameOf(answer.NextRecordName ?? "") === nameOf(name);
      from =
        more && answer.NextRecordType === type
          ? {
              StartRecordName: answer.NextRecordName,
              StartRecordType: answer.NextRecordType,
              ...(answer.NextRecordIdentifier ? { StartRecordIdentifier: answer.NextRecordIdentifier } : {}),
            }
          : null;
    }
    return { sets: JSON.parse(JSON.stringify(sets)) as ResourceRecordSet[], why: null };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { sets: null, why: `${says}${kind === "denied" ? " Allow route53:ListResourceRecordSets." : ""}` };
  }
}

/** Weights of the same name and type that the plan leaves as they are. */
function otherWeights({ sets }: Listing, given: Input, record: Weights): readonly number[] {
  return (sets ?? [])
    .filter((set) => !given.records.some((one) => isThat(set, one)))
    .flatMap(({ Weight }) => (Weight === undefined || record.setIdentifier === undefined ? [] : [Number(Weight)]));
}

async function protections(ctx: ReadContext, given: Input) {
  const found: { name: string; type: string; comment: string }[] = [];
  let token: string | undefined;
  do {
    const answer = await withRoute53(ctx, given, "read", (route53, within) =>
      route53.listResourceRecordSetProtections(
        { HostedZoneId: given.zone, ...(token ? { NextToken: token } : {}) },
        within,
      ),
    );
    for (const one of answer.ResourceRecordSetProtections ?? []) {
      found.push({
        name: nameOf(one.RecordName ?? ""),
        type: one.RecordType ?? "",
        comment: one.Comment || "no reason given",
      });
    }
    token = answer.NextToken;
  } while (token);
  return found;
}

/** Asks for a change there is none of: who may ask is told that there is none. */
async function mayFollow(ctx: ReadContext, given: Input): Promise<boolean | null> {
  try {
    await withRoute53(ctx, given, "read", (route53, within) => route53.getChange({ Id: NO_CHANGE }, within));
    return true;
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind } = awsErrorOf(error);
    return kind === "denied" ? false : kind === "missing" || kind === "refused" ? true : null;
  }
}

async function statusOf(ctx: ReadContext, given: Input, id: string): Promise<string | null> {
  try {
    const answer = await withRoute53(ctx, given, "read", (route53, within) => route53.getChange({ Id: id }, within));
    return answer.ChangeInfo?.Status ?? null;
  } catch (error) {
    ctx.signal.throwIfAborted();
    awsErrorOf(error);
    return null;
  }
}

/** Route 53 takes one change of a zone at a time and refuses the others whole: a refusal changed nothing, so it waits. */
async function untilFree<T>(ctx: ApplyContext, send: () => Promise<T>): Promise<T> {
  const end = performance.now() + (ctx.budget.failSeconds * 1000) / 3;
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (!/PriorRequestNotComplete/.test(messageOf(error)) || performance.now() > end) throw error;
      ctx.progress("Route 53 is still busy with an earlier change; trying again");
      await sleep(BUSY_MS * (0.5 + Math.random()), undefined, { signal: ctx.signal });
    }
  }
}

function isThat(set: ResourceRecordSet, record: Weights): boolean {
  return (
    nameOf(set.Name ?? "") === nameOf(record.name) &&
    set.Type === record.type &&
    (set.SetIdentifier ?? null) === (record.setIdentifier ?? null)
  );
}

function says(set: ResourceRecordSet | null, wanted: Saying): boolean {
  if (set === null) return false;
  if (wanted.weight !== undefined && Number(set.Weight) !== wanted.weight) return false;
  return wanted.values === undefined || sorted(valuesOf(set)) === sorted(wanted.values);
}

/** All at once or not at all: a mixture is someone else's doing. */
function isDone(seen: Seen, given: Input, _before: Seen | null): Done {
  if (seen.why !== null) return "unknown";
  const sets = given.records.map((record, i) => ({ record, set: seen.records[i]?.set ?? null }));
  if (sets.every(({ record, set }) => says(set, record.to))) return "yes";
  if (sets.every(({ record, set }) => says(set, record.from))) return "no";
  return sets.some(({ record, set }) => says(set, record.to)) ? "partial" : "unknown";
}

/** AWS deletes a record set only if it is, to the letter, the one that was seen: someone else's change refuses the whole batch. */
function changesOf(set: ResourceRecordSet | null, record: Weights): Change[] {
  const next = changed(set, record);
  if (set === null) return [{ Action: "CREATE", ResourceRecordSet: next }];
  return [
    { Action: "DELETE", ResourceRecordSet: set },
    { Action: "CREATE", ResourceRecordSet: next },
  ];
}

function changed(set: ResourceRecordSet | null, record: Weights): ResourceRecordSet {
  return {
    ...(set ?? { Name: record.name, Type: record.type as RRType }),
    ...(record.to.weight !== undefined ? { Weight: record.to.weight } : {}),
    ...(record.to.values ? { ResourceRecords: record.to.values.map((Value) => ({ Value })) } : {}),
  } as ResourceRecordSet;
}

function checksOf(record: Weights, seen: Seen, i: number, given: Input): Check[] {
  const found = seen.records[i] ?? { set: null, protectedBy: null };
  const title = titleOf(record);
  const here = { level: "block" as const };
  if (found.set === null) {
    const why = seen.why ?? "it is not in the zone";
    return [{ id: `record.${i + 1}.from`, ...here, ok: false, says: `${title} can't be seen: ${why}.` }];
  }
  const as = says(found.set, record.from) || says(found.set, record.to);
  const ttl = found.set.TTL ?? null;
  const short = ttl === null ? found.set.AliasTarget !== undefined : ttl <= given.ttlSecondsMax;
  return [
    {
      id: `record.${i + 1}.from`,
      ...here,
      ok: as,
      says: as
        ? `${title} is ${say(found.set)}, as the plan expects.`
        : `${title} is ${say(found.set)}; the plan expects ${sayWeights(record.from)}. It was changed: plan again.`,
    },
    {
      id: `record.${i + 1}.ttl`,
      ...here,
      ok: short,
      says: `Resolvers keep ${title} for ${ttl ?? "an unknown number of"} s; the limit is ${given.ttlSecondsMax} s.`,
    },
    {
      id: `record.${i + 1}.unprotected`,
      ...here,
      ok: found.protectedBy === null,
      says:
        found.protectedBy === null
          ? `${title} is not protected.`
          : `${title} is protected (${found.protectedBy}); one protected record fails the whole batch.`,
      next: "Delete the protection first.",
    },
  ];
}

/** With every weight at 0 Route 53 answers with all of them alike: what was to be left gets its share again. */
function weighed(seen: Seen, given: Input): Check[] {
  const names = new Map<string, string>();
  given.records.forEach(({ name, type }) => void names.set(`${nameOf(name)} ${type}`, `${name} ${type}`));
  return [...names].flatMap(([key, title]) => {
    const mine = given.records.flatMap((record, i) => (`${nameOf(record.name)} ${record.type}` === key ? [i] : []));
    const after = mine.map((i) => given.records[i]?.to.weight ?? seen.records[i]?.set?.Weight);
    const weights = [...after, ...(seen.records[mine[0] ?? 0]?.otherWeights ?? [])].filter((one) => one !== undefined);
    if (weights.length === 0 || weights.some((weight) => Number(weight) > 0)) return [];
    const says = `Every weight of ${title} would be 0, and Route 53 then answers with all of them.`;
    return [{ id: "weights.some", level: "block" as const, ok: false, says, next: "Give one more than 0." }];
  });
}

function protectionsReadable({ protectionsReadable: ok }: Seen): Check {
  const says = ok
    ? "Record set protections can be read."
    : "Record set protections can't be read, and one of them would fail the whole batch.";
  return { id: "zone.protections", level: "warn", ok, says, next: "Allow route53:ListResourceRecordSetProtections." };
}

/** Without it a change that happened could not be seen to be everywhere, and the step would wait in vain. */
function changesReadable({ changesReadable: may }: Seen): Check {
  const says =
    may === false ? "Whether a change has reached every name server may not be asked." : "Changes can be followed.";
  return { id: "change.readable", level: "block", ok: may !== false, says, next: "Allow route53:GetChange." };
}

function tailOf(seen: Seen): number | null {
  const all = seen.records.flatMap((record) => (record.set?.TTL === undefined ? [] : [record.set.TTL]));
  return all.length === 0 ? null : Math.max(...all);
}

function say(set: ResourceRecordSet | null): string | null {
  if (set === null) return null;
  const target = set.AliasTarget?.DNSName;
  const values = target ? `alias of ${target}` : sorted(valuesOf(set));
  return set.Weight === undefined ? values : `${values} with weight ${set.Weight}`;
}

function sayWeights({ weight, values }: Saying): string {
  return [values ? sorted(values) : "", weight === undefined ? "" : `weight ${weight}`].filter(Boolean).join(" with ");
}

function titleOf({ name, type, setIdentifier }: Weights): string {
  return `${name} ${type}${setIdentifier ? ` (${setIdentifier})` : ""}`;
}

function valuesOf(set: ResourceRecordSet): string[] {
  return (set.ResourceRecords ?? []).map((record) => record.Value ?? "");
}

function sorted(values: readonly string[]): string {
  return [...values].sort().join(", ");
}
