import type { Surroundings } from "../../templates/messages/kit/view.ts";
import { orders } from "./orders-system.ts";
import type { RecordedIncident } from "./recorded-incident.ts";

/** What Slack knows beside the state: people as mentions, the incident's channel, the time of the story. */
export function around(story: RecordedIncident, more: Partial<Surroundings> = {}): Surroundings {
  const names = (who: string) => {
    const person = orders.people.find(({ id }) => id === who);
    return person ? `<@${person.slack[0]}>` : who;
  };
  return { system: orders, now: story.now, practice: false, names, channel: "C0INC7K2M", ...more };
}
