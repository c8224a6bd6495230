import { Resolver } from "node:dns/promises";
import type { Aws } from "../../targets/aws/index.ts";
import type { Entrance } from "./entrance.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

/** The world outside: Route 53's checkers, people who look the names up, and the application that looks up its database's region. */
export interface Internet {
  /** Checkers stay where they are: they find everything healthy, whatever it is. */
  blind(on: boolean): void;
  stop(): Promise<void>;
}

interface Outside {
  readonly aws: Aws;
  readonly healthCheck: string;
  readonly publicName: string;
  readonly balancedName: string;
  /** By the address a name has. */
  readonly places: ReadonlyMap<
    string,
    { readonly entrance: Entrance; readonly database: () => Promise<number | null> }
  >;
  readonly primary: Entrance;
  /** The application's way to its database. */
  readonly way: TcpProxy;
}

/** Route 53's own defaults, on AWS's scaled clock. */
const INTERVAL_SECONDS = 30;
const FAILURES = 3;
const LOOK_MS = 100;

export function openInternet(outside: Outside): Internet {
  const { aws, places, primary, way, healthCheck, publicName, balancedName } = outside;
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`127.0.0.1:${aws.resolver.port}`]);
  let stopped = false;
  let blind = false;

  const every = async (milliseconds: number, work: () => Promise<void>) => {
    while (!stopped) {
      await work().catch(() => {});
      await new Promise((later) => setTimeout(later, milliseconds));
    }
  };
  let failures = 0;
  const check = async () => {
    const well = (await fetch(`${primary.url}/health`, { signal: AbortSignal.timeout(1000) }).catch(() => null))?.ok;
    failures = well || blind ? 0 : failures + 1;
    const one = aws.state.healthChecks.get(healthCheck);
    if (one) one.endpointUp = failures < FAILURES;
  };
  const place = async (name: string) => places.get((await resolver.resolve4(name))[0] ?? "");
  const loops = [
    every(INTERVAL_SECONDS * 1000 * aws.state.clock.scale, check),
    every(LOOK_MS, async () => void (await (await place(balancedName))?.entrance.visit())),
    every(LOOK_MS, async () => {
      const found = await place(publicName);
      if (!found) return;
      // Without pods that answer no one asks the database; pods that find no writer keep asking where they asked before.
      if (!(await found.entrance.serves())) return void way.lead(null);
      const writer = await found.database();
      if (writer !== null) way.lead(writer);
    }),
  ];
  return {
    blind(on) {
      blind = on;
    },
    async stop() {
      stopped = true;
      resolver.cancel();
      await Promise.all(loops);
    },
  };
}
