import { z } from "zod";
import { awsErrorOf, change, type Identity, identify, insistOnAccount, rightAccount, rightArn } from "../aws.ts";
import {
  type ApplyContext,
  type Check,
  type Done,
  defineAction,
  type Evidence,
  type ReadContext,
  unfencedFact,
} from "../contract.ts";
import { byHand, inverse, neverUndone, nothing, undoneBy } from "../undo.ts";
import { withRds } from "./client.ts";
import { rdsPlace, showsLate, waitFor } from "./wait.ts";

const globalId = z.string().regex(/^[a-zA-Z][a-zA-Z0-9-]{0,62}$/, "has to be a global cluster identifier");
const clusterArn = z.string().regex(/^arn:aws[a-z-]*:rds:[a-z0-9-]+:\d{12}:cluster:.+$/, "has to be a cluster's ARN");

/** `region` is the target's: the one that has to be there when the other is not. */
const switchInput = z.strictObject({ ...rdsPlace, global: globalId, target: clusterArn });
const failInput = z.strictObject({
  ...switchInput.shape,
  /** Written out, always: left out, AWS would take it for a switchover and wait for the region that is gone. */
  allowDataLoss: z.literal(true),
});
type Input = z.infer<typeof switchInput>;

interface Member {
  readonly arn: string;
  readonly writer: boolean;
  readonly synchronization: string | null;
}

interface Seen {
  readonly identity: Identity;
  readonly members: readonly Member[];
  /** A switchover or failover that is in progress, and where it goes. */
  readonly moving: { readonly status: string; readonly to: string } | null;
  readonly why: string | null;
}

/** The planned way: every write arrives, so both regions have to be well. */
export const globalSwitchover = defineAction<Input, Seen>({
  ...shared("SwitchoverGlobalCluster"),
  id: "rds.global_switchover",
  summary: "Move the writer of an Aurora global database to another region without loss",
  input: switchInput,
  risk: "disruptive",
  service: "interrupts",
  opens: () => true,
  endsFence: true,
  ready: (seen, given) => [...checksOf(seen, given), isSynchronized(seen, given)],
  undo: undoneBy((before, given) => {
    const target = writerOf(before);
    const region = target?.split(":")[3];
    if (target === null || region === undefined) return byHand("The former writer was not seen: name it.");
    if (target === given.target) return nothing("It was the writer before.");
    return inverse(
      "rds.global_switchover",
      { ...given, region, target },
      `Move the writer of ${given.global} back to ${target}`,
    );
  }),
});

/** The unplanned way: what had not been replicated is lost. */
export const globalFailover = defineAction<z.infer<typeof failInput>, Seen>({
  ...shared("FailoverGlobalCluster"),
  id: "rds.global_failover",
  summary: "Make another region's cluster the writer of an Aurora global database and accept what is lost",
  input: failInput,
  risk: "irreversible",
  service: "interrupts",
  opens: () => true,
  endsFence: true,
  ready: (seen, given) => checksOf(seen, given),
  undo: neverUndone(() => "What was lost stays lost. The way back is a switchover once both regions are well."),
});

function shared(operation: "SwitchoverGlobalCluster" | "FailoverGlobalCluster") {
  return {
    repeat: "guarded",
    ...showsLate,
    budget: { typicalSeconds: 120, warnSeconds: 600, failSeconds: 1800 },
    resources: ({ account, global }: Input) => [`rds:${account}:global/${global.toLowerCase()}`],
    observe: look,
    facts: (seen: Seen, given: Input) => [
      // AWS tries to stop the old writer by itself, and does not show here whether it could.
      ...unfencedFact(operation === "FailoverGlobalCluster" ? leftBehind(seen, given) : null),
      { id: "loss", label: "Would be lost", value: sayLoss(operation), material: false },
      { id: "writer", label: `Writer of ${given.global}`, value: writerOf(seen), material: true },
      { id: "becomesWriter", label: "Becomes writer", value: given.target, material: true },
      { id: "moving", label: "In progress", value: seen.moving?.status ?? null, material: false },
    ],
    done: isDone,
    async apply(ctx: ApplyContext, given: Input) {
      await insistOnAccount(ctx, given);
      const target = { GlobalClusterIdentifier: given.global, TargetDbClusterIdentifier: given.target };
      await change(`rds:${operation}`, () =>
        withRds(ctx, given, "change", (rds, within) =>
          operation === "SwitchoverGlobalCluster"
            ? rds.switchoverGlobalCluster(target, within)
            : rds.failoverGlobalCluster({ ...target, AllowDataLoss: true }, within),
        ),
      );
      return { asked: true };
    },
    verify: async (ctx: ApplyContext, given: Input, before: Seen) => {
      const seen = await seenMoved(ctx, given, before);
      const open = unfencedFact(operation === "FailoverGlobalCluster" ? leftBehind(before, given) : null);
      return { ...seen, facts: [...open, ...seen.facts] };
    },
  } as const;
}

function leftBehind(seen: Seen, { target }: Input): string | null {
  const writer = writerOf(seen);
  return writer === target ? null : writer;
}

async function seenMoved(ctx: ApplyContext, given: Input, before: Seen): Promise<Evidence> {
  await waitFor(ctx, {
    what: `${given.target} being the writer of ${given.global}`,
    given,
    look: () => look(ctx, given),
    arrived: (now) => writerOf(now) === given.target && now.moving === null,
    began: (now) => now.moving !== null || writerOf(now) === given.target,
    say: (now) => `${given.global}: ${now.moving?.status ?? "at rest"}; its writer is ${writerOf(now) ?? "unknown"}`,
  });
  return {
    says: `${given.target} is the writer of ${given.global}. Whether it takes writes is for a database check to show.`,
    facts: [
      { id: "fromWriter", label: "Former writer", value: writerOf(before), material: false },
      { id: "writer", label: "Writer", value: given.target, material: false },
    ],
  };
}

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, rest] = await Promise.all([identify(ctx, given), describe(ctx, given)]);
  return { identity, ...rest };
}

async function describe(ctx: ReadContext, given: Input): Promise<Omit<Seen, "identity">> {
  try {
    const answer = await withRds(ctx, given, "read", (rds, within) =>
      rds.describeGlobalClusters({ GlobalClusterIdentifier: given.global }, within),
    );
    const [one] = answer.GlobalClusters ?? [];
    const state = one?.FailoverState;
    const members = (one?.GlobalClusterMembers ?? []).map((member) => ({
      arn: member.DBClusterArn ?? "",
      writer: member.IsWriter === true,
      synchronization: member.SynchronizationStatus ?? null,
    }));
    const moving = state?.Status ? { status: state.Status, to: state.ToDbClusterArn ?? "" } : null;
    return { members, moving, why: null };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { members: [], moving: null, why: awsErrorOf(error).says };
  }
}

function writerOf(seen: Seen): string | null {
  return seen.members.find((member) => member.writer)?.arn ?? null;
}

function isDone(seen: Seen, given: Input, before: Seen | null): Done {
  if (seen.why !== null || seen.members.length === 0) return "unknown";
  if (writerOf(seen) === given.target) return "yes";
  if (seen.moving === null) return "no";
  return before !== null && before.moving === null && seen.moving.to === given.target ? "yes" : "unknown";
}

function checksOf(seen: Seen, given: Input): Check[] {
  const inRegion = rightArn(given.target, given);
  const member = seen.members.some((one) => one.arn === given.target);
  const found = seen.why ?? (seen.members.map((one) => one.arn).join(", ") || "nobody");
  return [
    rightAccount(seen.identity, given),
    {
      id: "global.region",
      level: "block",
      ok: inRegion,
      says: `${given.target} ${inRegion ? "lies" : "does not lie"} in account ${given.account}, ${given.region}.`,
    },
    {
      id: "global.member",
      level: "block",
      ok: member,
      says: member
        ? `${given.target} belongs to ${given.global}.`
        : `${given.target} was not seen among the members of ${given.global}: ${found}.`,
    },
    {
      id: "global.atRest",
      level: "block",
      ok: seen.moving === null,
      says: seen.moving ? `${given.global} is ${seen.moving.status} already.` : `${given.global} is at rest.`,
    },
  ];
}

function isSynchronized(seen: Seen, given: Input): Check {
  const state = seen.members.find((one) => one.arn === given.target)?.synchronization ?? "unknown";
  const ok = state === "connected";
  const next = ok ? "" : "; it has to be connected. If the other region is gone, this is a failover";
  return { id: "global.synchronized", level: "block", ok, says: `The target is ${state}${next}.` };
}

function sayLoss(operation: string): string {
  if (operation === "SwitchoverGlobalCluster") return "nothing";
  return "unknown: whatever had not reached the other region (AuroraGlobalDBReplicationLag)";
}
