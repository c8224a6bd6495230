import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { createTraffic } from "../../../../practice/systems/sav3/traffic.ts";

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test("an answer to what was sent before the lists were begun again is not among what has to be there now", async () => {
  const PEOPLE = 4;
  const held = new Map<string, ServerResponse>();
  let holds = true;
  const stored = (response: ServerResponse) => response.writeHead(201).end("{}");
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    if (holds && request.url === "/posts") held.set(JSON.parse(body).id, response);
    else stored(response);
  });
  closers.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const traffic = await createTraffic(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closers.push(() => traffic.close());
  while (held.size < PEOPLE) await sleep(5);
  traffic.forget();
  holds = false;
  for (const response of held.values()) stored(response);
  // Each of them posts again only after the old answer was read.
  while (traffic.acknowledged.length < PEOPLE * 2) await sleep(5);
  expect(traffic.acknowledged.filter(({ id }) => held.has(id))).toEqual([]);
});
