import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  HAPROXY_PACKAGES,
  HAPROXY_PROGRAMS,
  type PracticeHaproxy,
  startHaproxy,
} from "../../../practice/targets/haproxy/index.ts";
import { actionHarness } from "../../support/action-harness.ts";
import { asked, type FailureCase, type FailureSuite, struck } from "../../support/failure-case.ts";
import { openFaultProxy } from "../fault-proxy.ts";

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
    home: () => actionHarness({}).perform("home", "haproxy.set_server", lead("blue")),
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
const setServer: FailureCase = {
  action: "haproxy.set_server",
  seconds: { hanging: 1 },
  async begin() {
    await front.home();
    const proxy = await openFaultProxy(front.haproxy.port, {
      changes: (text) => text.includes("set server"),
      no: "Permission denied\n\n",
      yes: "\n",
    });
    const through = { host: "127.0.0.1", port: proxy.port };
    const input = front.lead("green", { haproxy: { ...through, node: "practice" } });
    return {
      input,
      ...struck(proxy),
      holds: async () => ((await (await fetch(front.haproxy.url)).json()) as { served: string }).served === "green",
      byHand: () => actionHarness({}).perform("by-hand", "haproxy.set_server", front.lead("green")),
      wrong: () => asked({ ...input, servers: [{ backend: "web", server: "blue", state: "maint" }] }),
      blocks: "backends.served",
      other: () => asked({ ...input, haproxy: { ...through, node: "another" } }),
      close: () => proxy.close(),
    };
  },
};

export const suite: FailureSuite = {
  needs: { programs: HAPROXY_PROGRAMS, packages: HAPROXY_PACKAGES },
  open: async () => {
    front = await openFront();
  },
  close: () => front?.close(),
  cases: [setServer],
};
