/** A guard, and how a source looks without it. */
export interface Guard {
  readonly id: string;
  readonly says: string;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

const START = "src/incident/start.ts";
const AUTHORITY = "src/incident/authority.ts";
const MEMORY_TIMELINE = "test/support/memory-store/timeline.ts";
const ENGINE = "src/engine/engine.ts";

/** Without any of these the simulation complains within a few runs. Those of the store are taken out of the one in memory. */
export const GUARDS: readonly Guard[] = [
  {
    id: "approvals-in-claim",
    says: "enough people have approved when a step is claimed",
    edits: [
      { file: START, from: "if (counting >= policy.quorum) return null;", to: "return null;" },
      { file: "src/engine/next.ts", from: "isAnswered(", to: "((..._: unknown[]) => true)(" },
    ],
  },
  {
    id: "own-approval",
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
    says: "what a process that died left in the inbox is taken up by another",
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
    says: "a message of which nobody knows is looked for before it is sent again",
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
    says: "nothing starts while a run is paused",
    edits: [
      { file: START, from: 'if (run.paused) return no("run-paused", "The run is paused");', to: "" },
      { file: "src/engine/next.ts", from: "const holds = run.paused || ", to: "const holds = " },
    ],
  },
  {
    id: "one-holder",
    says: "what a run holds no other run takes",
    edits: [{ file: MEMORY_TIMELINE, from: "if (run !== undefined) return { resource, run };", to: "" }],
  },
  {
    id: "one-sender",
    says: "a message is sent by who holds its queue",
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
    says: "what Slack is told was kept was written before",
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
    says: "an event whose key is there is not written again",
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
    says: "only what Slack signed is heard",
    edits: [{ file: "src/slack/http-receiver.ts", from: "return hits.includes(true);", to: "return true;" }],
  },
];
