import { failover, orders, seen } from "./orders-system.ts";
import { RecordedIncident } from "./recorded-incident.ts";

/** Situations, each reached from the one before it. */

export function declared(): RecordedIncident {
  return new RecordedIncident(orders)
    .ask("ana", {
      type: "declare",
      title: "Orders cannot be placed",
      system: "orders",
      severity: "P1",
      kind: "real",
      impactStartedAt: new Date("2026-11-21T02:41:00Z"),
      announceIn: "C0INCIDENTS",
    })
    .after(30)
    .ask("bo", { type: "assignRole", role: "incident-commander", person: "bo", note: null });
}

export function requested(): RecordedIncident {
  return declared().after(60).request("ana", failover);
}

export function asked(): RecordedIncident {
  return requested().after(4).engine({ type: "run.preflighted", data: seen }).open("go", "ask-first");
}

export function escalated(): RecordedIncident {
  return asked()
    .after(300)
    .engine({ type: "gate.escalated", data: { step: "go", ask: "ask-first", level: 1, role: "vp-engineering" } });
}

export function approved(): RecordedIncident {
  return escalated()
    .ask("ana", { type: "approve", run: "run-4hx8w2pd", ask: "ask-first" })
    .after(20)
    .ask("vera", { type: "approve", run: "run-4hx8w2pd", ask: "ask-first" })
    .after(1)
    .engine({ type: "gate.passed", data: { step: "go", ask: "ask-first", people: ["vera"] } })
    .step("fence", 4, "The old primary accepts no more writes.");
}

export function failed(): RecordedIncident {
  return approved()
    .engine({ type: "step.started", data: { step: "promote", attempt: 1, epoch: "1" } })
    .engine({ type: "step.intended", data: { step: "promote", attempt: 1, before: { timeline: 3 } } })
    .after(12)
    .engine({
      type: "step.failed",
      data: {
        step: "promote",
        attempt: 1,
        retryable: false,
        seconds: 12,
        problem: {
          code: "promote-late",
          what: "The standby did not leave recovery within 10 s",
          stateNow: "The old primary is fenced; nothing takes writes now",
          next: "Look at the standby's log, then retry",
        },
      },
    });
}

export function byHand(): RecordedIncident {
  return failed()
    .after(45)
    .ask("bo", { type: "retryStep", run: "run-4hx8w2pd", step: "promote" })
    .step("promote", 9, "The standby takes writes on timeline 4.", {
      seconds: 3.2,
      rows: 12,
      subject: "orders",
      method: "heartbeat table at promotion",
    })
    .engine({ type: "step.opened", data: { step: "tell-provider", until: null } });
}

export function verified(): RecordedIncident {
  return byHand()
    .after(90)
    .ask("bo", { type: "confirmStep", run: "run-4hx8w2pd", step: "tell-provider", note: "They confirmed at 02:53." })
    .step("verify", 2, "An order was placed and read back.")
    .engine({ type: "run.verified", data: { dryRun: false } });
}

export function resolved(): RecordedIncident {
  return verified()
    .after(240)
    .ask("vera", {
      type: "note",
      text: "First alert came in",
      happenedAt: new Date("2026-11-21T02:42:10Z"),
      link: "https://alerts.example/41",
    })
    .ask("bo", { type: "resolve", summary: "Frankfurt lost power; orders run from Dublin." })
    .after(5)
    .ask("bo", { type: "draftPostmortem" });
}

export function aborted(): RecordedIncident {
  return failed().after(30).ask("bo", { type: "abort", run: "run-4hx8w2pd", reason: "Power is back in Frankfurt" });
}

export function deniedAndAskedAgain(): RecordedIncident {
  return asked()
    .after(40)
    .ask("bo", { type: "deny", run: "run-4hx8w2pd", ask: "ask-first", reason: "Is the provider back?" })
    .after(60)
    .ask("bo", { type: "retryStep", run: "run-4hx8w2pd", step: "go" })
    .open("go", "ask-second");
}

export function denied(): RecordedIncident {
  return asked()
    .after(40)
    .ask("bo", { type: "deny", run: "run-4hx8w2pd", ask: "ask-first", reason: "Is the provider back?" });
}

export function plannedButDead(): RecordedIncident {
  const loss = "unknown: the primary does not answer";
  const found = ["The primary does not answer.", "It can't be fenced.", "Loss can't be ruled out.", "No replica."];
  const cause = { id: "silent:10.0.0.5:5432", says: "The primary (10.0.0.5) does not answer: connection refused." };
  const checks = found.map((says, n) => ({
    ...{ step: "fence", id: says, ok: false, level: "block" as const, says },
    ...(n < 3 && { cause }),
  }));
  const beforehand = ["There has to be a standby that streams: `/dr restore database` makes one."];
  return declared()
    .request("ana", { ...failover, mode: "planned", beforehand })
    .after(3)
    .engine({ type: "run.preflighted", data: { ...seen, ready: false, loss, checks } })
    .engine({
      type: "run.failed",
      data: {
        problem: {
          code: "preflight-blocked",
          what: "The primary does not answer",
          stateNow: "Nothing was changed",
          // As it was recorded by 0.1: advice that does not help when the primary is dead.
          next: "There has to be a standby that streams: `/dr restore database` makes one. Put it right and ask again.",
        },
      },
    });
}

export function drillDryRun(): RecordedIncident {
  const story = new RecordedIncident(orders).ask("ana", {
    type: "declare",
    title: "Dry run: Fail over the orders database",
    system: "orders",
    severity: "P2",
    kind: "drill",
    impactStartedAt: null,
    announceIn: null,
  });
  return story
    .request("ana", { ...failover, kind: "drill", drill: { on: "nothing" } }, { dryRun: true })
    .after(3)
    .engine({ type: "run.preflighted", data: { ...seen, checks: seen.checks.filter(({ ok }) => ok) } })
    .engine({ type: "run.verified", data: { dryRun: true } });
}

export function stuckAndPaused(): RecordedIncident {
  return approved()
    .ask("bo", { type: "pause", run: "run-4hx8w2pd", reason: "Waiting for the provider" })
    .engine({
      type: "run.stuck",
      data: {
        problem: { code: "engine", what: "The engine failed 5 times in a row", stateNow: "The old primary is fenced" },
      },
    });
}

/** The engine could not go on, was resumed, could not again, and the run was aborted. */
export function stuckAgainAndAborted(): RecordedIncident {
  const problem = { code: "engine", what: "The engine failed again", stateNow: "The old primary is fenced" };
  return stuckAndPaused()
    .after(30)
    .ask("bo", { type: "resume", run: "run-4hx8w2pd" })
    .after(5)
    .engine({ type: "run.stuck", data: { problem } })
    .after(60)
    .ask("bo", { type: "abort", run: "run-4hx8w2pd", reason: "Power is back in Frankfurt" });
}

/** A question that no one answers before it is denied, and asked again. */
export function questionDenied(): RecordedIncident {
  const ask = { run: "run-4hx8w2pd", ask: "ask-first" } as const;
  return asked()
    .after(20)
    .ask("vera", { type: "question", ...ask, text: "Is the provider back?" })
    .after(40)
    .ask("bo", { type: "deny", ...ask, reason: "Wait for the provider" })
    .after(60)
    .ask("bo", { type: "retryStep", run: "run-4hx8w2pd", step: "go" })
    .open("go", "ask-second");
}

/** The VP asks back before she decides, a role is lent to her assistant, and silence lasts. */
export function askedBack(): RecordedIncident {
  const ask = { run: "run-4hx8w2pd", ask: "ask-first" } as const;
  return escalated()
    .after(20)
    .ask("vera", { type: "question", ...ask, text: "Is the *provider* back, <!here>?" })
    .after(30)
    .ask("ana", { type: "answer", ...ask, text: "Not before four" })
    .after(10)
    .ask("vera", { type: "question", ...ask, text: "And the invoices?" })
    .ask("vera", { type: "delegate", role: "vp-engineering", to: "cleo", seconds: 3600, reason: "on a train" })
    .after(60)
    .engine({
      type: "gate.reminded",
      data: { step: "go", ask: "ask-first", count: 1, roles: ["dba", "vp-engineering"] },
    });
}

export function breakGlassRequested(): RecordedIncident {
  const reason = "Vera and the others do not answer";
  return askedBack().after(30).ask("ana", { type: "breakGlass", run: "run-4hx8w2pd", ask: "ask-first", reason });
}

export function breakGlassUsed(): RecordedIncident {
  return breakGlassRequested()
    .after(20)
    .ask("bo", { type: "confirmBreak", run: "run-4hx8w2pd", ask: "ask-first" })
    .after(1)
    .engine({ type: "gate.passed", data: { step: "go", ask: "ask-first", people: ["ana", "bo"] } })
    .step("fence", 4, "The old primary accepts no more writes.");
}

export function breakGlassReviewed(): RecordedIncident {
  return breakGlassUsed()
    .after(3600)
    .ask("vera", { type: "review", run: "run-4hx8w2pd", ask: "ask-first", finding: "It was right; my phone was off." });
}

const asks = (
  question: string,
  words: string,
  probed: boolean,
  look: string | null,
  answers: readonly [string, string][],
) =>
  ({
    type: "triage.asked",
    data: {
      triage: "tri-3kf8x2pq",
      question,
      asks: words,
      look,
      probed,
      answers: answers.map(([id, says]) => ({ id, says })),
    },
  }) as const;
const answered = (question: string, answer: string, says: string, saw: string | null) =>
  ({ type: "triage.answered", data: { triage: "tri-3kf8x2pq", question, answer, says, saw } }) as const;

export function triageLooks(): RecordedIncident {
  return declared()
    .after(20)
    .engine(
      asks("placed", "Can orders be placed?", true, "The shop's own page says it.", [
        ["yes", "Yes"],
        ["no", "No, <nobody> can"],
      ]),
      null,
    );
}

export function triageAsks(): RecordedIncident {
  return triageLooks()
    .after(2)
    .engine(
      answered("placed", "no", "No, <nobody> can", "https://orders.example/health answered 503 & nothing else."),
      null,
    )
    .engine(
      asks("primary", "Does the primary answer?", true, "Try to connect to it as the application does.", [
        ["yes", "Yes, it takes writes"],
        ["no", "No, nothing answers there"],
      ]),
      null,
    )
    .after(15)
    .engine(
      { type: "triage.unseen", data: { triage: "tri-3kf8x2pq", question: "primary", says: "no answer within 15 s" } },
      null,
    );
}

export function triageProposes(): RecordedIncident {
  return triageAsks()
    .engine(answered("primary", "no", "No, nothing answers there", null), null)
    .engine(
      {
        type: "triage.concluded",
        data: {
          triage: "tri-3kf8x2pq",
          advice: "Tell the provider first.",
          runbook: { id: "failover", title: "Fail over the orders database", modes: ["planned", "unplanned"] },
        },
      },
      null,
    );
}

/** The same plan with a lane beside the verification. */
export function parallelBranches(): RecordedIncident {
  const [decide, switching, check] = failover.stages;
  if (!decide || !switching || !check) throw new Error("The plan of the orders has three stages.");
  const both = {
    id: "both",
    title: "Move and look",
    parallel: true,
    steps: [...switching.steps, ...check.steps],
    lanes: [{ id: "database", title: "Database", steps: switching.steps.map(({ id }) => id) }],
  };
  return declared()
    .request("ana", { ...failover, format: 2, stages: [decide, both] })
    .engine({ type: "run.preflighted", data: seen });
}

/** The same plan with times for its stages: the first in time, the second late. */
export function late(): RecordedIncident {
  const clocks = [
    { id: "decide", title: "Decide", withinSeconds: 300, stages: ["decide"] },
    { id: "move", title: "Move & look", withinSeconds: 120, stages: ["switch", "check"] },
  ];
  return declared()
    .request("ana", { ...failover, clocks })
    .engine({ type: "run.preflighted", data: seen })
    .open("go", "ask-first")
    .after(100)
    .ask("bo", { type: "approve", run: "run-4hx8w2pd", ask: "ask-first" })
    .engine({ type: "gate.passed", data: { step: "go", ask: "ask-first", people: ["bo"] } })
    .step("fence", 4, "The old primary accepts no more writes.")
    .engine({ type: "step.started", data: { step: "promote", attempt: 1, epoch: "1" } })
    .after(117)
    .engine({
      type: "stage.late",
      data: { stage: "move", withinSeconds: 120, dueAt: "2026-11-21T02:48:10.000Z" },
    })
    .after(70);
}

/** The same plan, told tonight's values: they are on the plan and in the question. */
export function updatesSent(): RecordedIncident {
  const inputs = [
    { name: "node", value: "worker_3*" },
    { name: "to", value: "2026-11-21T02:13:00Z" },
  ];
  return declared()
    .request("ana", { ...failover, inputs })
    .engine({ type: "run.preflighted", data: seen })
    .open("go", "ask-first");
}

/** The same, where the runbook can't be run unplanned. */
export function onlyPlannedAndDead(): RecordedIncident {
  const [run] = plannedButDead().state.runs.values();
  if (!run?.preflight || run.ending?.as !== "failed") throw new Error("There is no failed run.");
  const { at: _, ...looked } = run.preflight;
  return declared()
    .request("ana", { ...failover, mode: "planned", modes: ["planned"] })
    .engine({ type: "run.preflighted", data: looked })
    .engine({ type: "run.failed", data: { problem: run.ending.problem } });
}

export function dryRunWarned(): RecordedIncident {
  const warning = {
    step: "fence",
    id: "disk",
    ok: false,
    level: "warn" as const,
    says: "The standby's disk is 91 % full.",
  };
  return declared()
    .request("ana", failover, { dryRun: true })
    .after(3)
    .engine({ type: "run.preflighted", data: { ...seen, checks: [...seen.checks, warning] } })
    .engine({ type: "run.verified", data: { dryRun: true } });
}

const UNFENCED = { step: "fence", id: "unfenced", label: "NOT FENCED", value: "orders-a", material: true };

/** The old primary does not answer, and the plan goes on without its fence when that is approved. */
export function askedUnfenced(): RecordedIncident {
  const facts = [UNFENCED, ...seen.facts];
  return requested()
    .after(4)
    .engine({ type: "run.preflighted", data: { ...seen, facts } })
    .open("go", "ask-first");
}

export function wentOnUnfenced(): RecordedIncident {
  const story = askedUnfenced()
    .after(20)
    .ask("vera", { type: "approve", run: "run-4hx8w2pd", ask: "ask-first" })
    .engine({ type: "gate.passed", data: { step: "go", ask: "ask-first", people: ["vera"] } })
    .engine({ type: "step.started", data: { step: "fence", attempt: 1, epoch: "1" } })
    .after(4);
  const says = "NOT FENCED: orders-a does not answer. If it comes back it may take writes.";
  const facts = [UNFENCED, { ...UNFENCED, id: "fenceAccepted", value: true }];
  return story
    .engine({ type: "step.verified", data: { step: "fence", attempt: 1, says, facts, rpo: null, seconds: 4 } })
    .step("promote", 9, "The standby takes writes on timeline 4.")
    .engine({ type: "step.opened", data: { step: "tell-provider", until: null } })
    .ask("bo", { type: "confirmStep", run: "run-4hx8w2pd", step: "tell-provider", note: null })
    .step("verify", 2, "An order was placed and read back.")
    .engine({ type: "run.verified", data: { dryRun: false } });
}
