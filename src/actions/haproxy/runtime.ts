import { connect, type NetConnectOpts } from "node:net";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { allowedAddresses, kindOfAddress } from "../../lib/address.ts";
import { withDeadline } from "../../lib/deadline.ts";
import { LifeboatError } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";

/** HAProxy's runtime API: a `stats socket … level admin`. It knows no password, so over TCP it is for this machine alone. */
export const runtimeInput = z
  .strictObject({
    socket: z.string().refine(isAbsolute, "has to be an absolute path").optional(),
    host: z.string().min(1).optional(),
    port: z.number().int().min(1).max(65535).optional(),
    /** What `show info` calls `node`: who it has to be. Left out: not compared. */
    node: z.string().min(1).optional(),
  })
  .refine(
    ({ socket, host, port }) => (socket === undefined ? host !== undefined && port !== undefined : host === undefined),
    "needs either socket, or host and port",
  );
export type RuntimeTarget = z.infer<typeof runtimeInput>;

const SECONDS = 5;

export function placeOf({ socket, host, port }: RuntimeTarget): string {
  return socket ?? `${host}:${port}`;
}

/** One line of commands over one connection, sent once; resolves with all it answers. */
export async function order(ctx: ReadContext, target: RuntimeTarget, line: string): Promise<string> {
  return await withDeadline(
    `HAProxy at ${placeOf(target)}`,
    SECONDS,
    async (signal) => await said(await socketOf(ctx, target, signal), line, signal),
    ctx.signal,
  );
}

async function socketOf(
  ctx: ReadContext,
  { socket, host = "", port = 0 }: RuntimeTarget,
  signal: AbortSignal,
): Promise<NetConnectOpts> {
  if (socket !== undefined) return { path: socket };
  const [address = ""] = await allowedAddresses(host, { practice: ctx.practice, signal });
  if (kindOfAddress(address) !== "loopback") {
    throw new LifeboatError({
      code: "url-not-encrypted",
      what: `${host} is not this machine, and the runtime API has neither password nor encryption`,
      allowed: "A socket, or a tunnel that ends on this machine",
      stateNow: "Nothing was sent",
    });
  }
  return { host: address, port };
}

function said(options: NetConnectOpts, line: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    let text = "";
    const stop = () => socket.destroy(new Error("stopped"));
    signal.addEventListener("abort", stop, { once: true });
    socket.on("connect", () => socket.write(`${line}\n`));
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
    });
    socket.on("error", reject);
    socket.on("end", () => resolve(text));
    socket.on("close", () => {
      signal.removeEventListener("abort", stop);
      reject(new Error("The connection broke before the answer was over"));
    });
  });
}
