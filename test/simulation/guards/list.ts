/** A guard, and how a source looks without it. */
export interface Guard {
  readonly id: string;
  readonly says: string;
  /** Only whole bots show it; absent: their core does. */
  readonly level?: "bot";
  /** One of the seeds that showed it when it was last looked for: where the looking begins. */
  readonly seed: number;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

const START = "src/incident/start.ts";
const AUTHORITY = "src/incident/authority.ts";
const MEMORY_TIMELINE = "test/support/memory-store/timeline.ts";
const BREAK_GLASS = "src/incident/decide/break-glass.ts";
const LIFE = "src/incident/decide/life.ts";
const ENGINE = "src/engine/engine.ts";

/** Without any of these the simulation complains within a few runs. Those of the store are taken out of the one in memory. */
export const GUARDS: readonly Guard[] = [
  {
    id: "approvals-in-claim",
    seed: 1,
    says: "enough people have approved when a step is claimed",
    edits: [
      { file: START, from: "if (counting >= policy.quorum) return null;", to: "return null;" },
      { file: "src/engine/next.ts", from: "isAnswered(", to: "((..._: unknown[]) => true)(" },
    ],
  },
  {
    id: "own-approval",
    seed: 2,
    says: "who requested a run does not approve it",
    edits: [
      {
        file: "src/incident/delegation.ts",
        from: "export function isRequester(",
        to: "export function isRequester(..._: unknown[]): boolean { return false; }\nfunction _isRequester(",
      },
    ],
  },
  {
    id: "role",
    seed: 2,
    says: "only who holds a deciding role approves",
    edits: [
      {
        file: AUTHORITY,
        from: "return policy.roles.find((role) => person.roles.includes(role)) ?? null;",
        to: "return policy.roles[0] ?? null;",
      },
      { file: AUTHORITY, from: "return gate.approvers.includes(seat.onBehalfOf ?? person);", to: "return true;" },
    ],
  },
  {
    id: "dry-run",
    seed: 2,
    says: "a dry run changes nothing",
    edits: [
      {
        file: START,
        from: 'if (changesThings(target.step) && run.dryRun) return no("dry-run", "A dry run changes nothing");',
        to: "",
      },
      { file: "src/engine/next.ts", from: "run.dryRun", to: "false" },
    ],
  },
  {
    id: "chain",
    seed: 1,
    says: "an event names its predecessor's hash",
    edits: [
      {
        file: "src/timeline/chain.ts",
        from: "previousHash = chainHash(link);",
        to: "previousHash = chainHash({ ...link, version: 1 });",
      },
      { file: "src/timeline/authentic.ts", from: "if (chainHash(event) !== event.hash)", to: "if (false)" },
    ],
  },
  {
    id: "intent-before-request",
    seed: 2,
    says: "an intent is on the timeline before a change is requested",
    edits: [
      {
        file: "src/engine/perform.ts",
        from: 'await attempt.record("step.intended", { before: seen }, (run) => run.ending === null);',
        to: "",
      },
    ],
  },
  {
    id: "deadline",
    seed: 12,
    says: "a call outside ends at its deadline",
    edits: [
      {
        file: "src/lib/deadline.ts",
        from: "const timeout = AbortSignal.timeout(Math.ceil(seconds * 1000));",
        to: "const timeout = new AbortController().signal;",
      },
    ],
  },
  {
    id: "inbox-taken-up",
    seed: 1,
    says: "what a process that died left in the inbox is taken up by another",
    level: "bot",
    edits: [
      {
        file: "src/slack/listen/worker.ts",
        from: 'await inbox.take(AT_ONCE, CLAIM_SECONDS, "slack.")',
        to: '[] as Awaited<ReturnType<Inbox["take"]>>',
      },
    ],
  },
  {
    id: "looked-for-before-resend",
    seed: 2,
    says: "a message of which nobody knows is looked for before it is sent again",
    level: "bot",
    edits: [
      {
        file: "src/sinks/slack/deliver.ts",
        from: "const there = await lookFor(deps, item, channel);",
        to: "const there = null as string | null;",
      },
    ],
  },
  {
    id: "claim-again",
    seed: 4,
    says: "runs are looked for once a second, not only when told",
    edits: [
      {
        file: ENGINE,
        from: "const timer = setTimeout(resolve, settings.pollMs);",
        to: "const timer = setTimeout(() => {}, settings.pollMs);",
      },
    ],
  },
  {
    id: "paused",
    seed: 43,
    says: "nothing starts while a run is paused",
    edits: [
      { file: START, from: 'if (run.paused) return no("run-paused", "The run is paused");', to: "" },
      { file: "src/engine/next.ts", from: "const holds = run.paused || ", to: "const holds = " },
    ],
  },
  {
    id: "one-holder",
    seed: 1,
    says: "what a run holds no other run takes",
    edits: [{ file: MEMORY_TIMELINE, from: "if (run !== undefined) return { resource, run };", to: "" }],
  },
  {
    id: "one-sender",
    seed: 1,
    says: "a message is sent by who holds its queue",
    level: "bot",
    edits: [
      {
        file: "test/support/memory-store/outbox.ts",
        from: "(row.owner !== null && row.claimedUntil >= now)",
        to: "false",
      },
      {
        file: "test/support/memory-store/outbox.ts",
        from: "if (row === undefined || row.deliveredAs !== null || queues.get(row.queue)?.owner !== owner) return false;",
        to: "if (row === undefined) return false;",
      },
    ],
  },
  {
    id: "kept-before-acknowledged",
    seed: 2,
    says: "what Slack is told was kept was written before",
    level: "bot",
    edits: [
      {
        file: "src/slack/listen.ts",
        from: "const kept = await keep(taken);\n    if (kept",
        to: 'const kept = "new" as Awaited<ReturnType<typeof keep>>;\n    void keep(taken);\n    if (kept',
      },
    ],
  },
  {
    id: "event-once",
    seed: 2,
    says: "an event whose key is there is not written again",
    level: "bot",
    edits: [
      { file: "src/timeline/chain.ts", from: "if (keys.has(key) || seen.has(key)) continue;", to: "" },
      {
        file: "test/support/memory-store/inbox.ts",
        from: "if (there !== undefined) return there.receipt === receipt;",
        to: "",
      },
    ],
  },
  {
    id: "signature",
    seed: 1,
    says: "only what Slack signed is heard",
    level: "bot",
    edits: [{ file: "src/slack/http-receiver.ts", from: "return hits.includes(true);", to: "return true;" }],
  },
  {
    id: "expiry",
    seed: 19,
    says: "an approval that has expired counts no more",
    edits: [
      {
        file: AUTHORITY,
        from: "return !(now.getTime() < policy.expiresAt.getTime());",
        to: "return false;",
      },
      {
        file: "src/incident/gates.ts",
        from: "if (isAnswered(run, gate)) return { events: [], nextAt: policy.expiresAt };",
        to: "return { events: [], nextAt: null };",
      },
    ],
  },
  {
    id: "account-at-start",
    seed: 8,
    says: "the accounts of those who approved are looked up again when a step is claimed",
    edits: [
      {
        file: "src/engine/admit.ts",
        from: "accounts.set(person, why);",
        to: "accounts.set(person, why === null ? why : null);",
      },
    ],
  },
  {
    id: "distinct-people",
    seed: 2,
    says: "one person counts once",
    edits: [
      {
        file: AUTHORITY,
        from: "return new Set(approvals.map(({ person, onBehalfOf }) => onBehalfOf ?? person)).size;",
        to: "return approvals.length;",
      },
      {
        file: "src/incident/decide/question.ts",
        from: "if (gate.approvals.some((approval) => approval.person === person.id))",
        to: "if (false)",
      },
      { file: "src/incident/decide/question.ts", from: "if (shared !== undefined) {", to: "if (shared === null) {" },
    ],
  },
  {
    id: "looked-at-once-more",
    seed: 2,
    says: "targets are looked at once more before a gate passes",
    edits: [
      {
        file: "src/engine/admit.ts",
        from: "if (!planned || !usesApprovals(planned) || gatesToPass(run, step).length === 0 || !run.preflight) return null;",
        to: "return null;",
      },
    ],
  },
  {
    id: "changed-facts",
    seed: 15,
    says: "an approval is void when what was shown has changed",
    edits: [
      {
        file: "src/engine/admit.ts",
        from: "if (gatesToPass(run, step).every((gate) => gate.factsHash === fresh.factsHash)) return null;",
        to: "return null;",
      },
      {
        file: "src/incident/gates.ts",
        from: "if (gate.factsHash !== known || gate.factsHash !== (observed ?? known))",
        to: "if (false)",
      },
    ],
  },
  {
    id: "order",
    seed: 2,
    says: "steps go in the order of the plan",
    edits: [
      { file: START, from: "if (before.length > 0) return no(", to: "if (false) return no(" },
      {
        file: "src/engine/next.ts",
        from: "if (!before.every((one) => isApproved(run, one))) return false;",
        to: 'if (!before.filter((one) => one.status === "gate" || one.step.kind === "gate").every((one) => isApproved(run, one))) return false;',
      },
    ],
  },
  {
    id: "verified-by-looking",
    seed: 2,
    says: "done is what was seen to be so",
    edits: [
      {
        file: "src/engine/perform.ts",
        from: "(signal) => job.action.verify(attempt.applyContext(job, signal), job.input, before, handle),",
        to: 'async () => ({ says: "It was requested.", facts: [] }) as Evidence,',
      },
    ],
  },
  {
    id: "looked-before-repeat",
    seed: 24,
    says: "who takes over looks whether it has happened before it is requested again",
    edits: [
      {
        file: "src/engine/perform.ts",
        from: "const found = await find(attempt, job, from.before, LOOKS);",
        to: 'const found = { recovery: "again", done: "no", seen: from.before, blind: null } as Found;',
      },
    ],
  },
  {
    id: "fencing",
    seed: 14,
    says: "the store refuses writes of who lost the run",
    edits: [
      {
        file: MEMORY_TIMELINE,
        from: "row !== undefined && row.stream === stream && String(row.epoch) === epoch && row.owner === replica && !row.done;",
        to: "row !== undefined;",
      },
      {
        file: "test/support/memory-store/leases.ts",
        from: "return row !== undefined && String(row.epoch) === epoch && row.owner === replica && !row.done ? row : null;",
        to: "return row ?? null;",
      },
    ],
  },
  {
    id: "confirmed-before-request",
    seed: 29,
    says: "who stood still asks whether the run is still theirs before something is requested",
    edits: [{ file: "src/engine/perform.ts", from: "await runContext.confirm();", to: "" }],
  },
  {
    id: "break-glass-silence",
    seed: 1,
    says: "break-glass waits until every level was asked and the last one was silent",
    edits: [{ file: BREAK_GLASS, from: "if (early !== null) return no(early);", to: "" }],
  },
  {
    id: "break-glass-second",
    seed: 7,
    says: "break-glass takes a second person, or a wait for one",
    edits: [
      {
        file: BREAK_GLASS,
        from: "const seconds = wanted ? secondsFor(person.id, run, gate, system, delegations) : [];",
        to: "const seconds: readonly Person[] = wanted ? [] : secondsFor(person.id, run, gate, system, delegations);",
      },
      { file: BREAK_GLASS, from: "if (own) return no(", to: "if (false) return no(" },
    ],
  },
  {
    id: "resolved-when-over",
    seed: 13,
    says: "an incident is not resolved while a run goes on",
    edits: [{ file: LIFE, from: 'stillLive(state, "resolved") ??', to: "" }],
  },
  {
    id: "undone-once",
    seed: 15,
    says: "what was taken back is not taken back again",
    edits: [
      {
        file: "src/incident/undo.ts",
        from: 'if (done !== null) return { code: "undo-done"',
        to: 'if (done === undefined) return { code: "undo-done"',
      },
    ],
  },
  {
    id: "answered-once",
    seed: 41,
    says: "a question of the triage that was answered is answered no more",
    edits: [
      {
        file: "src/incident/decide/triage.ts",
        from: "if (walk?.id !== command.triage || walk.open?.question !== command.question)",
        to: "if (walk === null)",
      },
    ],
  },
  {
    id: "alert-fires-once",
    seed: 3,
    says: "an instance of an alert that fires is no news when it's said again",
    edits: [
      {
        file: "src/incident/alerts.ts",
        from: "(!before.firing && before.asOf < one.receivedAt)",
        to: "before.asOf < one.receivedAt",
      },
    ],
  },
];
