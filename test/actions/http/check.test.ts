import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createRawServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { actionHarness, blockedBy } from "../../support/action-harness.ts";

const asked: string[] = [];
let server: Server;
let base: string;
/** What `/flaky` answers, one after the other. */
let flaky: number[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.url === "/ok") response.end("all is well");
    else if (request.url === "/json") response.end(JSON.stringify({ target: { name: "orders-b" }, healthy: true }));
    else if (request.url === "/away") response.writeHead(302, { location: `${base}/ok` }).end();
    else if (request.url === "/flaky") response.writeHead(flaky.shift() ?? 200).end();
    else if (request.url === "/endless") stream();
    else response.writeHead(503).end("down");
    function stream() {
      if (response.destroyed) return;
      response.write("x".repeat(65_536), () => setImmediate(stream));
    }
  });
  await new Promise<void>((open) => server.listen(0, "127.0.0.1", open));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const quick = { attempts: 6, everySeconds: 0.05 };

describe("http.check", () => {
  test("is satisfied by several expected answers in a row", async () => {
    flaky = [500, 200, 500];
    const given = { ...quick, checks: [{ url: `${base}/flaky` }], consecutive: 3 };
    const { evidence } = await actionHarness({}).perform("check", "http.check", given);
    expect(evidence.says).toBe(`${base}/flaky answered as expected, 3 times in a row.`);
  });

  test("never believes answers that are not in a row", async () => {
    flaky = [200, 500, 200, 200, 500, 200, 500, 500];
    await expect(
      actionHarness({}).perform("check", "http.check", {
        ...quick,
        checks: [{ url: `${base}/flaky` }],
        consecutive: 3,
      }),
    ).rejects.toMatchObject({ problem: { code: "not-answering" } });
  });

  test("does not follow a redirect: it is an answer", async () => {
    asked.length = 0;
    const looked = await actionHarness({}).look("http.check", { checks: [{ url: `${base}/away` }] });
    expect(looked.facts.answer1).toBe("answered 302; 200 is expected");
    expect(asked).toEqual(["/away"]);
  });

  test.each([
    [{ contains: "well" }, "/ok", true],
    [{ contains: "ill" }, "/ok", false],
    [{ json: { "target.name": "orders-b", healthy: true } }, "/json", true],
    [{ json: { "target.name": "orders-a" } }, "/json", false],
    [{ json: { "__proto__.name": "x" } }, "/json", false],
    [{ json: { "target.constructor": "x" } }, "/json", false],
    [{ json: { name: "x" } }, "/ok", false],
    [{ status: 503 }, "/down", true],
  ])("%j of %s: %s", async (expected, path, met) => {
    const looked = await actionHarness({}).look("http.check", { checks: [{ url: `${base}${path}`, ...expected }] });
    expect(looked.checks.map((check) => check.ok)).toEqual([met]);
  });

  test("reads no endless body and waits for no silent server", async () => {
    const silent = createRawServer(() => {});
    await new Promise<void>((open) => silent.listen(0, "127.0.0.1", open));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const started = performance.now();
    const looked = await actionHarness({}).look("http.check", {
      checks: [{ url: `${base}/endless` }, { url, timeoutSeconds: 0.5 }],
    });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(looked.checks.map((check) => check.ok)).toEqual([true, false]);
    expect(looked.facts.answer2).toContain("gave no answer within 0.5 s");
    silent.close();
  });

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://１６９.254.169.254/",
    "http://169.254.169.254.:80/",
    "http://0/",
    "http://user:secret@127.0.0.1/",
  ])("%s is never connected to, in practice or outside", async (url) => {
    for (const practice of [true, false]) {
      const looked = await actionHarness({}, { practice }).look("http.check", { checks: [{ url }] });
      expect(blockedBy(looked.checks)).toEqual(["address.1"]);
      expect(looked.seen).toMatchObject([{ forbidden: true, met: false, status: null }]);
    }
  });

  test.each(["ftp://127.0.0.1/", "file:///etc/passwd", "javascript:alert(1)", "/health", ""])(
    "“%s” is no address of a web server",
    (url) => {
      expect(
        actionHarness({})
          .action("http.check")
          .input.safeParse({ checks: [{ url }] }).success,
      ).toBe(false);
    },
  );

  test("in practice an address elsewhere is refused before anything is sent", async () => {
    const looked = await actionHarness({}).look("http.check", { checks: [{ url: "http://192.0.2.7/health" }] });
    expect(looked.checks[0]).toMatchObject({ id: "address.1", level: "block", ok: false });
    expect(looked.checks[0]?.says).toContain("practice touches nothing else");
  });
});
