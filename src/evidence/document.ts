import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemOfPolicy } from "../catalog/policy.ts";
import type { System } from "../catalog/types.ts";
import type { Actor } from "../incident/events.ts";
import { allOf, idOf } from "../incident/people.ts";
import { projectRoot } from "../lib/root.ts";
import { length } from "../report/length.ts";
import { draftPostmortem, type Postmortem } from "../report/postmortem.ts";
import { type When, whenOf } from "../report/when.ts";
import type { Ask } from "./asks.ts";
import type { Policies, PolicyVersion } from "./policies.ts";
import type { Query } from "./query.ts";
import type { RecordEvidence } from "./record.ts";
import { secondsBetween } from "./record-json.ts";

export interface DocumentContext {
  readonly query: Query;
  readonly policies: Policies;
  readonly policy: PolicyVersion | null;
  readonly names: (id: string) => string;
  readonly timeline: { readonly file: string; readonly hash: string };
  readonly practice: boolean;
}

/** A record as one page, for a screen and for A4. The same events give the same bytes. */
export function documentOf(evidence: RecordEvidence, context: DocumentContext): Postmortem {
  const { state, events, plans, name } = evidence;
  const { declared } = state;
  if (declared === null) throw new Error(`${state.id} was never declared`);
  const system = systemOfPolicy(context.policies.policyAt(declared.system, declared.at));
  const when = whenOf(system);
  return draftPostmortem({
    ...{ incident: state.id, name, events, plans, system, names: context.names, practice: context.practice },
    ...(state.number !== undefined && { number: state.number }),
    pictures: true,
    template: readFileSync(join(projectRoot(), "templates", "evidence", "record.md.liquid"), "utf8"),
    more: { evidence: factsOf(evidence, context, system, when) },
  });
}

function factsOf(evidence: RecordEvidence, context: DocumentContext, system: System, when: When) {
  const { state, asks, deviations, events, count, closedAt } = evidence;
  const { query, policy, names, timeline } = context;
  const runs = [...state.runs.values()];
  const titleOf = (run: string, step: string) =>
    `${state.runs.get(run)?.plan.title ?? "a run"}: ${state.runs.get(run)?.steps.get(step)?.step.title ?? step}`;
  const listed = (values: Iterable<string>) => [...new Set(values)].join("; ") || "nothing";
  return {
    from: when.whole(query.from),
    to: when.whole(query.to),
    closed: closedAt && when.whole(closedAt),
    components: listed(runs.flatMap(({ plan }) => plan.component ?? [])),
    targets: listed(runs.map(({ plan }) => plan.target)),
    policy:
      policy === null
        ? "none is recorded"
        : policy.since === null
          ? `as the files say at the export; it was not recorded then (${policy.file})`
          : `as recorded ${when.whole(policy.since)} (${policy.file})`,
    people: peopleOf(evidence, names, (role) => system.roles.find(({ id }) => id === role)?.title ?? role),
    approvals: asks.asks.map((ask) => ({
      ...{ asked: when.whole(ask.askedAt), about: titleOf(ask.run, ask.step), quorum: ask.quorum, event: ask.event },
      could: ask.approvers.map(names).join(", ") || "no one",
      decided: ask.decisions.map((one) => decisionWords(one, names)).join("; ") || "no decision",
      waited: ask.closedAt === null ? "still open" : length(secondsBetween(ask.askedAt, ask.closedAt)),
      outcome: ask.outcome,
    })),
    breakGlassUses: asks.breakGlassUses.map((one) => ({
      at: when.whole(one.at),
      who: allOf([one.person, ...(one.second === null ? [] : [one.second])].map(names)),
      why: `${titleOf(one.run, one.step)}: ${one.reason}${one.alone === null ? "" : ` (alone: ${one.alone})`}`,
      reviewed:
        one.review === null
          ? "NOT reviewed in the period"
          : `${when.whole(one.review.at)} by ${names(one.review.person)}: ${one.review.finding}`,
    })),
    deviations: deviations.map(({ kind, says, by, at, event }) => ({
      ...{ kind, says, event, by: by === null ? "" : names(by), at: at === null ? "measured" : when.whole(at) },
    })),
    signOffs: (state.signOffs ?? []).map(({ person, roles, statement, at, version, proved }) => ({
      ...{ at: when.whole(at), says: statement, covers: `events 1 to ${version}` },
      who: `${names(person)} (${roles.join(", ") || "no role"})${proved ? ", proved with a code" : ""}`,
    })),
    ...{ left: count - events.length, count, timeline: timeline.file, hash: timeline.hash },
  };
}

function decisionWords(one: Ask["decisions"][number], names: (id: string) => string): string {
  const more = [
    ...(one.onBehalfOf === null ? [] : [`in the place of ${names(one.onBehalfOf)}`]),
    ...(one.ahead ? [`ahead, ${one.ahead.at.slice(0, 16).replace("T", " ")} UTC`] : []),
    ...(one.proved ? ["proved with a second factor"] : []),
    ...(one.signedWith === null ? [] : [`signed with ${one.signedWith}`]),
    ...(one.reason === null ? [] : [one.reason]),
  ];
  return `${names(one.person)} ${one.decision}${more.length === 0 ? "" : ` (${more.join(", ")})`}`;
}

const DID: readonly (readonly [start: string, word: string])[] = [
  ["incident.declared", "declared it"],
  ["run.requested", "requested a run"],
  ["gate.approved", "approved"],
  ["gate.denied", "denied"],
  ["gate.broken", "used break-glass"],
  ["gate.reviewed", "reviewed a break-glass"],
  ["step.confirmed", "did a manual step"],
  ["step.skipped", "skipped a step"],
  ["step.retried", "retried a step"],
  ["run.aborted", "aborted a run"],
  ["update.posted", "posted an update"],
  ["incident.resolved", "resolved it"],
  ["incident.closed", "closed it"],
  ["record.signedOff", "signed it off"],
];

/** Their roles here: those they took, and those they decided in. */
function peopleOf(
  { state, events, asks }: RecordEvidence,
  names: (id: string) => string,
  title: (role: string) => string,
) {
  const did = new Map<string, Set<string>>();
  for (const holder of state.roles.values()) did.set(holder, new Set());
  for (const { type, actor } of events) {
    const by = actor as Actor;
    if (by.kind !== "person") continue;
    const known = did.get(idOf(by)) ?? new Set();
    const word = DID.find(([start]) => type === start)?.[1];
    if (word !== undefined) known.add(word);
    did.set(idOf(by), known);
  }
  const decided = asks.asks.flatMap(({ decisions }) => decisions.map(({ role, person }) => [role, person] as const));
  const roles = [...state.roles, ...decided];
  return [...did]
    .map(([id, words]) => ({
      name: names(id),
      role: [...new Set(roles.flatMap(([role, holder]) => (holder === id ? [title(role)] : [])))].join(", "),
      did: DID.flatMap(([, word]) => (words.has(word) ? [word] : [])).join(", ") || "was there",
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
