import type { PatroniNode } from "../../targets/patroni/index.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** What stands before a Patroni cluster: asks every member whether it leads, and goes to the one that says so. */
export interface Balancer {
  readonly port: number;
  /** `scratch`: to a server beside the cluster, whatever Patroni says. `nowhere`: its region is gone. */
  route(to: "cluster" | "nowhere" | { readonly scratch: number }): void;
  readonly leadsTo: "cluster" | "scratch" | "nowhere";
  close(): Promise<void>;
}

const EVERY_MS = 150;
const ASK_MS = 500;
/** No one who says so, this often in a row, is no one: one answer that came late ends no session. */
const FALL = 3;

export async function openBalancer(nodes: readonly PatroniNode[]): Promise<Balancer> {
  const proxy: TcpProxy = await openTcpProxy();
  let to: Parameters<Balancer["route"]>[0] = "cluster";
  let stopped = false;
  let inVain = 0;
  const look = async () => {
    while (!stopped) {
      if (to === "cluster") {
        const answers = await Promise.all(nodes.map(leads));
        const leader = nodes[answers.indexOf(true)];
        inVain = leader ? 0 : inVain + 1;
        if (to === "cluster" && (leader || inVain >= FALL)) proxy.lead(leader?.port ?? null);
      }
      await new Promise((later) => setTimeout(later, EVERY_MS));
    }
  };
  const looking = look();
  return {
    port: proxy.port,
    get leadsTo() {
      return to === "cluster" || to === "nowhere" ? to : "scratch";
    },
    route(next) {
      to = next;
      if (to !== "cluster") proxy.lead(to === "nowhere" ? null : to.scratch);
    },
    async close() {
      stopped = true;
      await looking;
      await proxy.close();
    },
  };
}

/** As HAProxy asks it: 200 from the one who leads, a standby cluster too, 503 from everyone else. */
async function leads(node: PatroniNode): Promise<boolean> {
  const asked = await fetch(`${node.api}/leader`, { method: "OPTIONS", signal: AbortSignal.timeout(ASK_MS) }).catch(
    () => null,
  );
  return asked?.status === 200;
}
