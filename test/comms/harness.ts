import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createReaders, type Readers } from "../../practice/mail/index.ts";
import type { Cadence, System } from "../../src/catalog/types.ts";
import { compose } from "../../src/comms/compose.ts";
import { loadTemplates } from "../../src/comms/load.ts";
import { openPage, type StatusPage } from "../../src/comms/page/serve.ts";
import { type CommsWorker, createCommsWorker } from "../../src/comms/worker.ts";
import { decide } from "../../src/incident/decide.ts";
import { fold } from "../../src/incident/evolve.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createDeliveries } from "../../src/projection/deliveries.ts";
import { createEmail } from "../../src/sinks/mail/email.ts";
import { createStatuspage } from "../../src/sinks/statuspage/statuspage.ts";
import type { Store } from "../../src/timeline/index.ts";
import { createSchedule } from "../../src/timeline/schedule.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { quiet, storeOn, type TestServer } from "../support/postgres.ts";
import { shop } from "./scenarios.ts";

const { templates } = loadTemplates(join(projectRoot(), "templates", "systems"));

/** A process that tells people, as the bot is one. */
export interface Clerk {
  readonly worker: CommsWorker;
  readonly store: Store;
  readonly page: StatusPage;
  stop(): Promise<void>;
}

/** A store, readers outside, and any number of processes between them. */
export interface CommsHarness {
  readonly readers: Readers;
  readonly store: Store;
  readonly folder: string;
  readonly system: System;
  clerk(): Promise<Clerk>;
  declare(incident: string): Promise<void>;
  /** The comms lead says what a template says, every field filled with these words; what is decided is what counts. */
  say(incident: string, template: string, words: string): Promise<void>;
  resolve(incident: string): Promise<void>;
  snooze(incident: string, due: string, minutes: number): Promise<void>;
  /** Types of what happened, those about telling people, each with what it is about. */
  delivered(incident: string): Promise<string[]>;
  close(): Promise<void>;
}

const CASS = { kind: "person", person: "cass", slackUser: null, name: "Cass Moreau", door: "cli" } as const;

export async function openCommsHarness(server: TestServer, cadence: Partial<Cadence> = {}): Promise<CommsHarness> {
  const url = await server.database();
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-comms-"));
  const readers = await createReaders();
  const [P1] = shop.cadence ?? [];
  const system: System = { ...shop, cadence: [{ ...(P1 as Cadence), ...cadence }] };
  const store = await storeOn(url);
  const clerks = new Set<Clerk>();
  let serial = 0;

  const act = async (incident: string, command: Parameters<typeof decide>[0]) => {
    serial += 1;
    const key = `asked-${serial}`;
    await store.timeline.decide(incident, (events, now) => {
      const state = fold(incident, events, new Map());
      const outcome = decide(command, state, { now, actor: CASS, blocked: null, system, key });
      if (outcome.kind === "refused") throw new Error(outcome.refusal.code);
      return { events: outcome.events, value: null };
    });
  };

  return {
    readers,
    store,
    folder,
    system,
    async clerk() {
      const own = await storeOn(url);
      const page = await openPage({ folder, address: { host: "127.0.0.1", port: 0 }, log: quiet });
      const { SMTP_URL, MAIL_FROM, STATUSPAGE_API_KEY, STATUSPAGE_API_URL } = readers.environment();
      const email = createEmail({ url: SMTP_URL, from: MAIL_FROM });
      const statuspage = createStatuspage({ apiUrl: STATUSPAGE_API_URL, key: STATUSPAGE_API_KEY, seconds: 1 });
      const worker = createCommsWorker({
        timeline: own.timeline,
        incidents: incidentsOn(own),
        deliveries: createDeliveries(own.pool),
        schedule: createSchedule(own.pool),
        systems: () => [system],
        sinks: [email, statuspage],
        page,
        practice: false,
        log: quiet,
        pollMs: 100,
      });
      worker.start();
      const clerk: Clerk = {
        worker,
        store: own,
        page,
        async stop() {
          clerks.delete(clerk);
          await worker.stop();
          email.close();
          await own.close();
          await page.close();
        },
      };
      clerks.add(clerk);
      return clerk;
    },
    declare: (incident) =>
      act(incident, {
        type: "declare",
        ...{ title: "Orders cannot be placed", system: system.id, severity: "P1", kind: "real" },
        ...{ impactStartedAt: null, announceIn: null },
      }),
    async say(incident, id, words) {
      const template = templates.for(system.id).find((one) => one.id === id);
      if (template === undefined) throw new Error(`There is no template ${id}.`);
      const state = fold(incident, await store.timeline.read(incident), new Map());
      const reach = { email: true, statuspage: true };
      const given = Object.fromEntries(template.fields.map(({ name }) => [name, words]));
      const writing = { state, system, now: store.timeline.now(), pageLink: null, practice: false, reach };
      const { update } = compose(template, given, writing);
      serial += 1;
      await act(incident, { type: "postUpdate", update: { update: `upd-${serial}`, ...update } });
    },
    resolve: (incident) => act(incident, { type: "resolve", summary: null }),
    snooze: (incident, due, minutes) => act(incident, { type: "snooze", due, minutes }),
    async delivered(incident) {
      const events = await store.timeline.read(incident);
      return events
        .filter(({ type }) => /^(update|comms)\./.test(type))
        .map(({ type, data }) => {
          const { via, due, template } = data as { via?: string; due?: string; template?: string };
          return `${type} ${via ?? due ?? template}`;
        });
    },
    async close() {
      await Promise.all([...clerks].map((clerk) => clerk.stop()));
      await store.close();
      await readers.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
