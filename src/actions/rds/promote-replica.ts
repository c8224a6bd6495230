import { z } from "zod";
import { change, type Identity, identify, insistOnAccount, rightAccount } from "../aws.ts";
import { type Readings, readMetric } from "../aws-metrics.ts";
import { type Check, type Done, defineAction, type Evidences, type ReadContext } from "../contract.ts";
import { clockOf, lossFact, sayWindow, secondsOf, type Window } from "../loss.ts";
import { neverUndone } from "../undo.ts";
import { withRds } from "./client.ts";
import {
  doneAs,
  eventsOf,
  type InstanceView,
  identityFact,
  isAvailable,
  isThere,
  isUnderWay,
  lookAtInstance,
  newest,
  replicaOf,
  resourceOf,
  statusFact,
} from "./view.ts";
import { instanceId, rdsPlace, showsLate, waitFor } from "./wait.ts";

const input = z.strictObject({
  ...rdsPlace,
  replica: instanceId,
  /** The instance it has to be a replica of, and that one's region; left out: of whichever it is. */
  source: instanceId.optional(),
  sourceRegion: rdsPlace.region.optional(),
  /** The step that fenced the old primary: without its evidence no one is promoted. */
  fenceStep: z.string().min(1),
  /**
   * The `postgres.check` of the same pair: where the old primary did not answer it, its newest replicated write is the figure, as people
   * were shown it. Without it CloudWatch's is, which is to the minute.
   */
  lossStep: z.string().min(1).optional(),
  /**
   * The `postgres.drain` of the same pair. What it showed decides once it is done: ReplicaLag is the age of the newest commit, so it
   * grows from the fence on, with nothing missing.
   */
  drainStep: z.string().min(1).optional(),
  maxLagSeconds: z.number().min(0).max(86_400),
  /** Unplanned mode: lag that is too much or unknown, and a primary that can't be fenced, are accepted. */
  allowDataLoss: z.boolean().default(false),
  /** Automatic backups of the new primary. AWS's own default would be one day. */
  retentionDays: z.number().int().min(1).max(35).default(7),
});
type Input = z.infer<typeof input>;

interface Seen {
  readonly identity: Identity;
  readonly instance: InstanceView;
  readonly lag: Readings;
  readonly promotedAt: number | null;
}

/** Makes a read replica a primary of its own. RDS reboots it on the way; how long that takes has no upper bound. */
export const promoteReplica = defineAction<Input, Seen>({
  id: "rds.promote_replica",
  summary: "Promote an RDS read replica, and see that it replicates nothing any more",
  input,
  risk: "irreversible",
  service: "interrupts",
  opens: () => true,
  promotes: true,
  endsFence: true,
  repeat: "guarded",
  ...showsLate,
  budget: { typicalSeconds: 600, warnSeconds: 900, failSeconds: 2700 },
  resources: (given) => [resourceOf(given, given.replica)],
  observe: look,
  facts: (seen, given) => [
    lossFact(sayWindow(windowOf(seen, null)), subjectOf(seen.instance, given)),
    identityFact(seen.instance),
    { id: "source", label: "Replicates", value: sourceOf(seen.instance), material: true },
    {
      id: "lagWithinLimit",
      label: "Lag within the limit",
      value: withinLimit(seen, given),
      // Between the approval and the start stands the fence, from which on the lag grows.
      material: given.drainStep === undefined,
    },
    { id: "newestWriteAt", label: "Newest replicated write", value: newestWrite(seen), material: false },
    statusFact(seen.instance),
  ],
  ready: (seen, given, evidence) => [
    rightAccount(seen.identity, given),
    isThere(seen.instance, given),
    isReplica(seen.instance),
    ...rightSource(seen.instance, given),
    canBegin(seen.instance),
    replicates(seen.instance, given),
    isDrained(given, evidence) ? everythingThere(given) : lagWithin(seen, given),
    fenceHolds(given, evidence),
  ],
  done: isDone,
  async apply(ctx, given) {
    await insistOnAccount(ctx, given);
    ctx.progress(`${given.replica}: asking for its promotion`);
    await change("rds:PromoteReadReplica", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.promoteReadReplica(
          { DBInstanceIdentifier: given.replica, BackupRetentionPeriod: given.retentionDays },
          within,
        ),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given, before) {
    const seen = await waitFor(ctx, {
      what: `${given.replica} replicating nothing and being available`,
      given,
      look: () => lookAtInstance(ctx, given, given.replica),
      arrived: (now) => now.present && isAvailable(now) && now.source === null && now.replication === null,
      began: (now) => isUnderWay(now) || (now.present && now.source === null),
      say: (now) =>
        `${given.replica} is ${statusFact(now).value} and ${now.present && now.source === null ? "replicates nothing" : "still a replica"}`,
    });
    const drained = isDrained(given, ctx);
    const window = shownWindow(ctx, given) ?? windowOf(before, fencedAt(ctx, given));
    const lost = drained ? "nothing: it had everything the old primary wrote" : sayWindow(window);
    return {
      says: `${given.replica} is a primary of its own${seen.present && seen.endpoint ? ` at ${seen.endpoint}` : ""}. Whether it takes writes is for a database check to show. Lost: ${lost}.`,
      facts: [
        { id: "promoted", label: "Promoted", value: given.replica, material: false },
        { id: "endpoint", label: "Endpoint", value: seen.present ? seen.endpoint : null, material: false },
        { id: "loss", label: "Lost", value: lost, material: false },
      ],
      rpo: drained
        ? {
            ...{ subject: subjectOf(seen, given), seconds: 0, rows: 0 },
            method: "it had everything the fenced primary wrote",
          }
        : {
            // What `postgres.verify` counts there replaces this.
            subject: subjectOf(seen, given),
            seconds: atMost(secondsOf(window), lagOf(before)),
            rows: null,
            method:
              window.keptUntil === null
                ? "not measurable here: CloudWatch had no ReplicaLag before the promotion"
                : `${window.origin}, against ${window.lostUntil === null ? "an unknown end of the old primary's writes" : "the fence"}`,
            ...(window.keptUntil !== null && { keptUntil: new Date(window.keptUntil).toISOString() }),
          },
    };
  },
  undo: neverUndone(
    ({ replica }) =>
      `It writes a history of its own from here on. The way back is a new replica made from ${replica}, and a planned failback.`,
  ),
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, instance, events, lag] = await Promise.all([
    identify(ctx, given),
    lookAtInstance(ctx, given, given.replica),
    eventsOf(ctx, given, given.replica),
    readMetric(ctx, given, {
      namespace: "AWS/RDS",
      name: "ReplicaLag",
      dimensions: { DBInstanceIdentifier: given.replica },
      statistic: "Maximum",
      windowSeconds: 180,
      periodSeconds: 60,
    }),
  ]);
  return { identity, instance, lag, promotedAt: newest(events, /promoted read replica/i) };
}

function sourceOf(view: InstanceView): string | null {
  return view.present ? view.source : null;
}

function lagOf({ lag }: Seen): number | null {
  return lag.values[0] ?? null;
}

function withinLimit(seen: Seen, { maxLagSeconds }: Input): boolean | null {
  const lag = lagOf(seen);
  return lag === null ? null : lag <= maxLagSeconds;
}

/** As `postgres.*` names the same server, where its endpoint is known. */
function subjectOf(seen: InstanceView, given: Input): string {
  return seen.present && seen.endpoint ? `postgres:${seen.endpoint.toLowerCase()}` : resourceOf(given, given.replica);
}

/** ReplicaLag is an age: taken from the moment it was measured it says from when the newest write is, which stays as it is. */
function windowOf({ lag, instance }: Seen, lostUntil: number | null): Window {
  const [age] = lag.values;
  const keptUntil = age === undefined || lag.newestAt === null ? null : lag.newestAt - age * 1000;
  const why =
    keptUntil === null
      ? (lag.why ?? "CloudWatch has no ReplicaLag of the last three minutes")
      : "until when the old primary wrote is not seen here";
  return {
    keptUntil,
    lostUntil,
    why,
    origin: `the newest that reached ${instance.name}, by CloudWatch's ReplicaLag to the minute`,
  };
}

/** The figure of the decision, where it is from the database itself; the old primary has written nothing that counts since. */
function shownWindow(evidence: Evidences, given: Input): Window | null {
  const facts = given.lossStep === undefined ? undefined : evidence.evidenceOf(given.lossStep)?.facts;
  const fact = (id: string) => facts?.find((one) => one.id === id)?.value;
  const newest = fact("newestWriteAt");
  if (fact("primaryReachable") !== false || typeof newest !== "string") return null;
  const origin = `the newest that reached ${given.replica}`;
  return { keptUntil: Date.parse(newest), lostUntil: null, origin, why: "the old primary does not answer" };
}

/** Measured before the fence or after it, the lag is no less than what is missing. */
function atMost(seconds: number | null, lag: number | null): number | null {
  return seconds === null || lag === null ? seconds : Math.min(seconds, lag);
}

function newestWrite(seen: Seen): string | null {
  const { keptUntil } = windowOf(seen, null);
  return keptUntil === null ? null : clockOf(keptUntil);
}

function fencedAt(evidence: Evidences, { fenceStep }: Input): number | null {
  const value = evidence.evidenceOf(fenceStep)?.facts.find(({ id }) => id === "fencedAt")?.value;
  return typeof value === "string" ? Date.parse(value) : null;
}

/** With nothing recorded, a stand-alone instance counts only when RDS's events say that it was promoted. */
function isDone(seen: Seen, _given: Input, before: Seen | null): Done {
  const alone = seen.instance.present && seen.instance.source === null;
  if (before === null) return alone && seen.promotedAt !== null ? "yes" : seen.instance.present ? "no" : "unknown";
  const wasReplica = sourceOf(before.instance) !== null;
  return doneAs(alone && (wasReplica || seen.promotedAt !== null), seen.instance, before.instance);
}

function isReplica(seen: InstanceView): Check {
  const source = sourceOf(seen);
  const says =
    source === null
      ? `${seen.name} is no read replica, so there is nothing to promote.`
      : `${seen.name} replicates ${source}.`;
  return { id: "replica.isReplica", level: "block", ok: source !== null, says };
}

function rightSource(seen: InstanceView, { account, region, source, sourceRegion = region }: Input): readonly Check[] {
  return source === undefined ? [] : [replicaOf("replica.source", seen, { account, source, sourceRegion })];
}

function canBegin(seen: InstanceView): Check {
  const id = "replica.available";
  if (isAvailable(seen)) return { id, level: "block", ok: true, says: `${seen.name} is available.` };
  const why = seen.present && seen.status === "backing-up" ? " RDS refuses a promotion during a backup." : "";
  return {
    id,
    level: "block",
    ok: false,
    says: `${seen.name} is ${statusFact(seen).value}; it has to be available.${why}`,
  };
}

function replicates(seen: InstanceView, { allowDataLoss }: Input): Check {
  const replication = seen.present ? seen.replication : null;
  const ok = replication?.normal === true && replication.status === "replicating";
  return {
    id: "replica.replicating",
    level: allowDataLoss ? "warn" : "block",
    ok,
    says: `By RDS's own account replication on ${seen.name} is ${replication?.status ?? "unknown"}${ok ? "." : "; it has to be replicating."}`,
  };
}

/** The position it had reached was the last the fenced primary wrote. */
function isDrained({ drainStep }: Input, evidence: Evidences): boolean {
  const facts = drainStep === undefined ? undefined : evidence.evidenceOf(drainStep)?.facts;
  return facts?.some(({ id, value }) => id === "drained" && value === true) ?? false;
}

function everythingThere({ replica }: Input): Check {
  const says = `${replica} has everything the fenced primary wrote.`;
  return { id: "replica.lag", level: "block", ok: true, says };
}

function lagWithin(seen: Seen, given: Input): Check {
  const ok = withinLimit(seen, given) === true;
  const lag = lagOf(seen);
  const found = lag === null ? `unknown (${seen.lag.why ?? "no data for 180 s"})` : `${lag} s`;
  const next = ok ? "" : " Wait until it has caught up, or run it unplanned and accept the loss.";
  return {
    id: "replica.lag",
    level: given.allowDataLoss ? "warn" : "block",
    ok,
    says: `The lag of ${given.replica} is ${found}; the limit is ${given.maxLagSeconds} s.${next}`,
  };
}

function fenceHolds({ fenceStep, allowDataLoss }: Input, evidence: Evidences): Check {
  const id = "evidence.fence";
  const facts = evidence.evidenceOf(fenceStep)?.facts;
  const fact = (name: string) => facts?.find((one) => one.id === name)?.value;
  if (fact("fenced") === true) return { id, level: "block", ok: true, says: "The old primary is fenced." };
  if (fact("fenceAccepted") === true && allowDataLoss) {
    return { id, level: "block", ok: true, says: "The old primary could not be fenced, which was accepted." };
  }
  const says = `There is no evidence that the old primary is fenced: step ${fenceStep} has to be verified first.`;
  return { id, level: "block", ok: false, says, madeSoBy: { steps: [fenceStep] } };
}
