import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type ListenOptions, type Server } from "node:net";
import { LifeboatError } from "./errors.ts";

/** From (included) to (excluded). */
export type Ports = readonly [from: number, to: number];

const LOWEST = 10_000;
/** Linux's own choice, and below those of macOS and Windows (49152). */
const FIRST_EPHEMERAL = 32_768;

/**
 * A loopback port for a program that has to be told its port and binds it later, or again after it was killed.
 * It lies outside what the system gives to outgoing connections, no one listens on it, and it is this process's own until the process ends:
 * the kernel holds a name for it, so that another Lifeboat on this machine takes another one (not on macOS, which has no such names).
 *
 * @throws LifeboatError `no-port`
 */
export async function freePort(ports: Ports = ownPorts()): Promise<number> {
  const [from, to] = ports;
  const count = to - from;
  const first = randomInt(count);
  for (let i = 0; i < count; i++) {
    const port = from + ((first + i) % count);
    if (isRefusedByFetch(port)) continue;
    const claim = await claimOf(port);
    if (claim === "taken") continue;
    if (await isFree(port)) return port;
    claim?.close();
    given.delete(port);
  }
  throw new LifeboatError({
    code: "no-port",
    where: "This machine",
    what: `No port from ${from} to ${to - 1} is free`,
  });
}

/** Browsers and `fetch` connect to none of these, whatever listens there. @see https://fetch.spec.whatwg.org/#port-blocking */
const REFUSED_BY_FETCH: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

export function isRefusedByFetch(port: number): boolean {
  return REFUSED_BY_FETCH.has(port);
}

/** Held until it is closed or this process ends, however it ends; null: this system has no such names. */
async function claimOf(port: number): Promise<Server | "taken" | null> {
  if (given.has(port)) return "taken";
  given.add(port);
  const names: Partial<Record<NodeJS.Platform, string>> = {
    linux: `\0lifeboat-port-${port}`,
    win32: `\\\\.\\pipe\\lifeboat-port-${port}`,
  };
  const path = names[process.platform];
  if (path === undefined) return null;
  const claim = await listening({ path });
  if (claim === null) given.delete(port);
  return claim ?? "taken";
}

/** What this process has given away, or is looking at. */
const given = new Set<number>();

async function isFree(port: number): Promise<boolean> {
  const probe = await listening({ port, host: "127.0.0.1", exclusive: true });
  if (probe === null) return false;
  await new Promise((closed) => probe.close(closed));
  return true;
}

/** Null: something else listens there. It keeps no process alive. */
function listening(where: ListenOptions): Promise<Server | null> {
  return new Promise((done) => {
    const server = createServer((socket) => socket.destroy()).unref();
    server.once("error", () => done(null));
    server.listen(where, () => done(server));
  });
}

let known: Ports | undefined;

function ownPorts(): Ports {
  known ??= [LOWEST, firstEphemeral()];
  return known;
}

/** A machine that gives nearly all of its ports to outgoing connections leaves us the usual ones: held, but not apart from those. */
function firstEphemeral(): number {
  try {
    const low = Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/)[0]);
    return low >= LOWEST + 2_000 ? Math.min(low, 65_536) : FIRST_EPHEMERAL;
  } catch {
    return FIRST_EPHEMERAL;
  }
}
