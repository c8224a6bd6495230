import { z } from "zod";
import { type Check, type Done, defineAction } from "../contract.ts";
import { inverse, undoneBy } from "../undo.ts";
import { clusterInput, command, resourceOf } from "./client.ts";
import { seenLeading } from "./led.ts";
import {
  candidateFit,
  candidateStreams,
  everyApi,
  factsOf,
  ledBySomeone,
  nothingScheduled,
  notPaused,
} from "./readiness.ts";
import { apiOf, type ClusterView, followerNamed, lookAtCluster, memberNamed } from "./view.ts";

const input = z
  .strictObject({
    cluster: clusterInput,
    /** Who leads now. Patroni refuses (412) when it is someone else, which makes a second request harmless. */
    leader: z.string().min(1),
    candidate: z.string().min(1),
    maxLagBytes: z.number().int().min(0).default(0),
  })
  .refine(({ leader, candidate }) => leader !== candidate, "leader and candidate are the same member");
type Input = z.infer<typeof input>;

/**
 * Hands leadership to a member that streams. Patroni's own 200 is not believed: it once answered so over a candidate that
 * was not streaming, and a committed table was gone. Nor is the lag in `/cluster`, which is as old as Patroni's last round.
 */
export const switchover = defineAction<Input, ClusterView>({
  id: "patroni.switchover",
  summary: "Hand a Patroni cluster's leadership to a member that streams, and check that every member follows it",
  input,
  risk: "disruptive",
  service: "interrupts",
  opens: () => true,
  endsFence: true,
  repeat: "guarded",
  budget: { typicalSeconds: 5, warnSeconds: 20, failSeconds: 90 },
  resources: ({ cluster }) => resourceOf(cluster),
  observe: (ctx, { cluster }) => lookAtCluster(ctx, cluster),
  facts: (seen, { candidate }) => [
    ...factsOf(seen, candidate),
    { id: "loss", label: "Would be lost", value: sayLoss(seen, candidate), material: false },
  ],
  ready: (seen, { leader, candidate, maxLagBytes }) => [
    everyApi(seen),
    ledBySomeone(seen),
    leaderAsPlanned(seen, leader),
    notPaused(seen),
    nothingScheduled(seen),
    candidateFit(seen, candidate),
    candidateStreams(seen, candidate, maxLagBytes),
  ],
  done: isDone,
  async apply(ctx, { cluster, leader, candidate }, seen) {
    ctx.progress(`${leader} is asked to hand over to ${candidate}`);
    const request = {
      base: apiOf(cluster, seen, leader),
      method: "POST",
      path: "/switchover",
      body: { leader, candidate },
    } as const;
    const { text } = await command(ctx, cluster, request, ctx.budget.failSeconds / 2);
    return { said: text.trim().slice(0, 200) };
  },
  async verify(ctx, { cluster, leader, candidate }, before) {
    const from = before.leader === candidate ? null : (memberNamed(before, leader)?.timeline ?? null);
    const seen = await seenLeading(ctx, cluster, candidate, from);
    const timeline = memberNamed(seen, candidate)?.timeline ?? null;
    return {
      says: `${candidate} leads ${cluster.name} on timeline ${timeline}, takes writes, and every member that runs is on it.`,
      facts: [
        { id: "leader", label: "Leader", value: candidate, material: false },
        { id: "timeline", label: "Timeline", value: timeline, material: false },
        { id: "streams", label: `${leader} streams from it`, value: streams(seen, leader), material: false },
      ],
    };
  },
  undo: undoneBy((_before, given) => {
    const { leader, candidate } = given;
    const says = `Hand ${given.cluster.name} from ${candidate} back to ${leader}`;
    return inverse("patroni.switchover", { ...given, leader: candidate, candidate: leader }, says);
  }),
});

function isDone(seen: ClusterView, { leader, candidate }: Input): Done {
  if (seen.leader === candidate) return "yes";
  return seen.leader === leader ? "no" : "unknown";
}

function leaderAsPlanned(seen: ClusterView, leader: string): Check {
  const ok = seen.leader === leader;
  return {
    id: "leader.asPlanned",
    level: "block",
    ok,
    says: ok ? `${leader} leads, as planned for.` : `${seen.leader ?? "Nobody"} leads, and ${leader} was planned for.`,
  };
}

function streams(seen: ClusterView, name: string): boolean | null {
  return seen.followers === null ? null : followerNamed(seen, name)?.state === "streaming";
}

function sayLoss(seen: ClusterView, candidate: string): string {
  const one = followerNamed(seen, candidate);
  if (one?.state !== "streaming") return "unknown: the candidate does not stream";
  return one.lagBytes === 0
    ? "nothing: it streams, 0 bytes behind"
    : `up to what it lacks: ${one.lagBytes ?? "unknown"} bytes`;
}
