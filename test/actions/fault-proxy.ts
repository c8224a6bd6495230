import { connect, createServer, type Socket } from "node:net";
import { createFaults, type FaultKind, type FaultSwitches } from "../../practice/kit/faults.ts";
import { openServer } from "../../practice/kit/server.ts";
import type { Struck } from "../support/failure-case.ts";

/** The way to a real program: a ledger of what asks it to change something, and what goes wrong with that. */
export interface FaultProxy extends Struck {
  readonly port: number;
  readonly faults: FaultSwitches;
  close(): Promise<void>;
}

export interface WireOptions {
  /** What asks for a change, as text. */
  changes(text: string): boolean;
  /** What the program says when it will not; and what it says when it did it. */
  readonly no: Buffer | string;
  readonly yes: Buffer | string;
}

/** In front of a program that speaks over TCP. What is no change passes as it is. */
export async function openFaultProxy(port: number, { changes, no, yes }: WireOptions): Promise<FaultProxy> {
  const faults = createFaults();
  const seen: { fault: FaultKind | null; done: boolean }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    /** What is done with the next answer: passed on, broken off, kept back, or replaced by a no. */
    let answer: FaultKind | null = null;
    let deaf = false;
    const end = () => {
      near.destroy();
      far.destroy();
    };
    near.on("data", (chunk) => {
      if (deaf) return;
      if (answer !== null || !changes(chunk.toString("latin1"))) return void far.write(chunk);
      const fault = faults.take(true)?.kind ?? null;
      const one = { fault, done: false };
      seen.push(one);
      if (fault === "down") return end();
      deaf = fault === "hang" || fault === "throttle" || fault === "lie";
      if (fault === "hang") return;
      if (fault === "throttle") return void near.end(no);
      if (fault === "lie") return void near.write(yes, () => near.end());
      answer = fault;
      const heard = () => {
        one.done = true;
      };
      far.once("data", heard).once("end", heard);
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      if (answer === null) return void near.write(chunk);
      if (answer === "dropAfter") end();
      if (answer === "failAfter") near.end(no);
    });
    far.on("end", () => {
      if (answer === "dropAfter") end();
      else if (answer === "failAfter") near.end(no);
      else if (answer === null) near.end();
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        if (answer === null) end();
      });
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    faults,
    writes: () => seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** What a server of PostgreSQL's protocol says: an error, and that it is ready; or that a command is complete. */
export function pgError(code: string, message: string): Buffer {
  return Buffer.concat([pgMessage("E", `SERROR\0VERROR\0C${code}\0M${message}\0\0`), pgMessage("Z", "I")]);
}
export function pgComplete(tag: string): Buffer {
  return Buffer.concat([pgMessage("C", `${tag}\0`), pgMessage("Z", "I")]);
}
function pgMessage(kind: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + Buffer.byteLength(body));
  return Buffer.concat([Buffer.from(kind), length, Buffer.from(body)]);
}

/** In front of a program that speaks HTTP. */
export async function openFront(url: string, changes: (method: string, path: string) => boolean): Promise<FaultProxy> {
  const server = await openServer({
    lie: { status: 200, body: "done" },
    isWrite: ({ method, path }) => changes(method, path),
    async answer({ method, path, query, headers, body }) {
      const { authorization } = headers;
      const text = query.size > 0 ? `?${query}` : "";
      const response = await fetch(`${url}${path.split("/").map(encodeURIComponent).join("/")}${text}`, {
        method,
        headers: {
          ...(authorization ? { authorization } : {}),
          ...(headers["content-type"] ? { "content-type": headers["content-type"] } : {}),
        },
        ...(body.length > 0 ? { body } : {}),
      });
      const type = response.headers.get("content-type");
      return {
        status: response.status,
        body: Buffer.from(await response.arrayBuffer()),
        headers: type ? { "content-type": type } : {},
      };
    },
  });
  return {
    port: Number(new URL(server.url).port),
    faults: server.faults,
    writes: server.writes,
    close: server.close,
  };
}
