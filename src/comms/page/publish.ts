import type { System } from "../../catalog/types.ts";
import type { IncidentState } from "../../incident/state.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Sink } from "../../projection/worker.ts";
import { type PagedIncident, renderPage } from "./render.ts";
import type { StatusPage } from "./serve.ts";

export interface PagePublisherOptions {
  readonly page: StatusPage;
  readonly systems: () => readonly System[];
  readonly read: (incident: string) => Promise<IncidentState>;
  readonly practice: boolean;
  readonly now: () => Date;
}

/** Keeps what the built-in status page shows of each incident, and writes the page. */
export interface PagePublisher {
  /** True: the page looks different with it. */
  keep(state: IncidentState): boolean;
  read(incident: string): Promise<void>;
  publish(): Promise<void>;
  /** The page as updates are delivered to it. */
  readonly sink: Sink;
}

export function createPagePublisher({ page, systems, practice, now, ...options }: PagePublisherOptions): PagePublisher {
  const onPage = new Map<string, PagedIncident>();

  function keep(state: IncidentState): boolean {
    const updates = state.comms.updates.flatMap(({ page: said, at, audience }) =>
      said === null ? [] : [{ page: said, at, audience }],
    );
    const before = onPage.get(state.id)?.updates.length ?? 0;
    if (updates.length === before) return false;
    onPage.set(state.id, { id: state.id, system: state.declared?.system ?? "", updates });
    return true;
  }

  async function read(incident: string): Promise<void> {
    keep(await options.read(incident));
  }

  async function publish(): Promise<void> {
    await page.show(renderPage({ systems: systems(), incidents: [...onPage.values()], practice, now: now() }));
  }

  const sink: Sink = {
    name: "page",
    async send({ desired }) {
      await read((desired as { incident: string }).incident);
      try {
        await publish();
      } catch (error) {
        return { how: "later", sure: true, says: `the page could not be written: ${messageOf(error)}` };
      }
      return { how: "delivered", told: { to: "the page" }, reference: null, says: null };
    },
  };

  return { keep, read, publish, sink };
}
