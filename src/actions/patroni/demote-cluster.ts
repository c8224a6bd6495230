import { z } from "zod";
import { type Check, type Done, defineAction, fencedFact, type ReadContext } from "../contract.ts";
import { until } from "../poll.ts";
import { neverUndone } from "../undo.ts";
import { ask, type Cluster, clusterInput, command, resourceOf } from "./client.ts";
import { lookOutside, type OutsideView, outsideInput, takesWrites } from "./outside.ts";
import { everyApi } from "./readiness.ts";
import { apiOf, type ClusterView, glance } from "./view.ts";

const input = z.strictObject({
  cluster: clusterInput,
  /** The server that takes the writes, as members of this cluster reach it: from here on they follow it. */
  primary: outsideInput,
  /** A physical slot that is there already, on the server that takes the writes. */
  slot: z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/)
    .optional(),
  /** Fetches archived log where streaming has a gap. */
  restoreCommand: z.string().min(1).max(500).optional(),
  /** The manual step of this run that makes the cluster again from `primary`: whether their histories fit is looked at after it. */
  madeAnewBy: z.string().min(1).optional(),
});
type Input = z.infer<typeof input>;

type Seen = ClusterView & {
  /** `standby_cluster` of the configuration all members share; null: it has none, or no one says. */
  readonly follows: Readonly<Record<string, unknown>> | null;
  readonly primary: OutsideView;
  /** The member that leads, a standby cluster's too. */
  readonly own: OutsideView | null;
};

/**
 * Makes a Patroni cluster a standby cluster of the server that takes the writes, in one request: Patroni acts again and lets no
 * member of it be a primary, whatever fails over later. It is the fence that Patroni itself keeps.
 */
export const demoteCluster = defineAction<Input, Seen>({
  id: "patroni.demote_cluster",
  summary: "Make a Patroni cluster the standby cluster of another server, until it streams from there",
  input,
  risk: "irreversible",
  service: "interrupts",
  endsFence: true,
  repeat: "safe",
  budget: { typicalSeconds: 10, warnSeconds: 60, failSeconds: 300 },
  resources: ({ cluster, primary }) => [...resourceOf(cluster), postgresAt(primary)],
  observe: look,
  facts: (seen, { primary }) => [
    { id: "follows", label: "Follows", value: hostOf(seen), material: false },
    { id: "primary", label: `${primary.name} takes writes`, value: takesWrites(seen.primary), material: false },
    { id: "paused", label: "Cluster is paused", value: seen.paused, material: false },
  ],
  ready: (seen, given) => [everyApi(seen), answers(seen), primaryWrites(seen, given), historyFits(seen, given)],
  done: (seen, given) => isDone(seen, given),
  async apply(ctx, given, seen) {
    const { cluster, primary, slot, restoreCommand } = given;
    const standby = {
      host: primary.host,
      port: primary.port,
      ...(slot && { primary_slot_name: slot }),
      ...(restoreCommand && { restore_command: restoreCommand }),
    };
    const body = { pause: null, standby_cluster: standby };
    await command(
      ctx,
      cluster,
      { base: apiOf(cluster, seen, seen.leader), method: "PATCH", path: "/config", body },
      10,
    );
    return {};
  },
  async verify(ctx, given) {
    let last: Seen | null = null;
    let polls = 0;
    await until(
      {
        what: `${given.cluster.name} streaming from ${given.primary.name}`,
        seconds: ctx.budget.failSeconds / 2,
        everyMilliseconds: 250,
        signal: ctx.signal,
        stateNow: () => (last === null ? "It was not looked at" : state(last, given)),
      },
      async () => {
        last = await look(ctx, given);
        polls = isDone(last, given) === "yes" ? polls + 1 : 0;
        return polls >= 2 ? true : null;
      },
    );
    return {
      says: `${given.cluster.name} is a standby cluster of ${given.primary.name} and streams from it, seen twice.`,
      facts: [
        fencedFact(given.cluster.name),
        { id: "streaming", label: `${given.cluster.name} streams`, value: true, material: false },
      ],
    };
  },
  undo: neverUndone(
    ({ cluster, primary }) =>
      `${cluster.name} takes over the history of ${primary.name}. The way back is to move the writes again.`,
  ),
});

async function look(ctx: ReadContext, { cluster, primary }: Input): Promise<Seen> {
  const [seen, other] = await Promise.all([glance(ctx, cluster), lookOutside(ctx, cluster, primary)]);
  const leads = seen.members.find(({ role }) => role === "leader" || role === "standbyLeader");
  const [own, follows] = await Promise.all([
    leads ? lookOutside(ctx, cluster, leads) : null,
    seen.apis.some((one) => one.answers) ? configured(ctx, cluster, seen) : null,
  ]);
  return { ...seen, follows, primary: other, own };
}

async function configured(ctx: ReadContext, cluster: Cluster, seen: ClusterView): Promise<Seen["follows"]> {
  try {
    const { status, text } = await ask(ctx, apiOf(cluster, seen, seen.leader), "/config");
    if (status !== 200) return null;
    const { standby_cluster: follows } = JSON.parse(text) as { standby_cluster?: Record<string, unknown> };
    return follows ?? null;
  } catch {
    ctx.signal.throwIfAborted();
    return null;
  }
}

function isDone(seen: Seen, { primary }: Input): Done {
  if (seen.apis.every((one) => !one.answers)) return "unknown";
  const { own, follows, primary: other } = seen;
  const told = follows?.host === primary.host && Number(follows?.port) === primary.port && !seen.paused;
  if (!told || !own?.answers || !other.answers) return "no";
  return own.inRecovery && own.receives && own.timeline === other.timeline && takesWrites(other) ? "yes" : "no";
}

function hostOf({ follows }: Seen): string | null {
  return follows === null ? null : `${follows.host}:${follows.port}`;
}

function state(seen: Seen, { cluster, primary }: Input): string {
  const { own } = seen;
  if (!own?.answers) return `${cluster.name} has no leader yet`;
  if (!own.inRecovery) return `${own.name} is still a primary`;
  return `${own.name} is a standby on timeline ${own.timeline}, ${own.receives ? "" : "not "}streaming; ${primary.name} is on ${seen.primary.answers ? seen.primary.timeline : "an unknown one"}`;
}

function answers(seen: Seen): Check {
  const ok = seen.apis.some((one) => one.answers);
  return { id: "api.any", level: "block", ok, says: ok ? "Patroni answers." : "No member's API answers." };
}

/** A cluster that follows no one who takes writes is an outage. */
function primaryWrites({ primary: seen }: Seen, { cluster, primary }: Input): Check {
  const ok = takesWrites(seen);
  const found = seen.answers
    ? seen.inRecovery
      ? "is a standby"
      : "is fenced"
    : `does not answer our login (${seen.why})`;
  return {
    id: "evidence.primary",
    level: "block",
    ok,
    says: ok
      ? `${primary.name} takes writes.`
      : `${primary.name} ${found}: with ${cluster.name} as a standby cluster no server would take writes.`,
    madeSoBy: { resources: [postgresAt(primary)] },
  };
}

/**
 * Followed is a history that branched off ours: a higher timeline. Two servers that were promoted apart from each other may have the same
 * number with different contents, which `pg_rewind` can't tell apart.
 */
function historyFits({ own, primary: other }: Seen, { cluster, primary, madeAnewBy }: Input): Check {
  const id = "evidence.history";
  const madeSoBy = { resources: [postgresAt(primary)], ...(madeAnewBy && { steps: [madeAnewBy] }) };
  if (!own?.answers || !other.answers) {
    const says = `Whether ${cluster.name} can follow ${primary.name} is seen when both answer.`;
    return { id, level: "block", ok: false, says, madeSoBy };
  }
  if (own.systemId !== other.systemId) {
    const says = `${primary.name} is of cluster ${other.systemId}, ${own.name} of ${own.systemId}: they hold other data.`;
    return { id: "primary.sameCluster", level: "block", ok: false, says };
  }
  const ok = own.inRecovery || other.timeline > own.timeline;
  return {
    id,
    level: "block",
    ok,
    says: ok
      ? `${primary.name} goes on from the history of ${cluster.name}.`
      : `${own.name} is on timeline ${own.timeline} and ${primary.name} on ${other.timeline}: they were promoted apart, and only a fresh copy can follow.`,
    madeSoBy,
  };
}

/** As PostgreSQL's own actions call it. */
function postgresAt({ host, port }: { readonly host: string; readonly port: number }): string {
  return `postgres:${host.toLowerCase()}:${port}`;
}
