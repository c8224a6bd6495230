import type { Declared, IncidentState } from "../../../src/incident/state.ts";
import type { ShownMessage, Surroundings } from "../kit/view.ts";
import { reminders, tellers } from "./due-updates.ts";
import { updateRecorded, updateSaid } from "./update.ts";

/** What people were told, wherever they read it, and what they are still owed. */
export function renderSentUpdates(state: IncidentState, declared: Declared, around: Surroundings): ShownMessage[] {
  const said = state.comms.updates.flatMap((update): ShownMessage[] => {
    const places = [...new Set(update.slack?.places ?? [])].filter((place) => place !== "incident");
    const message = updateSaid(update, declared.kind, around);
    return [
      {
        key: `update:${update.update}`,
        in: "incident",
        under: null,
        priority: 1,
        message: updateRecorded(update, around),
      },
      ...places.map((place): ShownMessage => {
        const where = place === "announce" ? "announce" : { channel: place };
        return { key: `update:${update.update}:${place}`, in: where, under: null, priority: 1, message };
      }),
    ];
  });
  const dueUpdate = reminders(state, around).flatMap(({ due, message }): ShownMessage[] => [
    { key: `owed:${due}`, in: "incident", under: null, priority: 0, message },
    ...accounts(state, around).map(
      (person): ShownMessage => ({
        key: `owed:${due}:to:${person}`,
        in: { person },
        under: null,
        priority: 0,
        message,
      }),
    ),
  ]);
  return [...said, ...dueUpdate];
}

/** Those who tell people, where a phone shows it. */
function accounts(state: IncidentState, around: Surroundings): readonly string[] {
  return tellers(state, around).flatMap((id) => around.system.people.find((one) => one.id === id)?.slack[0] ?? []);
}
