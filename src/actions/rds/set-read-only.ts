import { z } from "zod";
import { awsErrorOf, change, type Identity, identify, insistOnAccount, rightAccount, silentRegion } from "../aws.ts";
import {
  type Check,
  type Done,
  defineAction,
  type Fact,
  type ReadContext,
  type UndoContext,
  unfencedFact,
} from "../contract.ts";
import { until } from "../poll.ts";
import { inverse, nothing, undoneBy } from "../undo.ts";
import { pagesOf, withRds } from "./client.ts";
import { type InstanceView, isThere, lookAtInstance, statusFact } from "./view.ts";
import { instanceId, rdsPlace } from "./wait.ts";

const input = z.strictObject({
  ...rdsPlace,
  /** `in-sync` is shown for a moment longer than it is true, so two looks have to be some seconds apart. */
  pollSeconds: rdsPlace.pollSeconds.removeDefault().default(5),
  instance: instanceId,
  /** The instance's own group: what is changed in it holds for every instance that uses it. */
  parameterGroup: z.string().regex(/^[a-zA-Z][a-zA-Z0-9-]{0,254}$/, "has to be the name of a parameter group"),
  readOnly: z.boolean(),
  /** Unplanned mode only: go on although its region does not answer and nothing can be set there. */
  acceptUnreachable: z.boolean().default(false),
  /** Its replica: once that one was promoted, this one must not take writes again. */
  standby: z
    .strictObject({ region: rdsPlace.region, instance: instanceId, acceptUnreachable: z.boolean().default(false) })
    .optional(),
});
type Input = z.infer<typeof input>;

/** With `acceptUnreachable`, a server that does not take the parameter in is waited for so long and no longer. */
const ACCEPTED_WAIT_SECONDS = 30;
/** So many looks the group has to say it, where the instance can't show that it was taken in. */
const LOOKS_UNSEEN = 5;
const PARAMETER = "default_transaction_read_only";

interface Seen {
  readonly identity: Identity;
  readonly instance: InstanceView;
  /** `1`, `0`, or null where the group leaves it to PostgreSQL. */
  readonly value: string | null;
  /** Why the group can't be read; null when it can. */
  readonly why: string | null;
  readonly silent: boolean;
  readonly applied: boolean;
  /** Another change in the group waits for a reboot, so the instance does not show when this one is taken in. */
  readonly awaitsReboot?: boolean;
  /** Other instances of this region that use the group: they would be changed, too. */
  readonly alsoUsedBy: readonly string[];
  /** Why it isn't known which; absent: it is. */
  readonly usersUnknown?: string;
  readonly standby?: InstanceView;
}

/**
 * The fence RDS allows: no one has `alter system` there, so the instance's parameter group makes new transactions
 * read-only. It reaches sessions that are open as well, at their next transaction. Seeing that the application is refused is
 * for `postgres.fence` with `readOnlyBy: earlier-step`.
 */
export const setReadOnly = defineAction<Input, Seen>({
  id: "rds.set_read_only",
  fences: ({ readOnly }) => readOnly !== false,
  summary: "Make an RDS instance read-only by its parameter group, or let it take writes again",
  input,
  risk: "reversible",
  service: ({ readOnly }) => (readOnly === false ? "restores" : "interrupts"),
  opens: ({ readOnly }) => readOnly === false,
  repeat: "safe",
  budget: { typicalSeconds: 20, warnSeconds: 90, failSeconds: 300 },
  resources: (given) => [`rds:${given.account}:${given.region}:parameters/${given.parameterGroup}`],
  goesWithout: ({ acceptUnreachable }) => (acceptUnreachable ? "all" : []),
  observe: look,
  facts: (seen, given): Fact[] => [
    ...unfencedFact(given.readOnly && seen.silent && given.acceptUnreachable ? given.instance : null),
    { id: "regionAnswers", label: "Its region answers", value: !seen.silent, material: true },
    { id: "readOnly", label: "Read-only by its group", value: seen.why === null ? isOn(seen) : null, material: true },
    statusFact(seen.instance),
  ],
  ready: checksOf,
  done: isDone,
  async apply(ctx, given, seen) {
    if (seen.silent && given.acceptUnreachable) return { unreachable: seen.why ?? "no answer" };
    await insistOnAccount(ctx, given);
    await change("rds:ModifyDBParameterGroup", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.modifyDBParameterGroup(
          {
            DBParameterGroupName: given.parameterGroup,
            Parameters: [
              { ParameterName: PARAMETER, ParameterValue: given.readOnly ? "1" : "0", ApplyMethod: "immediate" },
            ],
          },
          within,
        ),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given, earlier, handle) {
    if (typeof handle?.unreachable === "string") {
      return {
        says: `NOT FENCED: ${given.region} does not answer (${handle.unreachable}), so ${given.instance} was left as it is. If it comes back it may take writes.`,
        facts: [...openFact(given), { id: "readOnly", label: "Read-only by its group", value: null, material: false }],
      };
    }
    let state = "The parameter group was not seen";
    let before = false;
    let unseen = 0;
    const end = performance.now() + ACCEPTED_WAIT_SECONDS * 1000;
    const settled = await until(
      {
        what: `${given.instance} having its parameters in sync`,
        seconds: ctx.budget.failSeconds * 0.9,
        everyMilliseconds: given.pollSeconds * 1000,
        signal: ctx.signal,
        stateNow: () => state,
      },
      async () => {
        const now = await look(ctx, given);
        state = sayNow(now, given);
        ctx.progress(state);
        const there = isDone(now, given) === "yes" && now.applied;
        // `in-sync` is shown for a moment longer than it is true: two looks in a row.
        const twice = there && before;
        before = there;
        if (twice) return "settled";
        // It would be waited for until someone reboots the instance; whether writes are refused is for the next step to see.
        unseen = earlier?.awaitsReboot && now.awaitsReboot && isDone(now, given) === "yes" ? unseen + 1 : 0;
        if (unseen >= LOOKS_UNSEEN) return "unseen";
        return given.acceptUnreachable && performance.now() > end ? "accepted" : null;
      },
    );
    if (settled === "accepted") {
      return {
        says: `${given.instance} has not taken it in within ${ACCEPTED_WAIT_SECONDS} s (${state}). Going on is accepted by this run's plan.`,
        facts: [...openFact(given), { id: "readOnly", label: "Read-only by its group", value: null, material: false }],
      };
    }
    const doubt =
      settled === "unseen"
        ? " Another change in the group waits for a reboot, so RDS can't show when this one applies."
        : "";
    return {
      says: `By its parameter group ${given.instance} ${given.readOnly ? "makes new transactions read-only" : "takes writes"}. Whether the application is refused is for a look at the database to show.${doubt}`,
      facts: [{ id: "readOnly", label: "Read-only by its group", value: given.readOnly, material: false }],
    };
  },
  undo: undoneBy((before, given, plan) => {
    const { instance, readOnly } = given;
    if (before.why === null && isOn(before) === readOnly) return nothing(`${instance} was so before.`);
    const says = readOnly ? `Let ${instance} take writes again` : `Make ${instance} read-only again`;
    const { standby: _former, ...rest } = given;
    const standby = readOnly ? replicaIn(plan, given) : undefined;
    const input = { ...rest, readOnly: !readOnly, acceptUnreachable: false, ...(standby && { standby }) };
    return inverse("rds.set_read_only", input, says);
  }),
});

/** The replica the plan was to promote, which is not to be joined by a second server that takes writes. */
function replicaIn({ calls, acceptUnreachable }: UndoContext, given: Input): Input["standby"] {
  const named = z.looseObject({ account: z.literal(given.account), region: z.string(), replica: z.string() });
  for (const { action, input } of calls) {
    const found = action === "rds.promote_replica" ? named.safeParse(input) : null;
    if (found?.success) return { region: found.data.region, instance: found.data.replica, acceptUnreachable };
  }
  return undefined;
}

/** Silent is not quiet: a replica that was promoted and can't be asked takes writes. */
function stillReplica(standby: InstanceView, { standby: given, instance }: Input): Check {
  const accepted = given?.acceptUnreachable === true;
  const id = "standby.replicates";
  if (standby.present) {
    const ok = standby.source !== null;
    const says = ok
      ? `${standby.name} is still a replica.`
      : `${standby.name} was promoted: opening ${instance} too would be split brain.`;
    return { id, level: "block", ok, says, next: "Make it a replica instead." };
  }
  if (standby.because === "missing") return { id, level: "block", ok: true, says: `${standby.name} is not there.` };
  const says = accepted
    ? `${standby.name} can't be seen: if it was promoted, two servers take writes. This run accepts that.`
    : `${standby.name} can't be seen (${standby.why}), so it's unknown whether it takes writes.`;
  return {
    id,
    level: accepted ? "warn" : "block",
    ok: false,
    says,
    ...(!accepted && { next: "Run it unplanned to accept that." }),
  };
}

function openFact({ readOnly, instance }: Input): readonly Fact[] {
  return unfencedFact(readOnly ? instance : null);
}

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const { standby: other } = given;
  const [identity, instance, group, others, standby] = await Promise.all([
    identify(ctx, given),
    lookAtInstance(ctx, given, given.instance),
    parameterOf(ctx, given),
    othersWith(ctx, given),
    other === undefined ? null : lookAtInstance(ctx, { ...given, region: other.region }, other.instance),
  ]);
  const applied = instance.present && instance.parametersInSync;
  const awaitsReboot = instance.present && instance.parametersAwaitReboot;
  return { identity, instance, ...group, applied, awaitsReboot, ...others, ...(standby && { standby }) };
}

async function parameterOf(ctx: ReadContext, given: Input): Promise<Pick<Seen, "value" | "why" | "silent">> {
  try {
    const about = { DBParameterGroupName: given.parameterGroup, Source: "user" };
    const pages = await withRds(ctx, given, "read", (rds, within) =>
      pagesOf((from) => rds.describeDBParameters({ ...about, ...from }, within)),
    );
    const found = pages
      .flatMap(({ Parameters = [] }) => Parameters)
      .find(({ ParameterName }) => ParameterName === PARAMETER);
    return { value: found?.ParameterValue ?? null, why: null, silent: false };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    const lacks = kind === "denied" ? " Allow rds:DescribeDBParameters." : "";
    return { value: null, why: `${says}${lacks}`, silent: kind === "silent" };
  }
}

async function othersWith(ctx: ReadContext, given: Input): Promise<Pick<Seen, "alsoUsedBy" | "usersUnknown">> {
  try {
    const pages = await withRds(ctx, given, "read", (rds, within) =>
      pagesOf((from) => rds.describeDBInstances(from, within)),
    );
    const alsoUsedBy = pages
      .flatMap(({ DBInstances = [] }) => DBInstances)
      .filter((one) => one.DBParameterGroups?.some((used) => used.DBParameterGroupName === given.parameterGroup))
      .map((one) => one.DBInstanceIdentifier ?? "")
      .filter((name) => name !== given.instance);
    return { alsoUsedBy };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { kind, says } = awsErrorOf(error);
    return { alsoUsedBy: [], usersUnknown: `${says}.${kind === "denied" ? " Allow rds:DescribeDBInstances." : ""}` };
  }
}

function isOn(seen: Seen): boolean {
  return seen.value === "1" || seen.value === "on";
}

function isDone(seen: Seen, given: Input): Done {
  if (seen.why !== null || !seen.instance.present) return seen.silent && given.acceptUnreachable ? "no" : "unknown";
  // What is requested and not taken in yet is waited for, not requested again.
  return isOn(seen) === given.readOnly ? "yes" : "no";
}

function sayNow(seen: Seen, given: Input): string {
  const value = seen.why ?? `${PARAMETER} is ${seen.value ?? "not set"}`;
  return `${given.parameterGroup}: ${value}; ${seen.applied ? "in sync" : "not in sync yet"}`;
}

function checksOf(seen: Seen, given: Input): Check[] {
  if (seen.silent && given.acceptUnreachable) {
    const says = `${given.region} does not answer, so ${given.instance} can't be made read-only; you accept this by approving.`;
    return [{ id: "group.readable", level: "warn", ok: false, says, ...silentRegion(given) }];
  }
  const uses = seen.instance.present && seen.instance.parameterGroups.includes(given.parameterGroup);
  const block = (id: string, ok: boolean, says: string): Check => ({ id, level: "block", ok, says });
  return [
    rightAccount(seen.identity, given),
    isThere(seen.instance, given),
    ...(seen.standby && !given.readOnly ? [stillReplica(seen.standby, given)] : []),
    block("group.readable", seen.why === null, `${given.parameterGroup} ${seen.why ?? "can be read"}.`),
    ...(seen.awaitsReboot ? [rebootAwaited(given)] : []),
    block("group.used", uses, `${given.instance} ${uses ? "uses" : "does not use"} ${given.parameterGroup}.`),
    groupIsItsOwn(seen, given),
  ];
}

/** The one who shares the group is changed with it: not to know who does is no yes. */
function groupIsItsOwn({ alsoUsedBy, usersUnknown }: Seen, { parameterGroup, instance }: Input): Check {
  const next = `Give ${instance} a group of its own.`;
  const check = (ok: boolean, says: string): Check => ({ id: "group.own", level: "block", ok, says });
  if (parameterGroup.startsWith("default."))
    return { ...check(false, `${parameterGroup} is AWS's own and can't be changed.`), next };
  if (usersUnknown !== undefined)
    return check(false, `Which instances use ${parameterGroup} can't be read: ${usersUnknown}`);
  if (alsoUsedBy.length === 0) return check(true, `${parameterGroup} is used by nothing else.`);
  const shared = alsoUsedBy.join(", ");
  return { ...check(false, `${parameterGroup} is also used by ${shared}, which would be changed with it.`), next };
}

function rebootAwaited({ parameterGroup, instance }: Input): Check {
  const says = `A change in ${parameterGroup} waits for a reboot of ${instance}. RDS can't show when this one applies.`;
  return { id: "group.inSync", level: "warn", ok: false, says };
}
