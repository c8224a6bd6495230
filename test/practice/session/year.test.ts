import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { HARMS } from "../../../practice/session/evidence.ts";
import { type Practice, startPractice } from "../../../practice/session/practice.ts";
import { playYear, YEAR_SETTINGS, type Year } from "../../../practice/session/year.ts";
import { createLog } from "../../../src/lib/log.ts";
import { projectRoot } from "../../../src/lib/root.ts";
import { built } from "../../support/built.ts";

/** Some ten weeks in practice time, with two real bots on one store; `npm run practice -- --year` plays a whole year of the same. */
let folder: string;
let practice: Practice;
let year: Year;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-year-"));
  const packs = join(folder, "packs");
  const [main, cli] = [await built("src/main.ts"), await built("src/cli.ts")];
  practice = await startPractice({
    folder,
    port: 0,
    log: createLog("error", "test"),
    bot: { program: process.execPath, arguments: [main] },
    manifestFile: join(projectRoot(), "manifest.yml"),
    environment: YEAR_SETTINGS,
  });
  await mkdir(packs);
  const lifeboat = { program: process.execPath, arguments: [cli] };
  year = await playYear(practice, { length: "short", folder: packs, lifeboat });
}, 400_000);

afterAll(async () => {
  await practice?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

describe("given ten weeks of practice time with two bots on one store", () => {
  test("then nothing is missing, nothing happened twice, and one kill of both bots lost nothing", () => {
    expect(year.problems).toEqual([]);
    expect(year.outcome).toBe("whole");
  });

  test("then what a year is made of is on the record", () => {
    const { counts } = year;
    expect(counts).toMatchObject({ committed: 1, failedBack: 1, remindedActions: 1, signOffs: 1 });
    const atLeast = ["announced", "reminded", "started", "done", "missed", "expired", "alerts", "checkpoints"] as const;
    for (const what of atLeast) expect([what, counts[what]]).toEqual([what, expect.any(Number)]);
    expect(atLeast.filter((what) => counts[what] < 1)).toEqual([]);
    expect(year.chapters.map(({ title, saw }) => `${title}: ${saw}`).join("\n")).toMatch(
      /committed[\s\S]*failed back[\s\S]*announced[\s\S]*INC-\d+ is open[\s\S]*Vera Lindqvist \(.*deactivated[\s\S]*is done[\s\S]*killed[\s\S]*Covers: events 1 to \d{2,}/,
    );
  });

  test("then its evidence is whole to who has nothing but the pack and the key, and the same when it is exported again", () => {
    expect(year.evidence).toMatchObject({ whole: true, sameAgain: true });
  });

  test("then what someone does to a copy is named, each by another name", () => {
    const named = Object.entries(year.evidence.harmed).map(([harm, codes]) => [harm, codes]);
    expect(named).toEqual(Object.entries(HARMS).map(([harm, { code }]) => [harm, [code]]));
    expect(new Set(Object.values(HARMS).map(({ code }) => code)).size).toBe(Object.keys(HARMS).length);
  });
});
