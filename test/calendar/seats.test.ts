import { beforeAll, describe, expect, test } from "@jest/globals";
import { chainOf, type SeatFacts } from "../../src/calendar/seats.ts";
import { loadCatalog } from "../../src/catalog/load.ts";
import type { Runbook, System } from "../../src/catalog/types.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { CalendarYear } from "../support/calendar-year.ts";

let system: System;
let runbooks: readonly Runbook[];

beforeAll(() => {
  const { catalog } = loadCatalog(`${projectRoot()}/templates/systems/practice`);
  system = catalog.systems[0] as System;
  runbooks = catalog.runbooks;
});

/** Who hears of it when nobody confirmed in May. `gone`: person ids. `silent`: all others confirmed. */
function toldOf(silent: readonly string[], gone: readonly string[], about: Partial<System> = {}) {
  const changed = { ...system, calendar: (system.calendar ?? []).filter(({ id }) => id === "review"), ...about };
  const facts: SeatFacts = {
    ...{ chain: chainOf(runbooks), enrolled: null },
    gone: new Map(gone.map((id) => [id, "deactivated"])),
  };
  const year = new CalendarYear(
    "2026-04-20T00:00:00Z",
    () => changed,
    () => facts,
    () => [],
  );
  year.until("2026-05-02T00:00:00Z");
  const asked = year.events.find(({ type }) => type === "seats.asked")?.data as { people: string[] } | undefined;
  for (const person of (asked?.people ?? []).filter((one) => !silent.includes(one)))
    year.append({ type: "seats.confirmed", data: { round: "2026-05", person }, key: person, actor: { kind: "bot" } });
  year.until("2026-05-20T00:00:00Z");
  return (year.events.find(({ type }) => type === "seats.silent")?.data as { told: string[] } | undefined)?.told;
}

describe("given people who don't confirm that they can be reached", () => {
  test("then the administrators hear of it", () => {
    expect(toldOf(["toni-berg"], [])).toEqual(["vera-lindqvist"]);
  });

  test("then not an administrator who has left, or is silent too, but the incident commanders", () => {
    expect(toldOf(["toni-berg"], ["vera-lindqvist", "dee-park"])).toEqual(["sam-okafor"]);
    expect(toldOf(["vera-lindqvist"], ["dee-park"])).toEqual(["sam-okafor"]);
  });

  test("then everyone else on the roster where no commander can hear it", () => {
    const told = toldOf(["sam-okafor"], ["vera-lindqvist", "dee-park"]);
    expect(told).toEqual(["alex-rivera", "toni-berg", "cass-moreau"]);
  });
});
