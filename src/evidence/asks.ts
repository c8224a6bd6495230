import type { DataOf, Event, Recorded } from "../incident/events.ts";
import { isKnown, type LogEvent } from "../incident/evolve.ts";

/** One time an approval was requested, from the question to its end. */
export interface Ask {
  readonly run: string;
  readonly step: string;
  readonly ask: string;
  readonly role: string;
  readonly quorum: number;
  readonly askedAt: Date;
  readonly expiresAt: string;
  readonly approvers: readonly string[];
  readonly loss: string;
  readonly planHash: string;
  readonly factsHash: string;
  /** Version of the event. */
  readonly event: number;
  closedAt: Date | null;
  outcome: "open" | "passed" | "denied" | "expired" | "voided" | "break-glass";
  readonly decisions: AskDecision[];
  /** Levels it was escalated to. */
  readonly escalated: { readonly role: string; readonly at: Date; readonly why: string | null }[];
}

export interface AskDecision {
  readonly decision: "approved" | "denied" | "break-glass";
  readonly person: string;
  readonly role: string;
  readonly at: Date;
  readonly onBehalfOf: string | null;
  /** Who it was had been proved outside the chat. */
  readonly proved: boolean;
  readonly signedWith: string | null;
  readonly reason: string | null;
  readonly event: number;
  /** It was given before the run, for the calendar's entry: `version` names the event in that calendar's stream. Absent: it was given here. */
  readonly ahead?: { readonly occasion: string; readonly at: string; readonly until: string; readonly version: number };
}

/** A break-glass and its review. */
export interface BreakGlassUse {
  readonly run: string;
  readonly step: string;
  readonly person: string;
  readonly second: string | null;
  readonly alone: string | null;
  readonly role: string;
  readonly reason: string;
  readonly at: Date;
  readonly ask: string;
  review: { readonly person: string; readonly at: Date; readonly finding: string } | null;
}

export interface Refusal {
  readonly at: Date;
  readonly event: number;
  readonly actor: unknown;
  readonly what: string;
  readonly code: string;
  readonly says: string;
}

/** What a state forgets and evidence needs: every ask of every gate, every break-glass, every refusal. Taken from events as they come. */
export class Asks {
  readonly asks: Ask[] = [];
  readonly breakGlassUses: BreakGlassUse[] = [];
  readonly refusals: Refusal[] = [];
  readonly #open = new Map<string, Ask>();

  take(event: LogEvent): void {
    if (isKnown(event)) this.#take(event);
  }

  #take(event: Recorded<Event>): void {
    const { at, version, run, actor } = event;
    switch (event.type) {
      case "command.refused":
        this.refusals.push({
          at,
          event: version,
          actor,
          what: event.data.verb,
          code: event.data.code,
          says: event.data.says,
        });
        return;
      case "approval.refused": {
        const { decision, code, says } = event.data;
        this.refusals.push({ at, event: version, actor, what: decision, code, says });
        return;
      }
      case "gate.opened":
        this.#opened(event.data, run ?? "", at, version);
        return;
      case "gate.escalated":
        this.#open.get(event.data.ask)?.escalated.push({ role: event.data.role, at, why: event.data.why ?? null });
        return;
      case "gate.approved": {
        const { person, role, onBehalfOf = null, proved = false, signed, ahead } = event.data;
        this.#decided(event.data.ask, {
          ...{ decision: "approved", person, role, at, onBehalfOf, proved },
          ...{ signedWith: signed?.key ?? null, reason: null, event: version },
          ...(ahead && { ahead }),
        });
        return;
      }
      case "gate.denied": {
        const { person, role, reason, signed } = event.data;
        this.#decided(event.data.ask, {
          ...{ decision: "denied", person, role, at, onBehalfOf: null, proved: false },
          ...{ signedWith: signed?.key ?? null, reason, event: version },
        });
        this.#close(event.data.ask, "denied", at);
        return;
      }
      case "gate.broken": {
        const { ask, step, person, second, alone, role, reason } = event.data;
        this.#decided(ask, {
          ...{ decision: "break-glass", person, role, at, onBehalfOf: null, proved: false },
          ...{ signedWith: null, reason, event: version },
        });
        this.#close(ask, "break-glass", at);
        this.breakGlassUses.push({
          ...{ run: run ?? "", step, person, second, alone, role, reason, at, ask },
          review: null,
        });
        return;
      }
      case "gate.reviewed": {
        const { person, finding, ask } = event.data;
        const used = this.breakGlassUses.find((one) => one.ask === ask && one.run === run);
        if (used !== undefined) used.review ??= { person, at, finding };
        return;
      }
      case "gate.expired":
        this.#close(event.data.ask, "expired", at);
        return;
      case "gate.voided":
        this.#close(event.data.ask, "voided", at);
        return;
      case "gate.passed":
        this.#close(event.data.ask, "passed", at);
        return;
      default:
    }
  }

  #opened(data: DataOf<"gate.opened">, run: string, askedAt: Date, event: number): void {
    const { step, ask, role, quorum, expiresAt, approvers, loss, planHash, factsHash } = data;
    const opened: Ask = {
      ...{ run, step, ask, role, quorum, askedAt, expiresAt, approvers, loss, planHash, factsHash, event },
      ...{ closedAt: null, outcome: "open", decisions: [], escalated: [] },
    };
    this.asks.push(opened);
    this.#open.set(ask, opened);
  }

  #decided(ask: string, decision: AskDecision): void {
    this.#open.get(ask)?.decisions.push(decision);
  }

  /** What break-glass opened passes afterwards: that it was break-glass stays. */
  #close(ask: string, outcome: Ask["outcome"], at: Date): void {
    const found = this.#open.get(ask);
    if (found === undefined || (found.outcome === "break-glass" && outcome === "passed")) return;
    found.outcome = outcome;
    found.closedAt = at;
  }
}
