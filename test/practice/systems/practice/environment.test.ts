import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { serverOf } from "../../../../practice/environment/leftovers.ts";
import {
  createPracticeEnvironment,
  type EnvironmentState,
  type PracticeEnvironment,
} from "../../../../practice/systems/practice/index.ts";
import { createLog } from "../../../../src/lib/log.ts";
import { projectRoot } from "../../../../src/lib/root.ts";
import { built } from "../../../support/built.ts";
import { soon } from "../../../support/database-fixture.ts";

const newFolder = () => mkdtemp(join(tmpdir(), "lifeboat-environment-"));

describe("the practice environment", () => {
  let practiceEnvironment: PracticeEnvironment;
  let folder: string;
  beforeAll(async () => {
    folder = await newFolder();
    practiceEnvironment = await createPracticeEnvironment({ folder, log: createLog("silent") });
  }, 60_000);
  afterAll(() => practiceEnvironment?.stop(), 30_000);

  test("is a primary with a streaming standby and an application that writes", async () => {
    const state = await soon("orders", async () => {
      const seen = await practiceEnvironment.state();
      return (seen.application?.writesPerSecond ?? 0) >= 10 && seen;
    });
    expect(state.nodes.map(({ name, role, takesTraffic }) => ({ name, role, takesTraffic }))).toEqual([
      { name: "orders-a", role: "primary", takesTraffic: true },
      { name: "orders-b", role: "standby", takesTraffic: false },
    ]);
    expect(state).toMatchObject({ splitBrain: false, lostRows: 0 });
    expect(await practiceEnvironment.ledger()).toMatchObject({ lost: 0 });
  });

  test("gives the bot values and secrets, and keeps passwords out of the values", async () => {
    const environment = practiceEnvironment.environment();
    expect(Object.keys(environment).sort()).toEqual([
      "LIFEBOAT_VALUES",
      "ORDERS_APP_PASSWORD",
      "ORDERS_DB_PASSWORD",
      "PRACTICE_HOSTS_TOKEN",
    ]);
    const values = await readFile(environment.LIFEBOAT_VALUES as string, "utf8");
    expect(JSON.parse(values)).toEqual({
      practice: {
        aHost: "127.0.0.1",
        aPort: practiceEnvironment.nodes[0].port,
        bHost: "127.0.0.1",
        bPort: practiceEnvironment.nodes[1].port,
        appUrl: practiceEnvironment.application.url,
        hostsUrl: practiceEnvironment.url,
      },
    });
    for (const name of ["ORDERS_APP_PASSWORD", "ORDERS_DB_PASSWORD", "PRACTICE_HOSTS_TOKEN"]) {
      expect(values).not.toContain(environment[name]);
    }
  });

  test("shows the same over HTTP, once and as it changes, and serves its panel", async () => {
    const once = (await (await fetch(`${practiceEnvironment.url}/environment/state`)).json()) as EnvironmentState;
    expect(once.nodes).toHaveLength(2);
    const panel = await fetch(`${practiceEnvironment.url}/environment/panel.js`);
    expect(panel.headers.get("content-type")).toMatch(/^text\/javascript/);
    expect(await panel.text()).toContain("export function mount(");
    expect((await fetch(`${practiceEnvironment.url}/environment/../../../package.json`)).status).toBe(404);

    const leave = new AbortController();
    const stream = await fetch(`${practiceEnvironment.url}/environment/events`, { signal: leave.signal });
    const states: EnvironmentState[] = [];
    for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>) {
      states.push(JSON.parse(new TextDecoder().decode(chunk).replace(/^data: /, "")) as EnvironmentState);
      if (states.length === 3) break;
    }
    leave.abort();
    expect(new Set(states.map((state) => state.at)).size).toBeGreaterThan(1);
  });

  test("no one elsewhere can break it, and only who knows the word rebuilds a host", async () => {
    const injectFault = (headers: Record<string, string>) =>
      fetch(`${practiceEnvironment.url}/environment/faults`, {
        method: "POST",
        headers,
        body: JSON.stringify({ what: "kill-primary" }),
      });
    expect((await injectFault({ origin: "https://evil.example" })).status).toBe(403);
    expect(await withHost(`${practiceEnvironment.url}/environment/state`, "evil.example")).toBe(403);
    const unknown = await fetch(`${practiceEnvironment.url}/environment/faults`, {
      method: "POST",
      body: '{"what":"rm -rf"}',
    });
    expect(unknown.status).toBe(400);
    const rebuild = (token: string) =>
      fetch(`${practiceEnvironment.url}/environment/hosts/orders-b/rebuild`, {
        method: "POST",
        headers: { authorization: token },
      });
    expect((await rebuild("Bearer wrong")).status).toBe(401);
    expect((await practiceEnvironment.state()).nodes.every((node) => node.reachable)).toBe(true);
  });

  test("a power cut stops orders, starting again brings them back, and healing makes a pair of it", async () => {
    const caused = await fetch(`${practiceEnvironment.url}/environment/faults`, {
      method: "POST",
      body: '{"what":"stall-and-kill-primary"}',
    });
    expect(caused.status).toBe(200);
    const down = await soon("orders stopping", async () => {
      const seen = await practiceEnvironment.state();
      return seen.application?.healthy === false && seen;
    });
    expect(down.nodes[0]).toMatchObject({ role: "down", reachable: false });
    expect(down.happened[0]?.says).toBe("Stall, then kill");

    await practiceEnvironment.injectFault("restart-primary");
    await practiceEnvironment.heal();
    const healed = await soon("orders", async () => {
      const seen = await practiceEnvironment.state();
      return seen.application?.healthy === true && seen.nodes[1]?.streaming === true && seen;
    });
    expect(healed.nodes[0]).toMatchObject({ role: "primary", takesTraffic: true });
    // No one failed over, so the restarted primary still has every order it acknowledged.
    expect(await practiceEnvironment.ledger()).toMatchObject({ lost: 0 });
  }, 40_000);

  test("stopping leaves no process and no folder", async () => {
    await practiceEnvironment.stop();
    expect(existsSync(folder)).toBe(false);
    for (const node of practiceEnvironment.nodes) expect(await serverOf(node.folder)).toBeNull();
    await expect(fetch(`${practiceEnvironment.application.url}/health`)).rejects.toThrow();
  });
});

describe("a practice host that is killed", () => {
  test("leaves no server, no application and no folder behind", async () => {
    const folder = await newFolder();
    const host = await startHost(folder);
    const started = JSON.parse(await firstLine(host)) as { folders: string[]; application: string };
    const servers = await Promise.all(started.folders.map(serverOf));
    expect(servers.every((pid) => pid !== null)).toBe(true);

    host.kill("SIGKILL");

    await soon("the folder being gone", async () => !existsSync(folder));
    for (const pid of servers) await soon("the server being gone", async () => !alive(pid as number));
    await expect(fetch(`${started.application}/health`)).rejects.toThrow();
  }, 60_000);
});

async function startHost(folder: string): Promise<ChildProcess> {
  return spawn(process.execPath, [await built("test/practice/systems/practice/host.ts"), folder], {
    cwd: projectRoot(),
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", (line) => resolve(String(line)));
    child.once("exit", (code) => reject(new Error(`The host ended (${code}).`)));
  });
}

/** `fetch` does not let a caller lie about the Host. */
function withHost(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on("error", reject);
  });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
