import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createTraefik, type PracticeTraefik } from "../../../src/practice/estate/traefik/index.ts";
import { type Conductor, conduct } from "../conductor.ts";
import { performAndDie, recoverFrom } from "../crash.ts";
import { soon } from "../shop.ts";
import { Step } from "../step.ts";

let folder: string;
let file: string;
let before: string;
let traefik: PracticeTraefik;
let conductor: Conductor;
const servers: Server[] = [];
const urls: string[] = [];

const CONFIGURATION = (old: string, fresh: string) => `# kept by hand
http:
  routers:
    shop: { rule: "PathPrefix(\`/\`)", service: shop }
    split: { rule: "Host(\`split\`)", service: split }
  services:
    shop: # where the shop runs
      loadBalancer:
        healthCheck: { path: /health }
        servers: [{ url: "${old}" }]
    split:
      weighted: { services: [{ name: shop, weight: 1 }, { name: spare, weight: 0 }] }
    spare:
      loadBalancer: { servers: [{ url: "${fresh}" }] }
`;

beforeAll(async () => {
  for (const name of ["old", "fresh"]) {
    const server = createServer((_request, response) => response.end(JSON.stringify({ served: name })));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    servers.push(server);
    urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
});
afterAll(() => {
  for (const server of servers) server.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifeboat-traefik-"));
  file = join(folder, "dynamic.yml");
  before = CONFIGURATION(urls[0] ?? "", urls[1] ?? "");
  await writeFile(file, before);
  traefik = await createTraefik({ file });
  conductor = conduct({});
});
afterEach(async () => {
  await traefik.close();
  await rm(folder, { recursive: true, force: true });
});

const given = (more: object = {}) => ({
  file,
  api: traefik.api,
  service: "shop",
  to: { servers: [urls[1]] },
  target: [{ url: `${urls[1]}/health` }],
  probe: { url: traefik.url, json: { served: "fresh" } },
  ...more,
});
const step = (more?: object) => new Step(conductor, "traefik.switch", given(more));
const served = async () => ((await (await fetch(traefik.url)).json()) as { served: string }).served;

describe("traefik.switch", () => {
  test("moves real requests by one rename, keeps comments and the file as it was, and leads back", async () => {
    expect(await served()).toBe("old");
    const { evidence, applied } = await conductor.perform("switch", "traefik.switch", given());
    expect([applied, await served()]).toEqual([true, "fresh"]);
    expect(evidence.says).toContain("answered as expected 3 times in a row");
    expect(await readFile(file, "utf8")).toContain("# where the shop runs");
    expect(await readFile(`${file}.before`, "utf8")).toBe(before);
    expect((await readdir(folder)).sort()).toEqual(["dynamic.yml", "dynamic.yml.before"]);
    expect((await conductor.perform("again", "traefik.switch", given())).applied).toBe(false);
    const back = {
      to: { servers: [urls[0]] },
      target: [{ url: `${urls[0]}/health` }],
      probe: { url: traefik.url, json: { served: "old" } },
    };
    await conductor.perform("back", "traefik.switch", given(back));
    expect(await served()).toBe("old");
  });

  test("moves shares of a weighted service", async () => {
    const weights = { service: "split", to: { weights: { shop: 0, spare: 1 } }, probe: { url: traefik.url } };
    await conductor.perform("split", "traefik.switch", given(weights));
    expect(await readFile(file, "utf8")).toMatch(/name: spare, weight: 1|name: spare\n\s+weight: 1/);
  });

  test("what would not work is said before anything is written", async () => {
    const nobody = "http://127.0.0.1:1";
    expect(await step({ to: { servers: [nobody] }, target: [{ url: nobody }] }).blockedBy()).toEqual([
      "target.answers",
    ]);
    expect(await step({ target: [] }).blockedBy()).toEqual(["target.answers"]);
    expect(await step({ service: "split" }).blockedBy()).toEqual(["service.present"]);
    expect(await step({ file: join(folder, "none.yml") }).blockedBy()).toEqual(["file.readable"]);
    traefik.door.faults.throw({ kind: "down" });
    expect(await step().blockedBy()).toEqual(["traefik.answers"]);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  test("somebody who wrote the file since is not overruled", async () => {
    const late = step();
    await late.intend();
    await writeFile(file, `${before}# and mine\n`);
    await expect(late.apply()).rejects.toMatchObject({ problem: { code: "file-changed" } });
    expect(await readFile(file, "utf8")).toBe(`${before}# and mine\n`);
  });

  test("a Traefik that does not follow the file, and a target that fails, are not believed", async () => {
    traefik.watch(false);
    const one = step();
    await one.intend();
    await one.apply();
    await expect(one.verify(700)).rejects.toThrow();
    traefik.watch(true);
    await one.verify();
    expect(await one.done()).toBe("yes");
  });

  test("killed before the write, and after it: the next one writes once, or only looks", async () => {
    for (const [at, way] of [
      ["to http", "again"],
      [undefined, "verify"],
    ] as const) {
      await writeFile(file, before);
      await soon("the old way", async () => (await served()) === "old");
      const died = await performAndDie("traefik.switch", given(), at ? { at } : {});
      expect((await recoverFrom(conductor, "traefik.switch", given(), died.before)).way).toBe(way);
      expect(await served()).toBe("fresh");
    }
  }, 30_000);
});
