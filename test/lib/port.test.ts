import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { freePort } from "../../src/lib/port.ts";
import { built } from "../support/built.ts";

test("a port is free, is given once, and lies below what the system gives to outgoing connections", async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  expect(new Set(ports).size).toBe(20);
  expect(ports.filter((port) => port < 10_000 || port >= 32_768)).toEqual([]);
  const server = createServer().listen(ports[0], "127.0.0.1");
  await once(server, "listening");
  server.close();
});

test("what someone listens on isn't given", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await expect(freePort([port, port + 1])).rejects.toMatchObject({ problem: { code: "no-port" } });
  server.close();
});

test("a port that browsers and fetch refuse isn't given", async () => {
  await expect(freePort([10_080, 10_081])).rejects.toMatchObject({ problem: { code: "no-port" } });
  await expect(fetch("http://127.0.0.1:10080/")).rejects.toMatchObject({ cause: { message: "bad port" } });
});

const held = process.platform === "darwin" ? test.skip : test;
held("two processes never hold the same port, though neither listens on any of theirs", async () => {
  // Of 400 ports each takes 80: without claims they would share about 16.
  const code = `import(process.argv[1]).then(async ({ freePort }) => {
    const ports = [];
    for (let i = 0; i < 80; i++) ports.push(await freePort([28000, 28400]));
    console.log(JSON.stringify(ports));
    await new Promise((end) => process.stdin.resume().once("end", end));
  })`;
  const file = await built("src/lib/port.ts");
  const holders = [1, 2].map(() => promisify(execFile)(process.execPath, ["-e", code, file]));
  const said = holders.map(async ({ child }) => JSON.parse(String((await once(child.stdout as never, "data"))[0])));
  const ports = (await Promise.all(said)).flat();
  for (const { child } of holders) child.stdin?.end();
  await Promise.all(holders);
  expect([ports.length, new Set(ports).size]).toEqual([160, 160]);
});
