import { ANCHORS } from "../incident/anchors.ts";
import type { DueItem, Ended } from "../projection/deliveries.ts";
import type { Later, Sink } from "../projection/worker.ts";
import type { EventToAppend, Timeline } from "../timeline/contract.ts";

/** So often it is said that an update is delayed: each is one event, whatever happens after. */
const SAID = 3;
const actor = { kind: "bot" } as const;

/** The same sink, and how each of its deliveries went is written on the timeline: once, however often it is called. */
export function onTimeline(sink: Sink, timeline: Pick<Timeline, "decide">): Sink {
  const append = async (stream: string, event: EventToAppend) => {
    await timeline.decide(stream, () => ({ events: [event], value: null }));
  };
  return {
    ...sink,
    record: (ended) => append(ended.stream, eventOf(ended)),
    async delayed(item, sent) {
      if (item.tries < SAID && item.stream !== ANCHORS) await append(item.stream, delayed(item, sent));
    },
  };
}

/** A mail with a checkpoint of the record (`evidence/anchors.ts`): what it is of stands in its key. */
function anchorEvent({ key, delivered, says }: Ended): EventToAppend {
  const [, number = "", sha256 = ""] = /^checkpoint-(\d+)\/([0-9a-f]{64})$/.exec(key) ?? [];
  const about = { checkpoint: Number(number), sha256, place: "email" };
  const at = (delivered as { to?: string | null } | null)?.to ?? "its readers";
  return delivered === null
    ? { type: "anchor.refused", data: { ...about, says: says ?? "it was refused" }, actor, key: `${number}/email` }
    : { type: "anchor.placed", data: { ...about, receipt: { at, reference: key } }, actor, key: `${number}/email` };
}

function idOf(key: string): { update: string; via: string } {
  const [update = "", via = ""] = key.split("/");
  return { update, via };
}

function delayed({ key }: DueItem, { says }: Later): EventToAppend {
  return { type: "update.delayed", data: { ...idOf(key), says }, actor, key: `${key}/update.delayed` };
}

function eventOf(ended: Ended): EventToAppend {
  const { key, delivered, says, stream } = ended;
  if (stream === ANCHORS) return anchorEvent(ended);
  if (delivered === null)
    return {
      ...{ type: "update.undelivered", data: { ...idOf(key), says: says ?? "it was refused" } },
      ...{ actor, key: `${key}/update.undelivered` },
    };
  const to = (delivered as { to?: string | null }).to ?? "its readers";
  return { type: "update.delivered", data: { ...idOf(key), to, says }, actor, key: `${key}/update.delivered` };
}
