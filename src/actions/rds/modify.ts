import { z } from "zod";
import { after, awaited } from "../awaited.ts";
import { change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import { type Check, defineAction, type ReadContext } from "../contract.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { withRds } from "./client.ts";
import {
  doneAs,
  type InstanceView,
  identityFact,
  isAvailable,
  isIdle,
  isThere,
  isUnderWay,
  lookAtInstance,
  resourceOf,
  statusFact,
} from "./view.ts";
import { instanceId, rdsPlace, showsLate, waitFor } from "./wait.ts";

const multiAzInput = z.strictObject({ ...rdsPlace, instance: instanceId, after, multiAz: z.boolean().default(true) });
type MultiAz = z.infer<typeof multiAzInput>;

interface One {
  readonly identity: Identity;
  readonly instance: InstanceView;
}

/** Multi-AZ on or off, which is one modification RDS makes in its own time. */
export const setMultiAz = defineAction<MultiAz, One>({
  id: "rds.set_multi_az",
  summary: "Give an RDS instance a standby in another zone, or take it away",
  input: multiAzInput,
  risk: "reversible",
  service: "aside",
  repeat: "safe",
  ...showsLate,
  budget: { typicalSeconds: 900, warnSeconds: 1800, failSeconds: 5400 },
  resources: (given) => [resourceOf(given, given.instance)],
  async observe(ctx, given) {
    const [identity, instance] = await Promise.all([identify(ctx, given), lookAtInstance(ctx, given, given.instance)]);
    return { identity, instance };
  },
  facts: ({ instance }) => [
    identityFact(instance),
    { id: "multiAz", label: "Multi-AZ", value: instance.present ? instance.multiAz : null, material: true },
    statusFact(instance),
  ],
  ready: (seen, given, evidence) => [
    rightAccount(seen.identity, given),
    ...awaited([isThere(seen.instance, given), isIdle(seen.instance)], given.after, evidence),
  ],
  done: ({ instance }, given, before) =>
    doneAs(instance.present && instance.multiAz === given.multiAz, instance, before?.instance ?? null),
  async apply(ctx, given) {
    await insistOnAccount(ctx, given);
    await change("rds:ModifyDBInstance", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.modifyDBInstance(
          { DBInstanceIdentifier: given.instance, MultiAZ: given.multiAz, ApplyImmediately: true },
          within,
        ),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given) {
    await waitFor(ctx, {
      what: `${given.instance} being ${given.multiAz ? "" : "not "}Multi-AZ and available`,
      given,
      look: () => lookAtInstance(ctx, given, given.instance),
      arrived: (now) => now.present && isAvailable(now) && now.multiAz === given.multiAz && now.pending.length === 0,
      began: (now) => isUnderWay(now) || (now.present && (now.pending.length > 0 || now.multiAz === given.multiAz)),
      say: (now) => `${given.instance} is ${statusFact(now).value}`,
    });
    return {
      says: `${given.instance} is ${given.multiAz ? "" : "no longer "}Multi-AZ.`,
      facts: [{ id: "multiAz", label: "Multi-AZ", value: given.multiAz, material: false }],
    };
  },
  undo: undoneBy(({ instance: before }, { after: _after, ...given }) => {
    const { instance, multiAz } = given;
    if (before.present && before.multiAz === multiAz) return nothing(`${instance} was so before.`);
    const says = `${multiAz ? "Take the Multi-AZ standby of" : "Give a Multi-AZ standby to"} ${instance}${multiAz ? " away again" : " again"}`;
    return inverse("rds.set_multi_az", { ...given, multiAz: !multiAz }, says);
  }),
});

const renameInput = z.strictObject({ ...rdsPlace, from: instanceId, to: instanceId, after });
type Rename = z.infer<typeof renameInput>;

interface Pair {
  readonly identity: Identity;
  readonly from: InstanceView;
  readonly to: InstanceView;
}

/** Another name for an instance, so that its endpoint moves to the one that takes it over. */
export const rename = defineAction<Rename, Pair>({
  id: "rds.rename",
  summary: "Give an RDS instance another name, and with it another endpoint",
  input: renameInput,
  risk: "disruptive",
  service: "interrupts",
  repeat: "guarded",
  ...showsLate,
  budget: { typicalSeconds: 180, warnSeconds: 600, failSeconds: 1800 },
  resources: (given) => [resourceOf(given, given.from), resourceOf(given, given.to)],
  observe: lookAtPair,
  facts: (seen, given) => [
    identityFact(seen.from),
    { id: "nameFree", label: `${given.to} is free`, value: isFree(seen.to), material: true },
    statusFact(seen.from),
  ],
  ready: (seen, given, evidence) => [
    rightAccount(seen.identity, given),
    ...awaited([isThere(seen.from, given), isIdle(seen.from), nameFree(seen.to)], given.after, evidence),
  ],
  done(seen, _given, before) {
    const identity = before?.from.present ? before.from.resourceId : null;
    if (seen.to.present) return identity !== null && seen.to.resourceId === identity ? "yes" : "unknown";
    if (!seen.from.present) return "unknown";
    return doneAs(false, seen.from, before?.from ?? null);
  },
  async apply(ctx, given) {
    await insistOnAccount(ctx, given);
    await change("rds:ModifyDBInstance", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.modifyDBInstance(
          { DBInstanceIdentifier: given.from, NewDBInstanceIdentifier: given.to, ApplyImmediately: true },
          within,
        ),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given, before) {
    const identity = before.from.present ? before.from.resourceId : null;
    const seen = await waitFor(ctx, {
      what: `${given.from} being called ${given.to}`,
      given,
      look: () => lookAtPair(ctx, given),
      arrived: ({ from, to }) =>
        to.present && isAvailable(to) && to.resourceId === identity && !from.present && from.because === "missing",
      began: ({ from, to }) => isUnderWay(from) || (to.present && to.resourceId === identity),
      say: ({ from, to }) => `${given.from} is ${statusFact(from).value}, ${given.to} is ${statusFact(to).value}`,
    });
    return {
      says: `What was ${given.from} is now called ${given.to}; it is the same instance (${identity}).`,
      facts: [{ id: "endpoint", label: "Endpoint", value: seen.to.present ? seen.to.endpoint : null, material: false }],
    };
  },
  undo: undoneBy((_before, { after: _after, ...given }) => {
    const { from, to } = given;
    return inverse("rds.rename", { ...given, from: to, to: from }, `Rename ${to} back to ${from}`);
  }),
});

async function lookAtPair(ctx: ReadContext, given: Rename): Promise<Pair> {
  const [identity, from, to] = await Promise.all([
    identify(ctx, given),
    lookAtInstance(ctx, given, given.from),
    lookAtInstance(ctx, given, given.to),
  ]);
  return { identity, from, to };
}

export function isFree(view: InstanceView): boolean | null {
  if (view.present) return false;
  return view.because === "missing" ? true : null;
}

export function nameFree(view: InstanceView): Check {
  const free = isFree(view);
  const found = free ? "is free" : free === false ? "is taken" : "can't be looked for";
  return { id: "name.free", level: "block", ok: free === true, says: `The name ${view.name} ${found}.` };
}
