import type { Plan, System } from "../../src/catalog/types.ts";
import type { DataOf, EventType } from "../../src/incident/events.ts";
import type { LogEvent } from "../../src/incident/evolve.ts";

/** What a start is tried with. */
export interface Attempt {
  readonly run: string;
  readonly step: string;
  readonly now: Date;
  readonly planHash: string;
  readonly factsHash: string;
  readonly roster: System;
  readonly accounts: ReadonlyMap<string, string | null>;
  /** The roster as it was when each question was asked. */
  readonly rosterAt: ReadonlyMap<string, System>;
}

/**
 * Says from the raw log alone, and sharing no code with the room it judges, why a step that changes something has no
 * business starting. Slow and blunt on purpose: it searches the whole log for every question it has. Null: it may.
 */
export function objection(log: readonly LogEvent[], plan: Plan, attempt: Attempt): string | null {
  const mine = log.filter((event) => event.run === attempt.run);
  const requested = all(mine, "run.requested")[0];
  if (!requested) return "there is no such run";
  if (requested.planHash !== attempt.planHash) return "another plan";
  if (requested.dryRun) return "a dry run";
  if (mine.some((event) => ["run.aborted", "run.failed", "run.verified"].includes(event.type))) return "ended";
  if (lastOf(mine, ["run.paused", "run.resumed"]) === "run.paused") return "paused";
  const preflight = all(mine, "run.preflighted").at(-1);
  if (!preflight?.ready) return "not ready";

  const ids = plan.stages.flatMap((stage) => stage.steps);
  const before = ids.slice(
    0,
    ids.findIndex((step) => step.id === attempt.step),
  );
  const gates = before.flatMap((step) => (step.kind === "gate" ? [step] : []));
  if (gates.length === 0) return "no gate";
  for (const { id, gate } of gates) {
    const opened = all(mine, "gate.opened").filter((data) => data.step === id);
    const question = opened.at(-1);
    if (!question) return `${id} was not asked`;
    const about = mine.filter((event) => (event.data as { ask?: string }).ask === question.ask);
    const changed = changedBehind(mine, plan, { id, ...gate }, question.ask, requested.requester);
    if (changed) return changed;
    const ends = ["gate.passed", "gate.denied", "gate.expired", "gate.voided"];
    const end = about.filter((event) => ends.includes(event.type)).at(-1);
    if (end?.type === "gate.passed") continue;
    if (end) return `${id} ended with ${end.type}`;
    if (question.planHash !== attempt.planHash) return `${id} showed another plan`;
    if (question.factsHash !== preflight.factsHash) return `${id} showed other facts`;
    if (question.factsHash !== attempt.factsHash) return `${id} showed facts that moved`;
    if (attempt.now.getTime() >= Date.parse(question.expiresAt)) return `${id} has expired`;

    const roles = [gate.role, ...gate.escalate.map((level) => level.role)];
    const entitled = (who: string, roster: System | undefined) =>
      roster?.people.some((person) => person.id === who && person.roles.some((role) => roles.includes(role))) === true;
    const isRequester = (who: string) =>
      who === requested.requester ||
      attempt.roster.people.some((person) => person.id === who && person.slack.includes(requested.requester));
    const used = all(about, "gate.broken")[0];
    if (used) {
      const against =
        used.second === null && isRequester(used.person)
          ? "the requester went alone"
          : againstBreakGlass(used, question, attempt);
      if (against) return `${id}: ${against}`;
      continue;
    }
    const given = all(about, "gate.approved");
    const mayLend = (who: string, from: string) =>
      loansAt(log, attempt.now).some(
        (loan) =>
          loan.to === who &&
          loan.from === from &&
          roles.includes(loan.role) &&
          (!gate.stepUp || loan.proved === true) &&
          attempt.roster.people.some((person) => person.id === from && person.roles.includes(loan.role)),
      );
    const vouchers = given.flatMap(({ vouchedBy }) => vouchedBy ?? []);
    if (given.some(({ person: who }) => vouchers.includes(who))) return `${id}: who vouched approved beside it`;
    const good = given.filter(({ person: who, onBehalfOf, proved, vouchedBy }) => {
      const voucher = attempt.roster.people.find((person) => person.id === vouchedBy);
      if (vouchedBy && (!voucher || isRequester(vouchedBy))) return false;
      if (isRequester(who) || attempt.accounts.get(who) !== null || (gate.stepUp && !proved)) return false;
      if (!onBehalfOf) return entitled(who, attempt.roster) && entitled(who, attempt.rosterAt.get(question.ask));
      const onRoster = attempt.roster.people.some((person) => person.id === who);
      const lender = !isRequester(onBehalfOf) && entitled(onBehalfOf, attempt.rosterAt.get(question.ask));
      return onRoster && lender && mayLend(who, onBehalfOf) && attempt.accounts.get(onBehalfOf) === null;
    });
    const places = new Set(good.map(({ person: who, onBehalfOf }) => onBehalfOf ?? who));
    if (places.size < Math.max(1, gate.quorum)) return `${id} has ${places.size} of ${gate.quorum}`;
  }
  return null;
}

/** Why it is not this step's turn, again from the raw log alone. Null: it is. */
export function notItsTurn(log: readonly LogEvent[], plan: Plan, { run, step }: Attempt): string | null {
  const last = (id: string) =>
    log
      .filter(
        (event) => event.run === run && event.type.startsWith("step.") && (event.data as { step: string }).step === id,
      )
      .at(-1)?.type;
  for (const one of plan.stages.flatMap((stage) => stage.steps)) {
    const latest = last(one.id);
    if (one.id === step)
      return latest === undefined || latest === "step.retried" || latest === "step.started" ? null : latest;
    if (one.kind !== "gate" && latest !== "step.verified" && latest !== "step.skipped") return `${one.id} comes first`;
  }
  return "no such step";
}

/** Why a break-glass opens nothing now. */
function againstBreakGlass(
  used: DataOf<"gate.broken">,
  question: DataOf<"gate.opened">,
  { roster, now, accounts }: Attempt,
): string | null {
  const may = roster.people.some(
    ({ id, roles }) => id === used.person && roles.some((role) => roster.breakGlass?.roles.includes(role)),
  );
  if (!may) return "who used break-glass may not any more";
  if (now.getTime() >= Date.parse(used.until)) return "break-glass was used for a while only";
  if (used.planHash !== question.planHash || used.factsHash !== question.factsHash) return "broken for something else";
  if (accounts.get(used.person) !== null) return "who used it does not count now";
  if (used.second === null) return used.alone === null ? "no one confirmed it" : null;
  if (used.second === used.person) return "confirmed by the same person";
  if (!roster.people.some(({ id }) => id === used.second)) return "the second person is gone";
  return accounts.get(used.second) === null ? null : "the second person does not count now";
}

/**
 * A step behind a gate was skipped while its question was open, or by someone who could not have approved it alone, and the
 * question stands all the same; or the requester of the run skipped what others had approved.
 */
function changedBehind(
  mine: readonly LogEvent[],
  plan: Plan,
  gate: { id: string; quorum: number; stepUp: boolean },
  ask: string,
  requester: string,
): string | null {
  const order = plan.stages.flatMap(({ steps }) => steps.map(({ id }) => id));
  const at = (type: string) => mine.findIndex((one) => one.type === type && (one.data as { ask?: string }).ask === ask);
  for (const [n, event] of mine.entries()) {
    const { step } = event.data as { step: string };
    if (event.type !== "step.skipped" || n < at("gate.opened") || order.indexOf(step) < order.indexOf(gate.id))
      continue;
    const passed = at("gate.passed") !== -1 && at("gate.passed") < n;
    const given =
      passed ||
      mine.slice(0, n).some((one) => one.type === "gate.approved" && (one.data as { ask: string }).ask === ask);
    const who = (event.actor as { person?: string }).person;
    if (given && who === requester) return `${step} was skipped by the requester of the run`;
    if (at("gate.voided") > n || mine.slice(0, n).some((one) => isEnd(one, ask) && one.type !== "gate.passed"))
      continue;
    if (!passed || gate.quorum > 1 || gate.stepUp) return `${gate.id} was changed behind its back`;
  }
  return null;
}

function isEnd(event: LogEvent, ask: string): boolean {
  return (
    ["gate.denied", "gate.expired", "gate.voided"].includes(event.type) && (event.data as { ask: string }).ask === ask
  );
}

/** Loans that run at this moment, read from the log. */
function loansAt(log: readonly LogEvent[], now: Date): readonly DataOf<"incident.roleDelegated">[] {
  return log.flatMap((event, n) => {
    if (event.type !== "incident.roleDelegated") return [];
    const loan = event.data as DataOf<"incident.roleDelegated">;
    const over = log.slice(n + 1).some((later) => {
      if (later.type !== "incident.delegationEnded") return false;
      const end = later.data as DataOf<"incident.delegationEnded">;
      return end.role === loan.role && end.from === loan.from && end.to === loan.to;
    });
    return !over && now.getTime() < Date.parse(loan.until) ? [loan] : [];
  });
}

function all<T extends EventType>(log: readonly LogEvent[], type: T): readonly DataOf<T>[] {
  return log.filter((event) => event.type === type).map((event) => event.data as DataOf<T>);
}

function lastOf(log: readonly LogEvent[], types: readonly string[]): string | null {
  return log.filter((event) => types.includes(event.type)).at(-1)?.type ?? null;
}
