import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cards } from "../../src/actions/index.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { renderIncident } from "../../templates/messages/render.ts";
import { engineOn } from "../support/engine-harness.ts";
import { incidentsOn } from "../support/incidents-on.ts";
import { orders } from "../support/orders-system.ts";
import { declared, manyEvents } from "../support/past-incidents.ts";
import { asSuperuser } from "../support/postgres.ts";
import type { Around } from "./around.ts";
import type { Measure } from "./figure.ts";
import { openRemote } from "./remote.ts";
import { atGate, gated } from "./run.ts";
import { median, timed } from "./statistics.ts";

/** Nothing may cost more than this much more when there is more of it. */
const GROWTH = { atMost: 1.3 };
const [SHORT, LONG] = [100, 10_000];
const [FEW_RUNS, MANY_RUNS] = [5, 50];
const [FEW_RUNBOOKS, MANY_RUNBOOKS] = [50, 1000];

/**
 * One more event, and what Slack should show of it, in a short and in a long incident. A store that was filled in seconds has no statistics
 * yet: what autovacuum does within a minute is done at once.
 */
export async function longIncidents(around: Around): Promise<Measure[]> {
  const store = await around.store();
  const incidents = incidentsOn(store);
  const [appends, draws]: number[][] = [[], []];
  for (const length of [SHORT, LONG]) {
    const incident = await declared(store, false, `With ${length} events`);
    await manyEvents(store, incident, length);
    await asSuperuser(store.url, "analyze");
    const { now } = store.timeline;
    const surroundings = { system: orders, now: now(), practice: false, names: (who: string) => who, channel: "C0ALL" };
    const draw = async () => renderIncident(await incidents.read(incident), surroundings);
    appends?.push(median(await timed(50, () => manyEvents(store, incident, 1), 5)));
    draws?.push(median(await timed(50, draw, 5)));
  }
  const [append = 0, appendLong = 0] = appends ?? [];
  const [drawn = 0, drawnLong = 0] = draws ?? [];
  const long = `in an incident of ${LONG.toLocaleString("en")} events`;
  return [
    { what: `an append, in an incident of ${SHORT} events`, value: append, unit: "ms" },
    { what: `… ${long}`, value: appendLong / append, unit: "×", goal: GROWTH },
    { what: `drawing it, of ${SHORT} events`, value: drawn, unit: "ms" },
    { what: `… ${long}`, value: drawnLong / drawn, unit: "×", goal: GROWTH },
  ];
}

/** Each of three steps of 300 ms: what one run waits for the others is what grows. */
export async function manyRuns(around: Around): Promise<Measure[]> {
  const store = await around.store();
  const remote = await openRemote(around);
  const engine = engineOn(store, { actions: remote.actions });
  engine.start();
  around.later(() => engine.stop());
  const together = async (count: number) => {
    const waiting = [];
    for (let n = 0; n < count; n++)
      waiting.push(await atGate(store, gated([[1, 2, 3].map((i) => remote.step(`n${n}s${i}`, 300))])));
    await Promise.all(waiting.map((one) => one.approve()));
    return median(await Promise.all(waiting.map((one) => one.verified())));
  };
  await together(1);
  const [few, many] = [await together(FEW_RUNS), await together(MANY_RUNS)];
  return [
    { what: `approval → verified, ${FEW_RUNS} runs at once, median`, value: few, unit: "ms" },
    { what: `… ${MANY_RUNS} at once`, value: many / few, unit: "×", goal: GROWTH },
  ];
}

/** Reading and checking a catalogue, by the runbook. */
export async function manyRunbooks(around: Around): Promise<Measure[]> {
  const perRunbook = async (count: number) => {
    const folder = await catalogueOf(around, count);
    const took = await timed(3, async () => {
      const { catalog, problems } = loadCatalog(folder, cards);
      if (catalog.runbooks.length !== count)
        throw new Error(`${catalog.runbooks.length} runbooks: ${JSON.stringify(problems[0])}`);
    });
    return median(took) / count;
  };
  const [few, many] = [await perRunbook(FEW_RUNBOOKS), await perRunbook(MANY_RUNBOOKS)];
  return [
    { what: `reading a runbook, one of ${FEW_RUNBOOKS}`, value: few, unit: "ms" },
    { what: `… of ${MANY_RUNBOOKS.toLocaleString("en")}`, value: many / few, unit: "×", goal: GROWTH },
  ];
}

/** The practice system again and again, each with its runbooks under names of its own. */
async function catalogueOf(around: Around, count: number): Promise<string> {
  const folder = await around.folder();
  const from = join(projectRoot(), "templates/systems/practice");
  const runbooks = loadCatalog(from, cards).catalog.runbooks.length;
  for (let n = 0; n * runbooks < count; n++) {
    const to = join(folder, `shop-${n}`);
    await mkdir(to);
    await cp(from, to, { recursive: true });
    const system = join(to, "system.yml");
    await writeFile(system, (await readFile(system, "utf8")).replace(/^title: .*$/m, `title: Shop ${n}`));
  }
  return folder;
}
