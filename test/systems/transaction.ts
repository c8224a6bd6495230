import { readFile } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import type { SystemEstate } from "../../practice/environment/system-estate.ts";
import type { Practice } from "../../practice/session/practice.ts";
import { conduct } from "../actions/conductor.ts";

/** Customers come in by one address: a transaction takes their way, into their database, and is read back. */
export function takesATransaction(system: string, practice: () => Practice<SystemEstate>): void {
  test("a synthetic transaction goes through the front door into the database, a new one each time", async () => {
    const { estate } = practice();
    await estate.reset();
    const values = JSON.parse(await readFile(String(estate.environment().LIFEBOAT_VALUES), "utf8"))[system];
    const given = { url: values.publicUrl, path: "/synthetic", meantForIt: true };
    const conductor = conduct({});
    const first = await conductor.perform("smoke", "http.transaction", given);
    const second = await conductor.perform("smoke", "http.transaction", given);
    expect([second.applied, second.facts.transaction === first.facts.transaction]).toEqual([true, false]);
  }, 120_000);
}
