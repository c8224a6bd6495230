import { setImmediate as turn } from "node:timers/promises";
import { attacks, ways } from "../support/attacks.ts";
import type { Figure } from "./figure.ts";

/** Each as often; the quickest counts: what else the machine did meanwhile is not the bot's pause. */
const TIMES = 3;

/** For as long as one text is read nothing else of the bot runs: no beat of a lease, no acknowledgement. */
export const pause: Figure = {
  name: "pause",
  title: "100 kB of the worst known kinds, at every way in for words → how long the event loop stands still",
  async measure() {
    const pauses: { what: string; value: number }[] = [];
    for (const [way, read] of Object.entries(ways))
      for (const [attack, text] of Object.entries(attacks)) {
        let value = Number.POSITIVE_INFINITY;
        for (let n = 0; n < TIMES; n++) {
          await turn();
          const started = performance.now();
          read(text);
          value = Math.min(value, performance.now() - started);
        }
        pauses.push({ what: `${way}, of ${attack}`, value });
      }
    const [longest, ...rest] = pauses.sort((a, b) => b.value - a.value);
    if (longest === undefined) throw new Error("There are no attacks.");
    return [
      { what: `the longest: ${longest.what}`, value: longest.value, unit: "ms", goal: { atMost: 200 } },
      ...rest.slice(0, 2).map(({ what, value }) => ({ what, value, unit: "ms" })),
    ];
  },
};
