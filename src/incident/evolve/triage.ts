import type { Recorded, TriageEvent } from "../events.ts";
import type { TriageState } from "../state.ts";

/** The triages of an incident after an event: which question is open, what was answered, what was proposed. */
export function evolveTriage(triages: readonly TriageState[], event: Recorded<TriageEvent>): readonly TriageState[] {
  const known = triages.find(({ id }) => id === event.data.triage);
  if (known === undefined) return event.type === "triage.asked" ? [...triages, begun(event)] : triages;
  return triages.map((one) => (one === known ? after(known, event) : one));
}

function begun({ data, actor, at }: Extract<Recorded, { type: "triage.asked" }>): TriageState {
  return { id: data.triage, by: actor, at, answered: [], open: { ...data, unseen: null }, concluded: null };
}

function after(triage: TriageState, event: Recorded<TriageEvent>): TriageState {
  const { open } = triage;
  switch (event.type) {
    case "triage.asked":
      return { ...triage, open: { ...event.data, unseen: null } };
    case "triage.answered": {
      if (open?.question !== event.data.question) return triage;
      const { question, says, saw } = event.data;
      const answer = { question, asks: open.asks, says, saw, by: event.actor };
      return { ...triage, open: null, answered: [...triage.answered, answer] };
    }
    case "triage.unseen":
      if (open?.question !== event.data.question) return triage;
      return { ...triage, open: { ...open, unseen: event.data.says } };
    case "triage.concluded":
      return { ...triage, open: null, concluded: event.data };
    default:
      return event satisfies never;
  }
}
