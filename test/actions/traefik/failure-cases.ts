import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTraefik, type PracticeTraefik } from "../../../practice/targets/traefik/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { asked, type FailureCase, type FailureSuite, shownBy } from "../../support/failure-case.ts";

const servers: Server[] = [];
const urls: string[] = [];
/** Of the two servers: the old one first. */
export const addresses = (): readonly [string, string] => [urls[0] ?? "", urls[1] ?? ""];

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

export interface TraefikFixture {
  readonly folder: string;
  readonly file: string;
  readonly before: string;
  readonly traefik: PracticeTraefik;
  given(more?: object): { api: string; [key: string]: unknown };
  served(): Promise<string>;
  close(): Promise<void>;
}

export async function openTraefik(): Promise<TraefikFixture> {
  const folder = await mkdtemp(join(tmpdir(), "lifeboat-traefik-"));
  const file = join(folder, "dynamic.yml");
  const [old, fresh] = addresses();
  const before = CONFIGURATION(old, fresh);
  await writeFile(file, before);
  const traefik = await createTraefik({ file });
  return {
    folder,
    file,
    before,
    traefik,
    given: (more = {}) => ({
      file,
      api: traefik.api,
      service: "shop",
      to: { servers: [fresh] },
      target: [{ url: `${fresh}/health` }],
      probe: { url: traefik.url, json: { served: "fresh" } },
      ...more,
    }),
    served: async () => ((await (await fetch(traefik.url)).json()) as { served: string }).served,
    async close() {
      await traefik.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const RENAME = "nothing is asked of Traefik: the effect is one rename of a file on this machine";

const switching: FailureCase = {
  action: "traefik.switch",
  async begin() {
    const { file, before, given, served, close } = await openTraefik();
    const own = { hands: before };
    const written = async () => Number((await readFile(file, "utf8")) !== own.hands);
    return {
      input: given(),
      sent: written,
      accepted: async () => Number((await readFile(file, "utf8")) !== before),
      throw() {},
      holds: async () => (await served()) === "fresh",
      async byHand() {
        await actionHarness({}).perform("by-hand", "traefik.switch", given());
        own.hands = await readFile(file, "utf8");
      },
      wrong: () => asked(given({ service: "split" })),
      blocks: "service.present",
      other: () => asked(given({ api: "http://127.0.0.1:1" })),
      close,
    };
  },
  instead: {
    "killed during": `${RENAME}, which is there or not`,
    "reply lost": RENAME,
    "error after accepting": RENAME,
    refused: `${RENAME}; a folder that may not be written to refuses the draft, and the file is as it was`,
    hanging: `${RENAME}; a Traefik that hangs is an observation, and what it then serves is verified`,
    "answered, not done": shownBy(
      "traefik/contract.test.ts",
      "a Traefik that does not follow the file, and a target that fails, are not believed",
    ),
  },
};

export const suite: FailureSuite = {
  async open() {
    for (const name of ["old", "fresh"]) {
      const server = createServer((_request, response) => response.end(JSON.stringify({ served: name })));
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      servers.push(server);
      urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
  },
  async close() {
    for (const server of servers) server.close();
  },
  cases: [switching],
};
