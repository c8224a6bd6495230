import { z } from "zod";
import { change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import { type Check, type Done, defineAction, type ReadContext } from "../contract.ts";
import { undoneByHand } from "../undo.ts";
import { withRds } from "./client.ts";
import {
  eventsOf,
  type InstanceView,
  identityFact,
  isAvailable,
  isIdle,
  isThere,
  isUnderWay,
  lookAtInstance,
  newest,
  resourceOf,
  statusFact,
} from "./view.ts";
import { instanceId, rdsPlace, waitFor } from "./wait.ts";

const input = z.strictObject({
  ...rdsPlace,
  instance: instanceId,
  /** The zone it has to leave. Given, an instance that is elsewhere already counts as done. */
  fromZone: z.string().min(1).optional(),
});
type Input = z.infer<typeof input>;

interface Seen {
  /** Our clock, for nothing but how long ago the intent was. */
  readonly at: number;
  readonly identity: Identity;
  readonly instance: InstanceView;
  readonly eventsReadable: boolean;
  /** By AWS's clock, so that it is compared with itself only. */
  readonly failoverStartedAt: number | null;
  readonly failoverCompletedAt: number | null;
}

/** Makes a Multi-AZ instance change places. A second time is a failover back, so it is decided by zone and events alone. */
export const rebootFailover = defineAction<Input, Seen>({
  id: "rds.reboot_failover",
  summary: "Fail a Multi-AZ RDS instance over to its other zone, once, and see that the zone changed",
  input,
  risk: "disruptive",
  service: "interrupts",
  opens: () => true,
  repeat: "toggle",
  // AWS says 60 to 120 s are typical, and more with long transactions to recover.
  budget: { typicalSeconds: 90, warnSeconds: 300, failSeconds: 900 },
  resources: (given) => [resourceOf(given, given.instance)],
  observe: look,
  facts: (seen) => [
    identityFact(seen.instance),
    { id: "zone", label: "Zone", value: zoneOf(seen), material: true },
    statusFact(seen.instance),
  ],
  ready: (seen, given) => [
    rightAccount(seen.identity, given),
    isThere(seen.instance, given),
    isMultiAz(seen.instance),
    ...mayFailOver(seen.instance),
    eventsReadable(seen),
  ],
  done: isDone,
  async apply(ctx, given) {
    await insistOnAccount(ctx, given);
    ctx.progress(`${given.instance}: asking for a failover`);
    await change("rds:RebootDBInstance", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.rebootDBInstance({ DBInstanceIdentifier: given.instance, ForceFailover: true }, within),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given, before) {
    const from = given.fromZone ?? zoneOf(before);
    const started = performance.now();
    const seen = await waitFor(ctx, {
      what: `${given.instance} leaving ${from}`,
      given,
      look: () => look(ctx, given),
      arrived: (now) => isAvailable(now.instance) && moved(now, before, given),
      began: (now) => isUnderWay(now.instance) || moved(now, before, given) || startedSince(now, before),
      say: (now) => `${given.instance} is ${statusFact(now.instance).value} in ${zoneOf(now) ?? "an unknown zone"}`,
    });
    const zone = zoneOf(seen);
    const shown =
      zone === from
        ? `its events say the failover completed, while the zone shown is still ${from}`
        : `it runs in ${zone}`;
    return {
      says: `${given.instance} has failed over: ${shown}. Whether it takes writes is for a database check to show.`,
      facts: [
        { id: "fromZone", label: "Left", value: from, material: false },
        { id: "zone", label: "Runs in", value: zone, material: false },
        {
          id: "waitedSeconds",
          label: "Waited",
          value: Math.round((performance.now() - started) / 100) / 10,
          material: false,
        },
      ],
    };
  },
  undo: undoneByHand(
    ({ instance }) => `Fail ${instance} over once more, as a decision of its own: it goes back to its former zone.`,
  ),
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, instance, events] = await Promise.all([
    identify(ctx, given),
    lookAtInstance(ctx, given, given.instance),
    eventsOf(ctx, given, given.instance),
  ]);
  return {
    at: Date.now(),
    identity,
    instance,
    eventsReadable: events !== null,
    failoverStartedAt: newest(events, /failover started/i),
    failoverCompletedAt: newest(events, /failover completed/i),
  };
}

function zoneOf(seen: Seen): string | null {
  return seen.instance.present ? seen.instance.zone : null;
}

/** The identity that moves: the zone, or a completed failover the intent did not know of. */
function moved(now: Seen, before: Seen, given: Input): boolean {
  const from = given.fromZone ?? zoneOf(before);
  if (zoneOf(now) !== null && from !== null && zoneOf(now) !== from) return true;
  return later(now.failoverCompletedAt, before.failoverCompletedAt);
}

function startedSince(now: Seen, before: Seen): boolean {
  return later(now.failoverStartedAt, before.failoverStartedAt);
}

function later(now: number | null, before: number | null): boolean {
  return now !== null && now > (before ?? 0);
}

/** "No" is said only when enough time went by for an accepted request to show; until then no one knows. */
function isDone(now: Seen, given: Input, before: Seen | null): Done {
  if (!now.instance.present) return "unknown";
  if (before === null) {
    const elsewhere = given.fromZone !== undefined && zoneOf(now) !== null && zoneOf(now) !== given.fromZone;
    return elsewhere ? "yes" : "no";
  }
  if (moved(now, before, given) || startedSince(now, before) || isUnderWay(now.instance)) return "yes";
  if (!now.eventsReadable || !isAvailable(now.instance)) return "unknown";
  return now.at - before.at > given.startsWithinSeconds * 1000 ? "no" : "unknown";
}

/** Modifications that wait for the maintenance window do not keep RDS from failing over; a reboot may apply some of them. */
function mayFailOver(seen: InstanceView): readonly Check[] {
  const idle = isIdle(seen);
  if (idle.ok || !isAvailable(seen) || !seen.present) return [idle];
  const says = `Modifications wait: ${seen.pending.join(", ")}. Some may be applied by the reboot, and it may take longer.`;
  return [
    { ...idle, ok: true, says: `${seen.name} is available.` },
    { id: "instance.pending", level: "warn", ok: false, says },
  ];
}

function isMultiAz(seen: InstanceView): Check {
  const ok = seen.present && seen.multiAz;
  const says = ok ? `${seen.name} is Multi-AZ.` : `${seen.name} is not Multi-AZ: there is no standby to fail over to.`;
  return { id: "instance.multiAz", level: "block", ok, says, next: "Use rds.promote_replica or a restore." };
}

/** Without events a failover that is in progress can't be told from none, and a second one would go back. */
function eventsReadable({ eventsReadable: ok, instance }: Seen): Check {
  const says = ok
    ? `The events of ${instance.name} can be read.`
    : `The events of ${instance.name} can't be read, so a repeated failover could not be told.`;
  return { id: "instance.events", level: "block", ok, says, next: "Allow rds:DescribeEvents." };
}
