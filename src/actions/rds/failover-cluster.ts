import { z } from "zod";
import { awsErrorOf, change, type Identity, identify, insistOnAccount, rightAccount, rightArn } from "../aws.ts";
import { type Check, type Done, defineAction, type ReadContext } from "../contract.ts";
import { byHand, inverse, nothing, undoneBy } from "../undo.ts";
import { withRds } from "./client.ts";
import { instanceId, rdsPlace, showsLate, waitFor } from "./wait.ts";

const input = z.strictObject({
  ...rdsPlace,
  cluster: instanceId,
  /**
   * The instance that becomes the writer: with it, a second request can't fail back. RDS for MySQL Multi-AZ clusters take none:
   * there RDS chooses, and it is left out.
   */
  target: instanceId.optional(),
});
type Input = z.infer<typeof input>;

interface Seen {
  /** Our clock, for nothing but how long ago the intent was; absent in older logs. */
  readonly at?: number;
  readonly identity: Identity;
  readonly engine?: string | null;
  readonly arn: string | null;
  readonly status: string | null;
  readonly writer: string | null;
  readonly members: readonly string[];
  readonly why: string | null;
}

/** Makes a named member of an Aurora or Multi-AZ cluster its writer. */
export const failoverCluster = defineAction<Input, Seen>({
  id: "rds.failover_cluster",
  summary: "Make a named member of a database cluster its writer, and see that it is",
  input,
  risk: "disruptive",
  service: "interrupts",
  opens: () => true,
  endsFence: true,
  repeat: "guarded",
  ...showsLate,
  budget: { typicalSeconds: 60, warnSeconds: 180, failSeconds: 600 },
  resources: (given) => [`rds:${given.account}:${given.region}:cluster/${given.cluster.toLowerCase()}`],
  observe: look,
  facts: (seen, given) => [
    { id: "writer", label: `Writer of ${given.cluster}`, value: seen.writer, material: true },
    { id: "becomesWriter", label: "Becomes writer", value: given.target ?? "as RDS chooses", material: true },
    { id: "status", label: given.cluster, value: seen.status, material: false },
  ],
  ready: (seen, given) => [rightAccount(seen.identity, given), isThere(seen, given), isMember(seen, given)],
  done: isDone,
  async apply(ctx, given) {
    await insistOnAccount(ctx, given);
    await change("rds:FailoverDBCluster", () =>
      withRds(ctx, given, "change", (rds, within) =>
        rds.failoverDBCluster(
          {
            DBClusterIdentifier: given.cluster,
            ...(given.target === undefined ? {} : { TargetDBInstanceIdentifier: given.target }),
          },
          within,
        ),
      ),
    );
    return { asked: true };
  },
  async verify(ctx, given, before) {
    const title = given.target ?? "another member";
    const seen = await waitFor(ctx, {
      what: `${title} being the writer of ${given.cluster}`,
      given,
      look: () => look(ctx, given),
      arrived: (now) => isWriter(now, given, before) && now.status === "available",
      began: (now) => isWriter(now, given, before) || (now.status !== null && now.status !== "available"),
      say: (now) => `${given.cluster} is ${now.status ?? "not seen"}; its writer is ${now.writer ?? "unknown"}`,
    });
    return {
      says: `${seen.writer} is the writer of ${given.cluster}.`,
      facts: [
        { id: "fromWriter", label: "Former writer", value: before.writer, material: false },
        { id: "writer", label: "Writer", value: seen.writer, material: false },
      ],
    };
  },
  undo: undoneBy((before, given) => {
    const target = before.writer;
    if (target === null) return byHand("The former writer was not seen: name the instance to fail over to.");
    if (target === given.target) return nothing(`${target} was the writer before.`);
    if (given.target === undefined) return byHand(`Fail ${given.cluster} over once more: ${target} was its writer.`);
    return inverse("rds.failover_cluster", { ...given, target }, `Make ${target} the writer of ${given.cluster} again`);
  }),
});

async function look(ctx: ReadContext, given: Input): Promise<Seen> {
  const [identity, cluster] = await Promise.all([identify(ctx, given), describe(ctx, given)]);
  return { at: Date.now(), identity, ...cluster };
}

/** The one that is named; where none may be, another than before. */
function isWriter({ writer }: Seen, { target }: Input, before: Seen | null): boolean {
  if (target !== undefined) return writer === target;
  return writer !== null && before !== null && before.writer !== null && writer !== before.writer;
}

async function describe(ctx: ReadContext, given: Input): Promise<Omit<Seen, "identity">> {
  try {
    const answer = await withRds(ctx, given, "read", (rds, within) =>
      rds.describeDBClusters({ DBClusterIdentifier: given.cluster }, within),
    );
    const [one] = answer.DBClusters ?? [];
    const members = one?.DBClusterMembers ?? [];
    return {
      arn: one?.DBClusterArn ?? null,
      engine: one?.Engine ?? null,
      status: one?.Status ?? null,
      writer: members.find((member) => member.IsClusterWriter)?.DBInstanceIdentifier ?? null,
      members: members.map((member) => member.DBInstanceIdentifier ?? "").sort(),
      why: null,
    };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { arn: null, engine: null, status: null, writer: null, members: [], why: awsErrorOf(error).says };
  }
}

function isDone(seen: Seen, given: Input, before: Seen | null): Done {
  if (seen.status === null) return "unknown";
  if (isWriter(seen, given, before)) return "yes";
  if (seen.status !== "available") return before?.status === "available" ? "yes" : "no";
  if (given.target !== undefined || before === null) return "no";
  // Without a target a second request fails back: "no" only once the first would show.
  return (seen.at ?? 0) - (before.at ?? 0) > given.startsWithinSeconds * 1000 ? "no" : "unknown";
}

function isThere(seen: Seen, given: Input): Check {
  const ok = seen.status === "available" && rightArn(seen.arn, given);
  const found = seen.why ?? `it is ${seen.status ?? "not there"} (${seen.arn})`;
  const says = ok
    ? `${given.cluster} is available in ${given.region}.`
    : `${given.cluster} has to be available in account ${given.account}, ${given.region}: ${found}.`;
  return { id: "cluster.available", level: "block", ok, says };
}

function isMember(seen: Seen, { cluster, target }: Input): Check {
  const id = "cluster.member";
  // Aurora's engines are called aurora-mysql and aurora-postgresql.
  const chooses = seen.engine === "mysql";
  if (target === undefined) {
    const says = chooses
      ? `RDS chooses which member of ${cluster} becomes the writer.`
      : `Name the member of ${cluster} that becomes the writer: a repeated request would fail back.`;
    return { id, level: "block", ok: chooses, says };
  }
  if (chooses) {
    const says = `RDS for MySQL clusters take no target: RDS chooses the new writer of ${cluster}.`;
    return { id, level: "block", ok: false, says, next: "Leave it out." };
  }
  const ok = seen.members.includes(target);
  const says = ok
    ? `${target} is a member of ${cluster}.`
    : `${target} is no member of ${cluster}; its members are ${seen.members.join(", ") || "unknown"}.`;
  return { id, level: "block", ok, says };
}
