import type { Problem } from "../../../src/lib/errors.ts";
import { didYouMean } from "../kit/command-refusals.ts";

/** What is wrong with a command about a run, a step or a runbook. */

/** `of`: what there is none of. */
export function noRun(of: "in progress" | "at all"): Problem {
  const what = of === "at all" ? "There is no run in this incident yet" : "No run is in progress in this incident";
  return { code: "no-run", what, next: "`/dr` shows what fits now" };
}

export function severalRuns(runs: readonly { readonly id: string; readonly title: string }[]): Problem {
  return {
    code: "several-runs",
    what: "Several runs are in progress",
    allowed: `Name one: ${runs.map(({ id, title }) => `${id} (${title})`).join(", ")}`,
  };
}

export function unknownRun(id: string): Problem {
  return {
    code: "run-unknown",
    what: `There is no run ${id}`,
    allowed: "Buttons work on the runs of this workspace only",
    next: "`/dr status` lists the runs",
  };
}

/** `named`: as typed; null: no step was. `missing`: what to say then. */
export function noStep(
  run: { readonly title: string; readonly steps: readonly string[] },
  named: string | null,
  missing: "retry" | "manual" | "skip",
): Problem {
  return {
    code: "step-unknown",
    where: run.title,
    what: named === null ? NO_STEP[missing] : `There is no step "${named}"`,
    allowed: `Steps: ${run.steps.join(", ")}`,
  };
}

const NO_STEP = {
  retry: "No step needs a retry",
  manual: "No manual step is open",
  skip: "Say which step",
} as const;

export function noSuchStep(run: string, named: string): Problem {
  return {
    code: "step-unknown",
    where: run,
    what: `There is no step "${named}"`,
    next: "`/dr steps` lists the steps",
  };
}

export function runLive(run: string): Problem {
  return { code: "run-live", where: run, what: "The run is still in progress", next: "Abort it first" };
}

export function runbookGone(id: string): Problem {
  return {
    code: "runbook-gone",
    what: `The runbook ${id} isn't in the catalogue any more`,
    next: "`/dr runbook` lists the runbooks",
  };
}

export function runbookChanged(run: string): Problem {
  return {
    code: "runbook-changed",
    where: run,
    what: "The runbook has changed since this dry run",
    stateNow: "Nothing was requested",
    next: "`/dr runbook` lists the runbooks",
  };
}

/** `found`: `<system>/<id>` of each. */
export function severalRunbooks(asked: string, found: readonly string[]): Problem {
  return {
    code: "runbook-several",
    what: `Several systems have a runbook ${asked}`,
    allowed: `Name one: ${found.join(", ")}`,
  };
}

export function unknownRunbook(asked: string, known: readonly string[], near: string | null): Problem {
  return {
    code: "runbook-unknown",
    what: `There is no runbook "${asked}" here`,
    allowed: `Runbooks: ${known.join(", ") || "none"}`,
    ...didYouMean(near),
  };
}

export function modeNotOffered(runbook: string, mode: string, modes: readonly string[]): Problem {
  return {
    code: "mode-not-offered",
    where: runbook,
    what: `This runbook has no ${mode} mode`,
    allowed: `Modes: ${modes.join(", ")}`,
  };
}

export function modeTwice(): Problem {
  return { code: "mode-twice", what: "Choose planned or unplanned, not both", next: "Drop one of them" };
}

/** `incident`: as it was named. */
export function drillInIncident(incident: string): Problem {
  return {
    code: "drill-in-incident",
    where: incident,
    what: "A drill can't run in a real incident",
    next: "Drop `--incident` for a separate drill, or `--drill` if this is real",
  };
}

export function strayInput(runbook: string, words: string): Problem {
  return {
    code: "input-stray",
    where: runbook,
    what: `"${words}" has no name: inputs are given as name=value`,
  };
}

/** What was proposed is no more, or there was nothing. `by`: what should have proposed it. */
export function nothingProposed(by: "alert" | "triage"): Problem {
  const what = by === "alert" ? "This alert proposes no runbook" : "This triage has proposed no such runbook";
  return { code: "nothing-proposed", what };
}

type Verb = "failover" | "restore";

/** `found`: runbooks that start with the same words, of one system or of several. */
export function severalTargets(
  verb: Verb,
  asked: string,
  found: readonly { readonly id: string; readonly title: string; readonly system: string }[],
): Problem {
  const systems = [...new Set(found.map(({ system }) => system))];
  if (systems.length > 1)
    return {
      code: "target-several",
      what: `Several systems have "${asked}"`,
      allowed: `Systems: ${systems.join(", ")}`,
      next: `Add the system: \`/dr ${verb} ${asked} --system ${systems[0]}\``,
    };
  return {
    code: "target-several",
    what: `Several runbooks start with "${verb} ${asked}"`,
    allowed: `Name one: ${found.map(({ id, title }) => `${id} (${title})`).join(", ")}`,
    next: `Name one: \`/dr runbook ${found[0]?.id}\``,
  };
}

/** `asked`: empty: nothing was. `near`: the line that was probably meant. */
export function unknownTarget(verb: Verb, asked: string, targets: readonly string[], near: string | null): Problem {
  const does = verb === "failover" ? "fail over" : "restore";
  return {
    code: asked === "" ? "target-missing" : "target-unknown",
    what:
      asked === ""
        ? `Say what to ${does}`
        : `Nothing called "${asked}" can be ${verb === "failover" ? "failed over" : "restored"}`,
    allowed:
      targets.length > 0
        ? `You can ${does}: ${targets.join(", ")}`
        : `No runbook of this workspace starts with "${verb}"`,
    ...(targets.length === 0 ? { next: "`/dr runbook` lists the runbooks" } : didYouMean(near)),
  };
}

export function nothingToUndo(): Problem {
  return { code: "undo-nothing", what: "This step has nothing to undo" };
}

/** `named`: as typed; null: no step was. `changed`: what could be undone, the last first. */
export function nothingChanged(named: string | null, changed: readonly string[]): Problem {
  const none = named === null || changed.length === 0;
  return {
    code: none ? "undo-nothing" : "step-unknown",
    what: none ? "No run of this incident has anything left to undo" : `No run of this incident has changed "${named}"`,
    ...(changed.length > 0 && { allowed: `Changed, the last first: ${changed.join(", ")}` }),
  };
}

/** Nothing was moved between sites, or people have committed to it. */
/** Of the moves that are looked through; what was never looked at is not among them. */
export function noneLeftAlone(): Problem {
  return {
    code: "standby-there",
    what: "No recent move was seen without a standby",
    next: "Name one: `/dr reprotect <run>`. `/dr list` shows the incidents",
  };
}

export function hasStandby(run: string): Problem {
  return { code: "standby-there", where: run, what: "A standby follows, or none was looked for. Nothing to reprotect" };
}

export function movedSince(run: string): Problem {
  return {
    code: "moved-again",
    where: run,
    what: "A later move replaced this one. Nothing to reprotect",
    next: "Name the later one: `/dr reprotect <run>`",
  };
}

/** Of several incidents; whose they are is not said. */
export function severalMoves(
  runs: readonly { readonly id: string; readonly plan: { readonly title: string } }[],
): Problem {
  return {
    code: "several-moves",
    what: "Several incidents have a move that fits",
    allowed: `Name one: ${runs.map(({ id, plan }) => `${id} (${plan.title})`).join(", ")}`,
    stateNow: "Nothing was changed",
  };
}

/** `line`: what to type in another channel. */
export function reprotectElsewhere(runbook: string, line: string): Problem {
  return {
    code: "reprotect-elsewhere",
    where: runbook,
    what: "This channel is a drill's, and the exercise moved production",
    stateNow: "Nothing was requested",
    next: `In another channel: \`${line}\``,
  };
}

export function nothingMoved(): Problem {
  return { code: "nothing-moved", what: "No move is on probation", next: "`/dr list` shows the incidents" };
}

/** What is wrong with a moment of an input: both as `2026-11-30 02:41 UTC`. */
export function momentAhead(moment: string, now: string): string {
  return `${moment} is in the future; it's ${now} now`;
}
