import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:tls";
import { afterEach, describe, expect, test } from "@jest/globals";
import { actionHarness } from "../../support/action-harness.ts";
import { certificateOf } from "../../support/certificate.ts";

/** Given a server with a certificate; when it's asked for it; then it's said until when it lasts and whether it's trusted. */
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = keys.privateKey.export({ type: "pkcs8", format: "pem" });
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function serving(days: number): Promise<string> {
  const cert = certificateOf(keys, new Date("2026-01-01T00:00:00Z"), new Date(Date.now() + days * 86_400_000));
  const server: Server = createServer({ key, cert }, (socket) => socket.end());
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function found(urls: readonly string[], more: object = {}) {
  const { checks } = await actionHarness({}).look("tls.check", { urls, ...more });
  return Object.fromEntries(checks.map(({ id, ok }) => [id, ok]));
}

describe("a certificate", () => {
  test("that lasts and isn't signed by anyone known is said to be both", async () => {
    expect(await found([await serving(90)])).toEqual({ "certificate.trusted": false, "certificate.lasts": true });
  });

  test("that ends within the days that are asked does not last", async () => {
    const url = await serving(20);
    expect(await found([url])).toMatchObject({ "certificate.lasts": true });
    expect(await found([url], { certificateDays: 30 })).toMatchObject({ "certificate.lasts": false });
  });

  test("of a server that isn't there is a finding, and no error", async () => {
    expect(await found(["https://127.0.0.1:1"])).toEqual({ "certificate.shown": false });
  });

  test("of an address practice may not touch isn't asked for", async () => {
    const { checks } = await actionHarness({}).look("tls.check", { urls: ["https://192.0.2.1"] });
    expect(checks).toMatchObject([{ id: "certificate.shown", ok: false, says: expect.stringMatching(/practice/i) }]);
  });
});
