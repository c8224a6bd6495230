import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import {
  type ApplyContext,
  type Check,
  defineAction,
  type Evidence,
  type Fact,
  fencedFact,
  type Inverse,
  type NotUndone,
  type UndoContext,
  unfencedFact,
} from "../contract.ts";
import { until } from "../poll.ts";
import { byHand, inverse, nothing } from "../undo.ts";
import { asNoAnswer, type Database, OUR_SESSIONS, withNode } from "./client.ts";
import { asLogin, loginInput, type Node, nodeInput, resourceOf } from "./node.ts";
import { followerOf, lookAtPair } from "./pair.ts";
import { besides } from "./peers.ts";
import { probeWrite } from "./probe.ts";
import { identityChecks, isPrimary, isStandby, lookAt, type NodeView, silenceOf } from "./view.ts";

const input = z.strictObject({
  node: nodeInput,
  /** The application's login: the fence holds when this one can't write. */
  app: loginInput,
  /** Unplanned mode only: go on although a server that does not answer can't be fenced. */
  acceptUnreachable: z.boolean().default(false),
  /**
   * Who makes new transactions read-only: we, or an earlier step, because the server lets no one (`alter system` on RDS,
   * where `rds.set_read_only` does it). Then old sessions are ended here, and it is seen that the application is refused.
   */
  readOnlyBy: z.enum(["alter-system", "earlier-step"]).default("alter-system"),
  /** The other server. A fence makes sense only where that one takes the writes, or can be promoted to take them. */
  peer: nodeInput.optional(),
  /** `writer`: that one has to take writes already, as when an old primary is fenced that came back after a failover. */
  peerIs: z.enum(["writer", "writer-or-ready"]).default("writer-or-ready"),
});
type Input = z.infer<typeof input>;

/** The server itself, and the other one where it is named. */
type Seen = NodeView & { readonly peer?: NodeView };

/**
 * Keeps the application from writing to a server, over SQL alone: new transactions are read-only by default (it survives
 * a restart), and every client session but ours is ended. It is soft: a session may still say `set
 * default_transaction_read_only = off`, which is why promotion looks for split brain afterwards.
 */
export const fence = defineAction<Input, Seen>({
  id: "postgres.fence",
  fences: () => true,
  summary: "Keep the application from writing to a PostgreSQL server, and see that it can't",
  input,
  risk: "reversible",
  service: "interrupts",
  repeat: "safe",
  budget: { typicalSeconds: 1, warnSeconds: 10, failSeconds: 30 },
  resources: ({ node }) => [resourceOf(node)],
  goesWithout: ({ acceptUnreachable }) => (acceptUnreachable ? ["node"] : []),
  async observe(ctx, { node, peer }) {
    if (peer === undefined) return await lookAt(ctx, node);
    const pair = await lookAtPair(ctx, node, peer);
    return { ...pair.from, peer: pair.to };
  },
  facts: (seen, { acceptUnreachable }) => [
    ...unfencedFact(acceptUnreachable && !seen.answers && seen.kind === "unreachable" ? seen.name : null),
    ...(seen.peer === undefined ? [] : [peerFact(seen.peer)]),
    { id: "primaryReachable", label: `${seen.name} answers`, value: seen.answers, material: true },
    { id: "readOnly", label: `${seen.name} is read-only`, value: seen.answers ? seen.readOnly : null, material: false },
  ],
  ready: (seen, given) => [
    ...identityChecks(seen, ...(seen.peer === undefined ? [] : [seen.peer])),
    ...(seen.peer === undefined ? [] : [peerFits(seen, seen.peer, given)]),
    answersOrAccepted(seen, given),
    permitted(seen, given),
    nothingPrepared(seen),
    ...readOnlyAlready(seen, given),
  ],
  done(seen) {
    if (isStandby(seen)) return "yes";
    return seen.answers && seen.readOnly && seen.sessionsBeforeReload === 0 ? "yes" : "no";
  },
  async apply(ctx, { node, acceptUnreachable, readOnlyBy }) {
    const ours = readOnlyBy === "alter-system";
    try {
      return { closedSessions: await withNode(ctx, node, (db) => shutOut(ctx, node, db, ours), 10) };
    } catch (error) {
      const none = asNoAnswer(error);
      if (none.kind === "unreachable" && acceptUnreachable) return { unreachable: none.why };
      throw error;
    }
  },
  async verify(ctx, given, _before, handle) {
    if (typeof handle?.unreachable === "string") return await acceptedOpen(ctx, given, handle.unreachable);
    return await seenClosed(ctx, given, Number(handle?.closedSessions ?? 0));
  },
  undo: {
    ahead: ({ readOnlyBy, node }) => (readOnlyBy === "earlier-step" ? madeBefore(node) : { kind: "step" }),
    step: liftedBy,
  },
});

function madeBefore({ name }: Node): NotUndone {
  return nothing(`Sessions were ended. Undo the step that made ${name} read-only.`);
}

/** Lifted by a step that knows the other servers of its cluster: while one of them takes writes, this one must not. */
function liftedBy(before: NodeView, given: Input, { calls, acceptUnreachable }: UndoContext): Inverse | NotUndone {
  const { node, app, readOnlyBy } = given;
  if (readOnlyBy === "earlier-step") return madeBefore(node);
  if (isStandby(before)) return nothing(`${node.name} was a standby before.`);
  if (before.answers && before.readOnly) return nothing(`${node.name} was read-only before; only sessions were ended.`);
  const [other, ...others] = besides(node, calls);
  if (other === undefined) {
    return byHand(
      `The plan names no other server of ${node.name}. See that none takes writes, then: alter system reset default_transaction_read_only; select pg_reload_conf();`,
    );
  }
  const input = { node, app, other, others, acceptUnreachable };
  return inverse("postgres.unfence", input, `Let ${node.name} take writes again`);
}

function peerFact(peer: NodeView): Fact {
  const value = !peer.answers
    ? null
    : isPrimary(peer)
      ? peer.readOnly
        ? "a fenced primary"
        : "the writer"
      : "a standby";
  return { id: "peer", label: `${peer.name} is`, value, material: true };
}

/** Fencing the only server that takes writes, with no one to take them after it, is an outage and no failover. */
function peerFits(seen: NodeView, peer: NodeView, given: Input): Check {
  const why = unfit(seen, peer, given);
  const says =
    why === null
      ? `${peer.name} ${isPrimary(peer) ? "takes the writes" : `can take the writes after ${seen.name}`}.`
      : `${peer.name} ${why}, so a fence on ${seen.name} would leave no server to take writes. Nothing is fenced.`;
  // Accepted where the run accepts losing what a standby lacks: that is what promoting it says.
  const accepted = why !== null && given.acceptUnreachable && isStandby(peer) && why === NOT_STREAMING;
  // Made by this run, as where a backup is restored beside: then it is there when the fence is set, or the fence is not set.
  const madeSoBy = given.peer === undefined ? {} : { madeSoBy: { resources: [resourceOf(given.peer)] } };
  return {
    id: "fence.peer",
    level: accepted ? "warn" : "block",
    ok: why === null,
    says,
    ...silenceOf(peer),
    ...madeSoBy,
  };
}

const NOT_STREAMING = "is not streaming";

function unfit(seen: NodeView, peer: NodeView, { peerIs }: Input): string | null {
  if (!peer.answers) return `does not answer (${peer.why})`;
  if (seen.answers && seen.systemId !== peer.systemId) return `is of another cluster (${peer.systemId})`;
  if (isPrimary(peer)) return peer.readOnly ? "is fenced itself" : null;
  if (peerIs === "writer") return "is a standby and takes no writes";
  if (peer.readOnly) return "carries a fence, and would take no writes when promoted";
  if (isStandby(peer) && peer.standby.paused) return "does not replay (paused)";
  if (isPrimary(seen) && followerOf(seen, peer)?.state !== "streaming") return NOT_STREAMING;
  return null;
}

function answersOrAccepted(seen: NodeView, { acceptUnreachable }: Input): Check {
  const id = "node.answers";
  if (seen.answers) return { id, level: "block", ok: true, says: `${seen.name} answers and can be fenced.` };
  if (seen.kind === "refused") {
    return {
      id,
      level: "block",
      ok: false,
      says: `${seen.name} is up but did not let us in (${seen.why}), so it can't be fenced.`,
      next: "Correct the login.",
      ...silenceOf(seen),
    };
  }
  return acceptUnreachable
    ? {
        id,
        level: "warn",
        ok: false,
        says: `${seen.name} does not answer and can't be fenced; you accept this by approving.`,
        ...silenceOf(seen),
      }
    : {
        id,
        level: "block",
        ok: false,
        says: `${seen.name} does not answer (${seen.why}), so it can't be fenced.`,
        next: "Run it unplanned to accept that.",
        ...silenceOf(seen),
      };
}

function permitted(seen: NodeView, { node, readOnlyBy }: Input): Check {
  const all = seen.answers && seen.mayNotFence !== "" ? seen.mayNotFence.split(", ") : [];
  const needed = readOnlyBy === "earlier-step" ? all.filter((one) => !/alter system|pg_reload_conf/.test(one)) : all;
  const lacks = needed.join(", ");
  return {
    id: "node.permitted",
    level: "block",
    ok: lacks === "",
    says: lacks === "" ? `${node.user} may fence ${node.name}.` : `${node.user} may not fence ${node.name}.`,
    next: `Grant ${lacks}.`,
  };
}

function readOnlyAlready(seen: NodeView, { node, readOnlyBy }: Input): Check[] {
  if (readOnlyBy !== "earlier-step" || !seen.answers || isStandby(seen)) return [];
  const says = `${node.name} is ${seen.readOnly ? "" : "not "}read-only${seen.readOnly ? "." : " yet: the step before has to make it so."}`;
  const madeSoBy = { actions: ["rds.set_read_only", "script.run"] };
  return [{ id: "evidence.readOnly", level: "block", ok: seen.readOnly, says, madeSoBy }];
}

function nothingPrepared(seen: NodeView): Check {
  const open = seen.answers ? seen.preparedTransactions : 0;
  return {
    id: "node.prepared",
    level: "warn",
    ok: open === 0,
    says: open === 0 ? "No prepared transaction is open." : `${open} prepared transactions could still commit.`,
  };
}

async function shutOut(ctx: ApplyContext, node: Node, db: Database, makeReadOnly: boolean): Promise<number> {
  if (makeReadOnly) {
    await db.query("alter system set default_transaction_read_only = on");
    await db.query("select pg_reload_conf()");
  }
  ctx.progress(`${node.name}: new transactions are read-only; ending the sessions that began before`);
  await until(
    { what: `${node.name} loading its configuration`, seconds: 5, everyMilliseconds: 5, signal: ctx.signal },
    async () => ((await newSessionsReadOnly(ctx, node)) ? true : null),
  );
  const [row] = await db.query<{ ended: number }>(
    `select count(pg_terminate_backend(pid))::int as ended from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> $1
        and usename is distinct from 'rdsadmin'
        and (current_setting('is_superuser') = 'on'
             or usesysid not in (select oid from pg_roles where rolsuper))`,
    [OUR_SESSIONS],
  );
  return row?.ended ?? 0;
}

async function newSessionsReadOnly(ctx: ApplyContext, node: Node): Promise<boolean> {
  return await withNode(ctx, node, async (db) => {
    const [row] = await db.query<{ on: boolean }>(
      "select current_setting('default_transaction_read_only') = 'on' as on",
    );
    return row?.on ?? false;
  });
}

/** Closed means: the application is refused with 25006, and for two looks in a row nothing more was written. */
async function seenClosed(ctx: ApplyContext, given: Input, closedSessions: number): Promise<Evidence> {
  const { node } = given;
  let last: string | null = null;
  let state = `${node.name} was not seen to refuse writes`;
  return await until(
    {
      what: `${node.name} refusing the application's writes`,
      seconds: ctx.budget.failSeconds / 2,
      everyMilliseconds: 25,
      signal: ctx.signal,
      stateNow: () => state,
    },
    async () => {
      const [probe, seen] = await Promise.all([probeWrite(ctx, asLogin(node, given.app)), lookAt(ctx, node)]);
      if (!seen.answers) return given.acceptUnreachable ? await acceptedOpen(ctx, given, seen.why) : null;
      state = `${node.name} is ${probe.found === "readOnly" ? "refusing writes" : probe.found} for ${given.app.user}; ${seen.sessionsBeforeReload} sessions from before the fence are open`;
      const still = last === seen.position && probe.found === "readOnly" && settled(seen);
      last = probe.found === "readOnly" ? seen.position : null;
      return still ? closed(seen, given, closedSessions) : null;
    },
  );
}

function settled(seen: NodeView): boolean {
  return isStandby(seen) || (seen.answers && seen.readOnly && seen.sessionsBeforeReload === 0);
}

function closed(seen: NodeView & { answers: true }, given: Input, closedSessions: number): Evidence {
  const how = isStandby(seen)
    ? "it is a standby"
    : `${closedSessions} sessions were ended, and it has written nothing since`;
  const facts: Fact[] = [
    { id: "fenced", label: "Fenced", value: true, material: false },
    { id: "fenceAccepted", label: "Going on without a fence was accepted", value: false, material: false },
    fencedFact(seen.name),
    { id: "flushedTo", label: "Last position written", value: seen.position, material: false },
    { id: "fencedAt", label: "Fenced at", value: new Date(seen.clock).toISOString(), material: false },
    { id: "closedSessions", label: "Sessions ended", value: closedSessions, material: false },
  ];
  return { says: `${seen.name} refuses writes by ${given.app.user} (25006); ${how}.`, facts };
}

async function acceptedOpen(ctx: ApplyContext, { node }: Input, why: string): Promise<Evidence> {
  const seen = await lookAt(ctx, node);
  if (seen.answers) {
    throw new LifeboatError({
      code: "fence-answers-again",
      where: node.name,
      what: "The server answers again, so going on without a fence is no longer necessary",
      stateNow: `${node.name} is a ${seen.role}${seen.readOnly ? "" : " and is not fenced"}`,
      next: "Retry the step: it will fence the server",
    });
  }
  return {
    says: `NOT FENCED: ${node.name} does not answer (${why}). If it comes back it may take writes.`,
    facts: [
      { id: "fenced", label: "Fenced", value: false, material: false },
      { id: "fenceAccepted", label: "Going on without a fence was accepted", value: true, material: false },
      ...unfencedFact(node.name),
      { id: "flushedTo", label: "Last position written", value: null, material: false },
    ],
  };
}
