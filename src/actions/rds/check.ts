import { z } from "zod";
import { after } from "../awaited.ts";
import { type Identity, identify, rightAccount } from "../aws.ts";
import type { Check, Fact, ReadContext } from "../contract.ts";
import { defineLook } from "../read.ts";
import { eventsOf, type InstanceView, isThere, lookAtInstance, replicaOf, type Source, statusFact } from "./view.ts";
import { instanceId, rdsPlace } from "./wait.ts";

const input = z.strictObject({
  ...rdsPlace,
  instance: instanceId,
  after,
  /** What it has to be. What is left out is shown and judged by no one. */
  expect: z
    .strictObject({
      multiAz: z.boolean().optional(),
      role: z.enum(["primary", "replica"]).optional(),
      /** A replica of this instance and of no other. */
      replicaOf: instanceId.optional(),
      sourceRegion: rdsPlace.region.optional(),
      retentionDaysMin: z.number().int().min(0).max(35).optional(),
    })
    .prefault({}),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly instance: InstanceView;
  readonly lastEvent: string | null;
  readonly eventsReadable: boolean;
}

/** Looks at an RDS instance and says whether it is what the runbook takes it for. */
export const check = defineLook<Input, Seen>({
  id: "rds.check",
  summary: "Look at an RDS instance: is it there, available, and what the runbook takes it for",
  input,
  budget: { typicalSeconds: 2, warnSeconds: 10, failSeconds: 30 },
  observe: look,
  facts: factsOf,
  checks: checksOf,
  where: ({ instance }) => instance,
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, instance, events] = await Promise.all([
    identify(ctx, given),
    lookAtInstance(ctx, given, given.instance),
    eventsOf(ctx, given, given.instance),
  ]);
  return { identity, instance, eventsReadable: events !== null, lastEvent: events?.at(-1)?.says ?? null };
}

function factsOf({ instance, lastEvent }: Seen): Fact[] {
  const fact = (id: string, label: string, value: Fact["value"]): Fact => ({ id, label, value, material: false });
  const role = instance.present ? (instance.source === null ? "primary" : `replica of ${instance.source}`) : null;
  return [
    statusFact(instance),
    fact("role", "Role", role),
    fact("multiAz", "Multi-AZ", instance.present ? instance.multiAz : null),
    fact("zone", "Zone", instance.present ? instance.zone : null),
    fact("retentionDays", "Backups kept, days", instance.present ? instance.retentionDays : null),
    fact("lastEvent", "Last event", lastEvent),
  ];
}

function checksOf({ identity, instance, eventsReadable }: Seen, given: Input): Check[] {
  const checks = [rightAccount(identity, given), isThere(instance, given)];
  if (!instance.present) return checks;
  const must = (id: string, ok: boolean, found: string, wanted: string) =>
    checks.push({ id, level: "block", ok, says: `${instance.name} ${found}${ok ? "." : `; ${wanted}.`}` });
  must("instance.available", instance.status === "available", `is ${instance.status}`, "it has to be available");
  const { multiAz, role, retentionDaysMin } = given.expect;
  if (multiAz !== undefined) {
    const found = `is ${instance.multiAz ? "" : "not "}Multi-AZ`;
    must("instance.multiAz", instance.multiAz === multiAz, found, `it has to be ${multiAz ? "" : "not "}so`);
  }
  if (role !== undefined) {
    const is = instance.source === null ? "primary" : "replica";
    must("instance.role", is === role, `is a ${is}`, `it has to be a ${role}`);
  }
  if (given.expect.replicaOf !== undefined)
    checks.push(replicaOf("instance.source", instance, sourceOf(given, given.expect.replicaOf)));
  if (retentionDaysMin !== undefined) {
    const kept = instance.retentionDays;
    must("instance.backups", kept >= retentionDaysMin, `keeps backups ${kept} days`, `at least ${retentionDaysMin}`);
  }
  const says = `The events ${eventsReadable ? "can" : "can't"} be read.`;
  const next = "Allow rds:DescribeEvents.";
  return [...checks, { id: "instance.events", level: "warn", ok: eventsReadable, says, next }];
}

function sourceOf({ account, region, expect }: Input, source: string): Source {
  return { account, source, sourceRegion: expect.sourceRegion ?? region };
}
