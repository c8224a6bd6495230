import type { Check, Fact } from "../contract.ts";
import { type ClusterView, followerNamed, memberNamed, sayMembers } from "./view.ts";

export function ledBySomeone(seen: ClusterView): Check {
  const silent = seen.apis.filter((one) => !one.answers).map((one) => `${one.name} (${one.why})`);
  const ok = seen.leader !== null;
  const rest = silent.length === 0 ? "" : ` No answer from ${silent.join(" and ")}.`;
  return {
    id: "leader.one",
    level: "block",
    ok,
    says: ok
      ? `${seen.leader} leads.${rest}`
      : `All members agree that there is no leader: ${sayMembers(seen) || "no member is known"}.${rest}`,
  };
}

export function everyApi(seen: ClusterView): Check {
  const silent = seen.apis.filter((one) => !one.answers);
  return {
    id: "api.answers",
    level: "warn",
    ok: silent.length === 0,
    says:
      silent.length === 0
        ? "Every member's API answers."
        : `${silent.map((one) => `${one.name} does not answer (${one.why})`).join("; ")}.`,
  };
}

export function notPaused(seen: ClusterView): Check {
  return {
    id: "cluster.notPaused",
    level: "block",
    ok: !seen.paused,
    says: seen.paused ? "The cluster is paused: Patroni would not act." : "The cluster is not paused.",
    next: "Run patroni.resume first.",
  };
}

export function nothingScheduled(seen: ClusterView): Check {
  return {
    id: "cluster.nothingScheduled",
    level: "block",
    ok: seen.scheduled === null,
    says: seen.scheduled === null ? "No switchover is scheduled." : "A switchover is scheduled already.",
    next: "Cancel it, or let it happen.",
  };
}

export function candidateFit(seen: ClusterView, candidate: string): Check {
  const member = memberNamed(seen, candidate);
  const leader = memberNamed(seen, seen.leader);
  const wrong =
    member === null
      ? "is no member"
      : !member.mayLead
        ? "carries the tag nofailover"
        : !member.runs
          ? `is ${member.state}`
          : leader !== null && member.timeline !== null && member.timeline !== leader.timeline
            ? `is on timeline ${member.timeline}, the leader on ${leader.timeline}`
            : null;
  return {
    id: "candidate.fit",
    level: "block",
    ok: wrong === null,
    says:
      wrong === null
        ? `${candidate} is up, on the leader's timeline, and may lead.`
        : `${candidate} ${wrong}: it can't take over.`,
  };
}

/** By the leader's own `pg_stat_replication`. Not to be known is not to be ready. */
export function candidateStreams(seen: ClusterView, candidate: string, lagBytesMax: number): Check {
  const one = followerNamed(seen, candidate);
  const lag = one?.lagBytes ?? null;
  const ok = one?.state === "streaming" && lag !== null && lag <= lagBytesMax;
  const found =
    seen.followers === null
      ? `is not known: ${seen.blind ?? "there is no leader"}`
      : one === null
        ? "is not connected"
        : `is ${one.state}, ${lag === null ? "how far behind is hidden from our login (grant pg_monitor)" : `${lag} bytes behind`}`;
  return {
    id: "candidate.streams",
    level: "block",
    ok,
    says: `By the leader's own account ${candidate} ${found}; it has to stream and to lack at most ${lagBytesMax} bytes.`,
  };
}

export function factsOf(seen: ClusterView, candidate: string | null): Fact[] {
  const one = candidate === null ? null : followerNamed(seen, candidate);
  return [
    { id: "leader", label: "Leader", value: seen.leader, material: true },
    { id: "paused", label: "Cluster is paused", value: seen.paused, material: true },
    ...(candidate === null
      ? []
      : [
          { id: "candidate", label: "Becomes leader", value: candidate, material: true },
          {
            id: "streaming",
            label: "Candidate streams",
            value: one === null ? null : one.state === "streaming",
            material: false,
          },
          { id: "lagBytes", label: "Lag in bytes", value: one?.lagBytes ?? null, material: false },
        ]),
    { id: "timeline", label: "Timeline", value: memberNamed(seen, seen.leader)?.timeline ?? null, material: false },
    { id: "members", label: "Members", value: sayMembers(seen), material: false },
  ];
}
