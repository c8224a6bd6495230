import { readFile } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import type { SystemEnvironment } from "../../practice/environment/system-environment.ts";
import type { Practice } from "../../practice/session/practice.ts";
import { actionHarness } from "../support/action-harness.ts";

/** Customers come in by one address: a transaction takes their way, into their database, and is read back. */
export function takesATransaction(system: string, practice: () => Practice<SystemEnvironment>): void {
  test("a synthetic transaction goes through the front door into the database, a new one each time", async () => {
    const { environment } = practice();
    await environment.reset();
    const values = JSON.parse(await readFile(String(environment.environment().LIFEBOAT_VALUES), "utf8"))[system];
    const given = { url: values.publicUrl, path: "/synthetic", meantForIt: true };
    const harness = actionHarness({});
    const first = await harness.perform("smoke", "http.transaction", given);
    const second = await harness.perform("smoke", "http.transaction", given);
    expect([second.applied, second.facts.transaction === first.facts.transaction]).toEqual([true, false]);
  }, 120_000);
}
