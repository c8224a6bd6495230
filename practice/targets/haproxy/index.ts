import { join } from "node:path";
import { freePort } from "../../../src/lib/port.ts";
import { openFleet } from "../../environment/fleet.ts";
import { soon } from "../../environment/patience.ts";

export const HAPROXY_PROGRAMS = ["haproxy"] as const;
export const HAPROXY_PACKAGES = ["haproxy"] as const;

/** A HAProxy from Debian's package before servers of this machine. */
export interface PracticeHaproxy {
  readonly url: string;
  readonly socket: string;
  /** The same runtime API over TCP. */
  readonly port: number;
  stop(): Promise<void>;
}

/** @param servers port by name; all in backend `web`; the first is ready, the others are in maintenance */
export async function startHaproxy(servers: Readonly<Record<string, number>>): Promise<PracticeHaproxy> {
  const fleet = await openFleet("haproxy");
  try {
    const [front, runtime] = [await freePort(), await freePort()];
    const socket = join(fleet.folder, "run.sock");
    const lines = Object.entries(servers).map(
      ([name, port], i) =>
        `  server ${name} 127.0.0.1:${port} check inter 100ms fall 2 rise 1${i > 0 ? " disabled" : ""}`,
    );
    const file = await fleet.write(
      "haproxy.cfg",
      `global
  node practice
  stats socket ${socket} mode 666 level admin
  stats socket ipv4@127.0.0.1:${runtime} level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend front
  bind 127.0.0.1:${front}
  default_backend web
backend web
${lines.join("\n")}
`,
    );
    await fleet.start("haproxy", ["-db", "-f", file]);
    const url = `http://127.0.0.1:${front}`;
    await soon("HAProxy answering", async () => (await fetch(url)).ok);
    return { url, socket, port: runtime, stop: () => fleet.stop() };
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}
