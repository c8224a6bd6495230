import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { createLog } from "../../src/lib/log.ts";
import type { SystemEstate } from "../../src/practice/estate/system-estate.ts";
import { systems } from "../../src/practice/estate/systems.ts";
import { conduct } from "../actions/conductor.ts";
import { describeWith } from "../actions/present.ts";

/** Every system whose customers come in by one address: a transaction takes their way, into their database, and is read back. */
const asked = systems.filter(({ system }) => !["practice", "reference"].includes(system));
const needs = asked.flatMap((kind) => kind.needs);
const describe = await describeWith(
  [...new Set(needs.map((one) => one.program))],
  [...new Set(needs.map((one) => one.package))],
);

describe("a synthetic transaction through the front door", () => {
  test.each(asked.map((kind) => [kind.system, kind] as const))(
    "%s",
    async (system, kind) => {
      const folder = await mkdtemp(join(tmpdir(), "lifeboat-synthetic-"));
      let estate: SystemEstate | null = null;
      try {
        estate = await kind.create({ folder, log: createLog("silent") });
        await estate.reset();
        const values = JSON.parse(await readFile(String(estate.environment().LIFEBOAT_VALUES), "utf8"))[system];
        const given = { url: values.publicUrl, path: "/synthetic", meantForIt: true };
        const conductor = conduct({});
        const first = await conductor.perform("smoke", "http.transaction", given);
        const second = await conductor.perform("smoke", "http.transaction", given);
        expect([second.applied, second.facts.transaction === first.facts.transaction]).toEqual([true, false]);
      } finally {
        await estate?.stop();
        await rm(folder, { recursive: true, force: true });
      }
    },
    240_000,
  );
});
