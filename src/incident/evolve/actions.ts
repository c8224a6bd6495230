import type { ActionEvent, Recorded } from "../events.ts";
import type { ActionItem } from "../state.ts";

/** Action items after one more event. The first word on one stands: it is added once and done once. */
export function evolveActions(items: readonly ActionItem[], event: Recorded<ActionEvent>): readonly ActionItem[] {
  const { action: id } = event.data;
  const change = (more: Partial<ActionItem>) => items.map((item) => (item.id === id ? { ...item, ...more } : item));
  const item = items.find((one) => one.id === id);
  switch (event.type) {
    case "action.added": {
      const { text, owner, due, component, link } = event.data;
      const added = { id, text, owner, due, component, link, addedAt: event.at, by: event.actor };
      return item === undefined ? [...items, { ...added, done: null, remindedAt: null }] : items;
    }
    case "action.done":
      return item?.done ? items : change({ done: { at: event.at, by: event.actor, note: event.data.note } });
    case "action.reminded":
      return item?.remindedAt ? items : change({ remindedAt: event.at });
    default:
      return event satisfies never;
  }
}
