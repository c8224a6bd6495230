import { isKnown } from "../incident/evolve.ts";
import { allOf, roleTitle } from "../incident/people.ts";
import { type Known, stepTitle } from "./known.ts";
import { length } from "./length.ts";

/** One decision a person made, or that no one made in time. */
export interface Decision {
  readonly at: string;
  readonly who: string;
  readonly role: string;
  readonly decision: string;
  readonly about: string;
  /** The reason given, or empty. */
  readonly why: string;
  /** How long it had been waited for; empty where nothing waited. */
  readonly waited: string;
  readonly event: number;
}

/**
 * Every decision about a run, in the order of the record, with how long it had been waited for: an approval since its question was asked, and what
 * was decided about a stopped step since it stopped.
 */
export function decisionsOf(known: Known): readonly Decision[] {
  const { events, state, system, names, when, day } = known;
  const asked = new Map<string, Date>();
  const stopped = new Map<string, Date>();
  const decisions: Decision[] = [];
  for (const event of events) {
    if (!isKnown(event) || event.run === null) continue;
    const run = state.runs.get(event.run);
    const at = event.at;
    const by = event.actor.kind === "person" ? (event.actor.person ?? event.actor.name) : null;
    const about = (step: string) => `${run?.plan.title ?? "a run"}: ${stepTitle(run, step)}`;
    const of = (step: string | null) => `${event.run}/${step ?? ""}`;
    const since = (from: Date | undefined) =>
      from === undefined ? "" : length((at.getTime() - from.getTime()) / 1000);
    const add = (who: string, decision: string, step: string | null, more: Partial<Decision>) =>
      decisions.push({
        ...{ at: when.short(at, day), who, role: "", decision, why: "", waited: "" },
        about: step === null ? (run?.plan.title ?? "a run") : about(step),
        ...{ event: event.version, ...more },
      });
    switch (event.type) {
      case "gate.opened":
        asked.set(event.data.ask, at);
        break;
      case "gate.approved": {
        const { person, role, onBehalfOf, ask, step, ahead } = event.data;
        const as = `${roleTitle(role, system)}${onBehalfOf ? `, in the place of ${names(onBehalfOf)}` : ""}`;
        add(names(person), ahead ? "approved ahead" : "approved", step, { role: as, waited: since(asked.get(ask)) });
        break;
      }
      case "gate.denied": {
        const { person, role, reason, ask, step } = event.data;
        stopped.set(of(step), at);
        add(names(person), "denied", step, {
          ...{ role: roleTitle(role, system), why: reason ?? explained(known, ask), waited: since(asked.get(ask)) },
        });
        break;
      }
      case "gate.broken": {
        const { person, second, role, reason, ask, step } = event.data;
        const who = allOf([person, ...(second === null ? [] : [second])].map(names));
        add(who, "break-glass", step, { role: roleTitle(role, system), why: reason, waited: since(asked.get(ask)) });
        break;
      }
      case "gate.expired":
        stopped.set(of(event.data.step), at);
        add("no one", "no decision in time", event.data.step, { waited: since(asked.get(event.data.ask)) });
        break;
      case "step.failed":
      case "step.stopped":
        stopped.set(of(event.data.step), at);
        break;
      case "step.retried":
        if (by !== null)
          add(
            names(by),
            run?.steps.get(event.data.step)?.step.kind === "gate" ? "ask again" : "retry",
            event.data.step,
            { waited: since(stopped.get(of(event.data.step))) },
          );
        break;
      case "step.skipped":
        if (by !== null)
          add(names(by), "skipped", event.data.step, {
            ...{ why: event.data.reason, waited: since(stopped.get(of(event.data.step))) },
          });
        break;
      case "run.aborted":
        if (by !== null) add(names(by), "aborted the run", null, { why: event.data.reason });
        break;
      default:
    }
  }
  return decisions;
}

/** Why it was denied, where that was said after the denial. */
function explained({ events }: Known, ask: string): string {
  for (const event of events)
    if (isKnown(event) && event.type === "gate.explained" && event.data.ask === ask) return event.data.reason;
  return "";
}
