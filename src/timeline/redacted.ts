import { type Redact, redactAll } from "../lib/redact.ts";
import type { Timeline } from "./contract.ts";

/**
 * The same timeline, on which no secret is written, however it is spelled and no matter who says it: an action's evidence, an error of a
 * driver, the output of a script, a person who pastes one. All that is shown is drawn from what is written.
 */
export function redacted(timeline: Timeline, redact: Redact): Timeline {
  return {
    ...timeline,
    decide: (stream, decide, options) =>
      timeline.decide(
        stream,
        (events, now) => {
          const decision = decide(events, now);
          return { ...decision, events: decision.events.map((event) => withoutSecrets(event, redact)) };
        },
        options,
      ),
  };
}

function withoutSecrets<E extends { readonly data: unknown; readonly actor: unknown }>(event: E, redact: Redact): E {
  const { data, actor } = event;
  return { ...event, ...redactAll({ data, actor }, redact) };
}
