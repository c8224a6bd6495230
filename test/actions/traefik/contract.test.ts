import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { traefikCovered } from "../../../practice/targets/traefik/index.ts";
import { traefikMember } from "../../../src/actions/traefik/member.ts";
import { type ActionHarness, actionHarness } from "../../support/action-harness.ts";
import { performAndDie, recoverFrom } from "../../support/crash.ts";
import { soon } from "../../support/database-fixture.ts";
import { runFailureSuite } from "../../support/run-failure-suite.ts";
import { Step } from "../../support/step.ts";
import { addresses, openTraefik, suite, type TraefikFixture } from "./failure-cases.ts";

await runFailureSuite(suite);

let stand: TraefikFixture;
let harness: ActionHarness;
let file: string;
let urls: readonly string[];
beforeEach(async () => {
  stand = await openTraefik();
  urls = addresses();
  file = stand.file;
  harness = actionHarness({});
});
afterEach(() => stand.close());
const given = (more?: object) => stand.given(more);
const step = (more?: object) => new Step(harness, "traefik.switch", given(more));

describe("traefik.switch", () => {
  test("moves real requests by one rename, keeps comments and the file as it was, and leads back", async () => {
    expect(await stand.served()).toBe("old");
    const { evidence, applied } = await harness.perform("switch", "traefik.switch", given());
    expect([applied, await stand.served()]).toEqual([true, "fresh"]);
    expect(evidence.says).toContain("answered as expected 3 times in a row");
    expect(await readFile(file, "utf8")).toContain("# where the shop runs");
    expect(await readFile(`${file}.before`, "utf8")).toBe(stand.before);
    expect((await readdir(stand.folder)).sort()).toEqual(["dynamic.yml", "dynamic.yml.before"]);
    expect((await harness.perform("again", "traefik.switch", given())).applied).toBe(false);
    const back = {
      to: { servers: [urls[0]] },
      target: [{ url: `${urls[0]}/health` }],
      probe: { url: stand.traefik.url, json: { served: "old" } },
    };
    await harness.perform("back", "traefik.switch", given(back));
    expect(await stand.served()).toBe("old");
  });

  test("its members: who is led to, by Traefik's word, and by the file where Traefik does not answer", async () => {
    const seenAs = async (more: object) => {
      const { to: _to, target: _target, probe: _probe, times: _times, ...place } = stand.given(more);
      const look = async (url?: string) =>
        traefikMember.look(harness.context, traefikMember.input.parse({ ...place, url }));
      return await Promise.all([look(`${urls[0]}/`), look(urls[1])]).then((all) => all.map(({ state }) => state));
    };
    expect(await seenAs({})).toEqual(["active", "standby"]);
    expect(await seenAs({ api: "http://127.0.0.1:1" })).toEqual(["active", "standby"]);
    expect(await seenAs({ api: "http://127.0.0.1:1", file: join(stand.folder, "none.yml") })).toEqual([
      "silent",
      "silent",
    ]);
    expect(await seenAs({ service: "unknown" })).toEqual(["unclear", "unclear"]);
    await harness.perform("switch", "traefik.switch", given());
    expect(await seenAs({})).toEqual(["standby", "active"]);
  });

  test("moves shares of a weighted service", async () => {
    const weights = { service: "split", to: { weights: { shop: 0, spare: 1 } }, probe: { url: stand.traefik.url } };
    await harness.perform("split", "traefik.switch", given(weights));
    expect(await readFile(file, "utf8")).toMatch(/name: spare, weight: 1|name: spare\n\s+weight: 1/);
  });

  test("what would not work is said before anything is written", async () => {
    const noOne = "http://127.0.0.1:1";
    expect(await step({ to: { servers: [noOne] }, target: [{ url: noOne }] }).blockedBy()).toEqual(["target.answers"]);
    expect(await step({ target: [] }).blockedBy()).toEqual(["target.answers"]);
    expect(await step({ service: "split" }).blockedBy()).toEqual(["service.present"]);
    expect(await step({ file: join(stand.folder, "none.yml") }).blockedBy()).toEqual(["file.readable"]);
    stand.traefik.server.faults.throw({ kind: "down" });
    expect(await step().blockedBy()).toEqual(["traefik.answers"]);
    expect(await readFile(file, "utf8")).toBe(stand.before);
  });

  test("someone who wrote the file since is not overruled", async () => {
    const late = step();
    await late.intend();
    await writeFile(file, `${stand.before}# and mine\n`);
    await expect(late.apply()).rejects.toMatchObject({ problem: { code: "file-changed" } });
    expect(await readFile(file, "utf8")).toBe(`${stand.before}# and mine\n`);
  });

  test("a Traefik that does not follow the file, and a target that fails, are not believed", async () => {
    stand.traefik.watch(false);
    const one = step();
    await one.intend();
    await one.apply();
    await expect(one.verify(700)).rejects.toThrow();
    stand.traefik.watch(true);
    await one.verify();
    expect(await one.done()).toBe("yes");
  });

  test("killed before the write, and after it: the next one writes once, or only looks", async () => {
    for (const [at, way] of [
      ["to http", "again"],
      [undefined, "verify"],
    ] as const) {
      await writeFile(file, stand.before);
      await soon("the old way", async () => (await stand.served()) === "old");
      const died = await performAndDie("traefik.switch", given(), at ? { at } : {});
      expect((await recoverFrom(harness, "traefik.switch", given(), died.before)).way).toBe(way);
      expect(await stand.served()).toBe("fresh");
    }
  }, 90_000);
});

test("what the stand-in covers is what its tables answer", () => {
  expect(traefikCovered().join(" ")).toMatchInlineSnapshot(
    `"/ping /api/http/services /api/http/services/{name} /api/http/routers /api/http/routers/{name} loadBalancer failover weighted Host PathPrefix"`,
  );
});
