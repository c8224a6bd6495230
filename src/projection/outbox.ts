import type { Pool } from "pg";
import { createDesiredStates, type DesiredStates } from "./outbox/desired-state.ts";
import { createHomeTabs, type HomeTabs } from "./outbox/home-tabs.ts";
import { createMessages, type Messages } from "./outbox/messages.ts";
import { createPlaces, type Places } from "./outbox/places.ts";
import { createQueues, type Queues } from "./outbox/queues.ts";
import { createSharedPaces, type SharedPaces } from "./outbox/shared-pace.ts";

/**
 * The outbox as Slack uses it: messages in places that have to be made first, with threads, a pace and edits. What sinks without such
 * places use of the same tables is in `deliveries.ts`. A message is a JSON value with a key, a place is a queue. Several processes share it: a
 * queue is worked on by one at a time, and every write about a queue says nothing (and returns false) when the queue has passed to another.
 */
export interface Outbox extends DesiredStates, Queues, Messages, Places, SharedPaces, HomeTabs {}

export function createOutbox(pool: Pool): Outbox {
  return {
    ...createDesiredStates(pool),
    ...createQueues(pool),
    ...createMessages(pool),
    ...createPlaces(pool),
    ...createSharedPaces(pool),
    ...createHomeTabs(pool),
  };
}
