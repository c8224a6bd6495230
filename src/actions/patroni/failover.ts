import { z } from "zod";
import { type Check, type Done, defineAction, type Evidences, unfencedFact } from "../contract.ts";
import { neverUndone } from "../undo.ts";
import { clusterInput, command, resourceOf } from "./client.ts";
import { seenLeading } from "./led.ts";
import { everyApi, factsOf, notPaused } from "./readiness.ts";
import { apiOf, type ClusterView, lookAtCluster, memberNamed } from "./view.ts";

const input = z.strictObject({
  cluster: clusterInput,
  candidate: z.string().min(1),
  /** What only the lost leader held is given up. Without it this never goes ahead: Patroni can't say how much that is. */
  allowDataLoss: z.boolean().default(false),
  /**
   * The `postgres.fence` of the lost leader's own server. Patroni's leader key is a fence only while a Patroni stands
   * beside that server to let go of it: one whose Patroni was killed goes on taking writes (unless a watchdog ends it).
   */
  fenceStep: z.string().min(1).optional(),
});
type Input = z.infer<typeof input>;

/** Makes a member leader while no one leads. A cluster that is led is handed over by `patroni.switchover`. */
export const failover = defineAction<Input, ClusterView>({
  id: "patroni.failover",
  summary: "Make a Patroni member leader while there is none, giving up what only the lost leader held",
  input,
  risk: "irreversible",
  service: "interrupts",
  opens: () => true,
  endsFence: true,
  // The request names who shall lead: a second one for the same member finds it leading.
  repeat: "guarded",
  budget: { typicalSeconds: 10, warnSeconds: 45, failSeconds: 120 },
  resources: ({ cluster }) => resourceOf(cluster),
  observe: (ctx, { cluster }) => lookAtCluster(ctx, cluster),
  facts: (seen, { candidate, cluster, fenceStep }) => [
    ...unfencedFact(fenceStep === undefined ? formerLeader(cluster.name) : null),
    ...factsOf(seen, candidate),
    { id: "loss", label: "Would be lost", value: "unknown: what only the lost leader held", material: false },
  ],
  ready: (seen, given, evidence) => [
    everyApi(seen),
    noLeader(seen),
    notPaused(seen),
    candidateUp(seen, given.candidate),
    accepted(given.allowDataLoss),
    fenceHolds(given, evidence),
  ],
  done: (seen, { candidate }, before) => isDone(seen, candidate, before),
  async apply(ctx, { cluster, candidate }, seen) {
    ctx.progress(`${candidate} is asked to lead`);
    const base = apiOf(cluster, seen, candidate);
    const request = { base, method: "POST", path: "/failover", body: { candidate } } as const;
    const { text } = await command(ctx, cluster, request, ctx.budget.failSeconds / 2);
    return { said: text.trim().slice(0, 200) };
  },
  async verify(ctx, { cluster, candidate, fenceStep }) {
    const seen = await seenLeading(ctx, cluster, candidate, null);
    const timeline = memberNamed(seen, candidate)?.timeline ?? null;
    return {
      says: `${candidate} leads ${cluster.name} on timeline ${timeline} and takes writes. Data only the former leader had is lost. Fence: ${sayFence(ctx, fenceStep)}.`,
      facts: [
        ...unfencedFact(fenceStep === undefined ? formerLeader(cluster.name) : null),
        { id: "leader", label: "Leader", value: candidate, material: false },
        { id: "timeline", label: "Timeline", value: timeline, material: false },
        { id: "fence", label: "Fence", value: sayFence(ctx, fenceStep), material: false },
      ],
      rpo: {
        subject: resourceOf(cluster)[0] as string,
        seconds: null,
        rows: null,
        method: "not measurable: the lost leader's last write is unknown",
      },
    };
  },
  undo: neverUndone(
    ({ candidate }) =>
      `${candidate} is on a new timeline now. To go back: reinitialize the former leader (patroni.reinitialize), then switch over.`,
  ),
});

function isDone(seen: ClusterView, candidate: string, before: ClusterView | null): Done {
  if (seen.leader === candidate) return "yes";
  if (seen.members.length === 0) return "unknown";
  if (seen.leader === null) return "no";
  // Someone else was elected meanwhile: whether that is good enough is not for us to say.
  return before === null ? "no" : "unknown";
}

function noLeader(seen: ClusterView): Check {
  const answering = seen.apis.filter((one) => one.answers).length;
  const enough = answering >= 2 || answering === seen.apis.length;
  const leader = memberNamed(seen, seen.leader);
  const ok = leader === null && enough;
  return {
    id: "leader.lost",
    level: "block",
    ok,
    ...(leader !== null && { notNeeded: true as const }),
    says: ok
      ? `No leader, according to ${answering} members.`
      : leader !== null
        ? `${leader.name} leads.`
        : `Only ${answering} of ${seen.apis.length} members answer, and two have to confirm that there is no leader.`,
    ...(leader !== null && { next: "Use patroni.switchover, or wait until its key expires." }),
  };
}

function candidateUp(seen: ClusterView, candidate: string): Check {
  const member = memberNamed(seen, candidate);
  const answers = seen.apis.some((one) => one.name === candidate && one.answers);
  const ok = answers && member?.runs === true && member.mayLead;
  return {
    id: "candidate.fit",
    level: "block",
    ok,
    says: ok
      ? `${candidate} is up and can lead.`
      : `${candidate} ${!answers ? "does not answer" : member === null ? "is no member" : member.mayLead ? `is ${member.state}` : "has the tag nofailover"}.`,
  };
}

function fenceHolds({ fenceStep, allowDataLoss }: Input, evidence: Evidences): Check {
  const says = `Fence: ${sayFence(evidence, fenceStep)}.`;
  if (fenceStep === undefined) return { id: "fence.known", level: "warn", ok: false, says };
  const { fenced, acceptedOpen } = fenceOf(evidence, fenceStep);
  const ok = fenced || (acceptedOpen && allowDataLoss);
  return { id: "evidence.fence", level: "block", ok, says, madeSoBy: { steps: [fenceStep] } };
}

/** No one leads, so no one can say which server it was. */
function formerLeader(cluster: string): string {
  return `the former leader of ${cluster}`;
}

function sayFence(evidence: Evidences, fenceStep: string | undefined): string {
  const key = "no member holds Patroni's leader key";
  if (fenceStep === undefined) {
    return `${key}, and nothing else. A server whose Patroni was killed still takes writes unless a watchdog stops it`;
  }
  const { fenced, acceptedOpen } = fenceOf(evidence, fenceStep);
  if (fenced) return `${key}, and the former leader refuses writes`;
  if (acceptedOpen) return `${key}. The former leader doesn't answer (accepted)`;
  return `${key}. Step ${fenceStep} hasn't shown the state of the former leader`;
}

function fenceOf(evidence: Evidences, step: string) {
  const facts = evidence.evidenceOf(step)?.facts;
  const is = (id: string) => facts?.find((fact) => fact.id === id)?.value === true;
  return { fenced: is("fenced"), acceptedOpen: is("fenceAccepted") };
}

function accepted(allowDataLoss: boolean): Check {
  return {
    id: "loss.accepted",
    level: "block",
    ok: allowDataLoss,
    says: allowDataLoss
      ? "You accept losing data that only the lost leader had."
      : "Data only the lost leader had would be lost.",
    next: "Accept with allowDataLoss.",
  };
}
