import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  HAPROXY_PACKAGES,
  HAPROXY_PROGRAMS,
  type PracticeHaproxy,
  startHaproxy,
} from "../../../practice/targets/haproxy/index.ts";
import { conduct } from "../conductor.ts";
import { asked, type Proof, struck, type Trial } from "../trial.ts";
import { openWire } from "../wire.ts";

/** A real HAProxy before two servers, of which one serves. */
export interface Front {
  readonly haproxy: PracticeHaproxy;
  lead(to: "blue" | "green", more?: object): { haproxy: object; servers: object[]; probe: object };
  home(): Promise<unknown>;
  close(): Promise<void>;
}

export async function openFront(): Promise<Front> {
  const servers: Server[] = [];
  for (const name of ["blue", "green"]) {
    const server = createServer((_request, response) => response.end(JSON.stringify({ served: name })));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    servers.push(server);
  }
  const [blue = 0, green = 0] = servers.map((one) => (one.address() as AddressInfo).port);
  const haproxy = await startHaproxy({ blue, green });
  const lead: Front["lead"] = (to, more = {}) => ({
    haproxy: { socket: haproxy.socket, node: "practice" },
    servers: [
      { backend: "web", server: to, state: "ready" },
      { backend: "web", server: to === "blue" ? "green" : "blue", state: "maint" },
    ],
    probe: { url: haproxy.url, json: { served: to } },
    ...more,
  });
  return {
    haproxy,
    lead,
    home: () => conduct({}).perform("home", "haproxy.set_server", lead("blue")),
    async close() {
      await haproxy.stop();
      for (const server of servers) server.close();
    },
  };
}

let front: Front;
/** For the tests beside these. */
export const opened = () => front;

/** Over TCP, because that can be told faults; the socket of the machine is the same runtime API. */
const setServer: Trial = {
  action: "haproxy.set_server",
  seconds: { hanging: 1 },
  async begin() {
    await front.home();
    const wire = await openWire(front.haproxy.port, {
      changes: (text) => text.includes("set server"),
      no: "Permission denied\n\n",
      yes: "\n",
    });
    const through = { host: "127.0.0.1", port: wire.port };
    const input = front.lead("green", { haproxy: { ...through, node: "practice" } });
    return {
      input,
      ...struck(wire),
      holds: async () => ((await (await fetch(front.haproxy.url)).json()) as { served: string }).served === "green",
      byHand: () => conduct({}).perform("by-hand", "haproxy.set_server", front.lead("green")),
      wrong: () => asked({ ...input, servers: [{ backend: "web", server: "blue", state: "maint" }] }),
      blocks: "backends.served",
      other: () => asked({ ...input, haproxy: { ...through, node: "another" } }),
      close: () => wire.close(),
    };
  },
};

export const proof: Proof = {
  needs: { programs: HAPROXY_PROGRAMS, packages: HAPROXY_PACKAGES },
  open: async () => {
    front = await openFront();
  },
  close: () => front?.close(),
  trials: [setServer],
};
