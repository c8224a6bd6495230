import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { clientClassFor } from "../../src/timeline/primary.ts";

/** As much of a PostgreSQL server as it takes to ask it whether it takes writes, and on which timeline. */
interface Stub {
  readonly port: number;
  timeline: string;
  /** Milliseconds until it answers a query. */
  late: number;
  /** Ends every connection and takes no more. */
  leave(): Promise<void>;
}

const stubs: Stub[] = [];
afterEach(async () => {
  for (const one of stubs.splice(0)) await one.leave();
});

const message = (type: string, ...parts: readonly Buffer[]) => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + parts.reduce((sum, { length: size }) => sum + size, 0));
  return Buffer.concat([Buffer.from(type), length, ...parts]);
};
const int16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number) => Buffer.concat([int16(value >> 16), int16(value & 65_535)]);
const BOOL = 16;
const TEXT = 25;
const column = (name: string, type: number) =>
  Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)]);
const value = (text: string) => Buffer.concat([int32(text.length), Buffer.from(text)]);
const READY = message("Z", Buffer.from("I"));

async function stub(timeline: string, late = 0): Promise<Stub> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(Buffer.concat([message("R", int32(0)), READY]));
      socket.on("data", (data) => {
        if (data.toString("latin1", 0, 1) !== "Q") return;
        const answer = [
          message("T", int16(2), column("closed", BOOL), column("timeline", TEXT)),
          message("D", int16(2), value("f"), value(one.timeline)),
          message("C", Buffer.from("SELECT 1\0")),
        ];
        setTimeout(() => socket.write(Buffer.concat([...answer, READY])), one.late);
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const one: Stub = {
    ...{ port: (server.address() as AddressInfo).port, timeline, late },
    async leave() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      await new Promise((closed) => server.close(closed));
    },
  };
  stubs.push(one);
  return one;
}

const clientOf = (...servers: readonly Stub[]) => {
  const hosts = servers.map(({ port }) => `127.0.0.1:${port}`).join();
  const Client = clientClassFor(`postgres://o:o@${hosts}/lifeboat?target_session_attrs=read-write`);
  return async () => {
    const client = new Client({});
    client.on("error", () => {});
    await client.connect();
    const { port } = client as unknown as { port: number };
    await client.end();
    return port;
  };
};

describe("of several servers that say they take writes", () => {
  test("the newest is found, also where it answers last", async () => {
    const [old, older, newest] = [await stub("00000002"), await stub("00000001"), await stub("0000000A", 600)];
    expect(await clientOf(old, older, newest)()).toBe(newest.port);
  });

  test("an old primary is refused once a newer one was seen, however fast it answers and whatever became of the newer", async () => {
    const [old, newer] = [await stub("00000001", 600), await stub("00000002")];
    const connect = clientOf(old, newer);
    expect(await connect()).toBe(newer.port);
    await newer.leave();
    old.late = 0;
    // The first attempt is at the server that was known until then.
    await expect(connect()).rejects.toThrow();
    await expect(connect()).rejects.toMatchObject({ code: "25006", message: expect.stringContaining("old primary") });
    old.timeline = "00000003";
    expect(await connect()).toBe(old.port);
  });

  test("one that is another by the time it is connected to is refused as well", async () => {
    const [one, standby] = [await stub("00000002"), await stub("00000001", 600)];
    const connect = clientOf(one, standby);
    expect(await connect()).toBe(one.port);
    one.timeline = "00000001";
    await expect(connect()).rejects.toMatchObject({ code: "25006" });
  });
});
