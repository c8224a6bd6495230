import { createIncidents, type Incidents } from "../../src/incidents/index.ts";
import { createOutbox } from "../../src/projection/outbox.ts";
import type { Store } from "../../src/timeline/index.ts";
import { quiet } from "./postgres.ts";

/** The read model of a process on this store, with the channels of its outbox. */
export function incidentsOn({ timeline, pool }: Pick<Store, "timeline" | "pool">): Incidents {
  const outbox = createOutbox(pool);
  return createIncidents({
    timeline,
    channels: {
      channelsOf: (incidents) => outbox.placesOf(incidents),
      incidentAt: async (channel) => (await outbox.streamAt(channel))?.stream ?? null,
    },
    log: quiet,
  });
}
