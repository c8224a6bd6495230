import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy that leads to wherever it is told, as a load balancer does: a change ends what was led elsewhere. */
export interface TcpProxy {
  readonly port: number;
  /** A port of this machine; null: no one is let in. */
  lead(to: number | null): void;
  readonly leads: number | null;
  close(): Promise<void>;
}

export async function openTcpProxy(): Promise<TcpProxy> {
  let leads: number | null = null;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    client.on("error", () => {});
    if (leads === null) return void client.destroy();
    const behind = connect(leads, "127.0.0.1");
    const end = () => {
      client.destroy();
      behind.destroy();
      open.delete(client);
    };
    open.add(client);
    behind.on("error", end);
    behind.on("close", end);
    client.on("close", end);
    client.pipe(behind);
    behind.pipe(client);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const cut = () => {
    for (const client of open) client.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get leads() {
      return leads;
    },
    lead(to) {
      if (to === leads) return;
      leads = to;
      cut();
    },
    async close() {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}
