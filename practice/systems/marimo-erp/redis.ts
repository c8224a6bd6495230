import { connect } from "node:net";
import { freePort } from "../../../src/lib/port.ts";
import type { Fleet, Member } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";

/** One datacentre's cache. */
export interface Redis {
  readonly port: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** One command, as plain words. Rejects when no one answers. */
  tell(words: string): Promise<string>;
  /** `ok`, or `none` while no one answers. */
  says(): Promise<string>;
}

/** A real Redis that keeps nothing on disk. */
export async function createRedis(fleet: Fleet): Promise<Redis> {
  const port = await freePort();
  let member: Member | null = null;
  let starting: Promise<void> | null = null;
  const tell = (words: string) =>
    new Promise<string>((done, failed) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(`${words}\r\n`));
      socket.setTimeout(500, () => socket.destroy());
      socket.on("data", (said) => {
        socket.destroy();
        done(said.toString("latin1").trim());
      });
      socket.on("error", failed);
      socket.on("close", () => failed(new Error("Redis said nothing")));
    });
  const ping = () =>
    tell("PING").then(
      (said) => (said === "+PONG" ? "ok" : "none"),
      () => "none",
    );
  const start = async () => {
    if (member?.running) return;
    const given = ["--port", String(port), "--bind", "127.0.0.1", "--dir", fleet.folder, "--save", ""];
    member = await fleet.start("redis-server", given);
    await soon("Redis answering", async () => (await ping()) === "ok");
  };
  return {
    port,
    start() {
      starting ??= start().finally(() => {
        starting = null;
      });
      return starting;
    },
    async kill() {
      await member?.kill();
      member = null;
    },
    says: ping,
    tell,
  };
}
