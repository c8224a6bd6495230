import { newId } from "../../src/lib/ids.ts";
import type { EventToAppend } from "../../src/timeline/contract.ts";
import type { Store } from "../../src/timeline/index.ts";

const ALEX = { kind: "person", person: "alex", slackUser: "UALEX", name: "Alex", door: "slack" };

let serial = 0;

function happened(type: string, data: unknown, actor: unknown = ALEX): EventToAppend {
  return { type, data, actor, key: `past-${++serial}`, run: null };
}

/** An incident of the practice system; `over`: resolved and closed. Its id. */
export async function declared({ timeline }: Pick<Store, "timeline">, over: boolean, title = "Orders are slow") {
  const id = newId("inc");
  const data = { title, system: "practice", severity: "P1", kind: "real", impactStartedAt: null, announceIn: "C0ALL" };
  const end = [happened("incident.resolved", { summary: null }), happened("incident.closed", {})];
  const events = [
    happened("incident.declared", data),
    happened("incident.noted", { text: "Seen" }),
    ...(over ? end : []),
  ];
  await timeline.decide(id, () => ({ events, value: null }));
  return id;
}

/** So many incidents that are over. */
export async function pastIncidents(store: Pick<Store, "timeline">, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await declared(store, true, `Past incident ${n}`);
}

/** What a long night leaves: notes, most of all, and refusals. */
export async function manyEvents({ timeline }: Pick<Store, "timeline">, incident: string, count: number) {
  for (let left = count; left > 0; left -= 500) {
    const events = Array.from({ length: Math.min(500, left) }, (_, n) =>
      n % 3 === 0
        ? happened("incident.noted", { text: `What was seen at look ${n} of the payments queue`, happenedAt: null })
        : happened("command.refused", { verb: "approve", code: "not-asked", says: "Nobody asked you to approve this" }),
    );
    await timeline.decide(incident, () => ({ events, value: null }));
  }
}
