import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createWorkspace, driveWorkspace, type Workspace } from "../../../practice/slack/index.ts";

// What these tests show is no bot of ours: it is not recorded for the validators.
delete process.env.LIFEBOAT_SLACK_RECORDING;

let workspace: Workspace;
beforeAll(async () => {
  workspace = await createWorkspace({
    mounts: [
      {
        prefix: "/environment",
        panel: "/environment/panel.js",
        handle(request, response) {
          if (request.url !== "/environment/panel.js") return false;
          response.end("export function mount() {}");
          return true;
        },
      },
    ],
  });
});
afterAll(() => workspace.close());

/** The status of a request written out byte by byte, so that nothing corrects its headers. */
async function status(method: string, path: string, headers: Record<string, string>, body = ""): Promise<number> {
  const { hostname, port } = new URL(workspace.url);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries({ "content-length": String(body.length), connection: "close", ...headers });
  socket.write(
    `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n${body}`,
  );
  let answer = "";
  for await (const part of socket) answer += part;
  return Number(answer.split(" ")[1]);
}

const own = () => new URL(workspace.url).host;
const userAction = JSON.stringify({ do: "say", text: "hello", channel: "CINCIDENT" });
const json = { "content-type": "application/json" };

describe("who may speak to the workspace", () => {
  test.each<[string, string, string, () => Record<string, string>, number]>([
    ["the page itself", "GET", "/", () => ({ host: own() }), 200],
    ["the page by another loopback name", "GET", "/", () => ({ host: own().replace("127.0.0.1", "localhost") }), 200],
    ["a name that was rebound to 127.0.0.1", "GET", "/control/state", () => ({ host: "evil.example" }), 403],
    ["the right name on another port", "GET", "/control/state", () => ({ host: "127.0.0.1:1" }), 403],
    ["another site", "POST", "/control/as/UALEX", () => ({ host: own(), origin: "http://evil.example", ...json }), 403],
    [
      "another port's page",
      "POST",
      "/control/as/UALEX",
      () => ({ host: own(), origin: "http://127.0.0.1:1", ...json }),
      403,
    ],
    ["a sandboxed page", "POST", "/control/as/UALEX", () => ({ host: own(), origin: "null", ...json }), 403],
    [
      "another site's form without an Origin",
      "POST",
      "/control/as/UALEX",
      () => ({ host: own(), "sec-fetch-site": "cross-site", ...json }),
      403,
    ],
    ["a plain form", "POST", "/control/as/UALEX", () => ({ host: own(), "content-type": "text/plain" }), 415],
    ["another site's picture", "GET", "/control/state", () => ({ host: own(), "sec-fetch-site": "cross-site" }), 403],
    ["a driver without a browser", "POST", "/control/as/UALEX", () => ({ host: own(), ...json }), 200],
    [
      "the page's own request",
      "POST",
      "/control/as/UALEX",
      () => ({ host: own(), origin: workspace.url, "sec-fetch-site": "same-origin", ...json }),
      200,
    ],
    [
      "another site calling the Web API",
      "POST",
      "/api/auth.test",
      () => ({ host: own(), origin: "http://evil.example" }),
      403,
    ],
    [
      "another site opening a socket",
      "GET",
      "/link/?ticket=x",
      () => ({ host: own(), origin: "http://evil.example", upgrade: "websocket", connection: "Upgrade" }),
      403,
    ],
    [
      "a socket without a ticket",
      "GET",
      "/link/?ticket=x",
      () => ({ host: own(), upgrade: "websocket", connection: "Upgrade" }),
      401,
    ],
    ["a path out of the page's folder", "GET", "/page/..%2fstore.ts", () => ({ host: own() }), 404],
    ["a module that is not offered", "GET", "/vendor/constructor", () => ({ host: own() }), 404],
  ])("%s: %s %s", async (_who, method, path, headers, expected) => {
    expect(await status(method, path, headers(), method === "POST" && !path.startsWith("/api") ? userAction : "")).toBe(
      expected,
    );
  });

  test("it listens on loopback only", async () => {
    await expect(createWorkspace({ host: "0.0.0.0" as "127.0.0.1" })).rejects.toThrow("can't listen on 0.0.0.0");
  });

  test("the page allows only its own scripts, and no inline style or frame", async () => {
    const policy = (await fetch(workspace.url)).headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/default-src 'none'; script-src 'self' 'nonce-[^']+'; style-src 'self'/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  });

  test("a mount answers what is under it, and nothing that only begins like it", async () => {
    const get = async (path: string) => (await fetch(workspace.url + path)).status;
    expect([
      await get("/environment/panel.js"),
      await get("/environment/nothing"),
      await get("/environments/panel.js"),
    ]).toEqual([200, 404, 404]);
  });
});

describe("a driver in another process", () => {
  test("sees and does the same through the control API", async () => {
    const remote = driveWorkspace(workspace.url);
    const waiting = remote.as("USAM").waitForMessage((one) => one.text === "From far away");
    await workspace.as("UALEX").say("From far away");
    expect((await waiting).user).toBe("UALEX");
    expect(await remote.as("UALEX").slash("/dr status")).toMatchObject({ ok: false, error: "dispatch_failed" });
    expect(await remote.conversation()).toBe(workspace.conversation());
  });

  test("what never comes is said, with what was seen instead", async () => {
    await workspace.as("UALEX").say("Only this");
    await expect(workspace.as("USAM").waitForMessage((one) => one.text === "never", 50)).rejects.toThrow(
      /USAM did not see a message like that within 50 ms\. Last seen:[\s\S]*UALEX in CINCIDENT: Only this/,
    );
  });
});
