import type { Configuration, RouterRule } from "./configuration.ts";

/** Who gets a request, by the configuration in force and by who is up. */
export interface Routing {
  use(configuration: Configuration): void;
  /** The server's URL, or why there is none. */
  serverFor(host: string, path: string): string | "no-router" | "no-server";
  services(): readonly Described[];
  routers(): readonly Described[];
  close(): void;
}

export interface Described {
  readonly name: string;
  readonly [key: string]: unknown;
}

const CHECK_MS = 100;

export function createRouting(): Routing {
  let current: Configuration = { sha256: "", services: {}, routers: {} };
  /** Servers nobody looked at yet count as up, as with Traefik. */
  let down = new Set<string>();
  let turn = 0;
  const beat = setInterval(() => void look(), CHECK_MS);

  async function look(): Promise<void> {
    const found = new Set<string>();
    await Promise.all(
      Object.values(current.services).flatMap(({ loadBalancer }) =>
        (loadBalancer?.servers ?? []).map(async ({ url }) => {
          const path = loadBalancer?.healthCheck?.path;
          if (path !== undefined && !(await answers(new URL(path, url)))) found.add(url);
        }),
      ),
    );
    down = found;
  }

  function serversOf(name: string): readonly string[] {
    const service = current.services[bare(name)];
    if (service?.loadBalancer) {
      return (service.loadBalancer.servers ?? []).map(({ url }) => url).filter((url) => !down.has(url));
    }
    if (service?.failover) {
      const first = serversOf(service.failover.service);
      return first.length > 0 ? first : serversOf(service.failover.fallback);
    }
    return (service?.weighted?.services ?? []).flatMap(({ name: child, weight = 1 }) => {
      const servers = serversOf(child);
      return Array.from({ length: weight }, (_, i) => servers[i % servers.length]).filter((url) => url !== undefined);
    });
  }

  return {
    use(configuration) {
      current = configuration;
      void look();
    },
    serverFor(host, path) {
      const router = Object.values(current.routers).find((one) => matches(one, host, path));
      if (!router) return "no-router";
      const servers = serversOf(router.service);
      return servers[turn++ % Math.max(1, servers.length)] ?? "no-server";
    },
    services: () =>
      Object.entries(current.services).map(([name, service]) => ({
        ...service,
        name: `${name}@file`,
        provider: "file",
        status: "enabled",
        type: Object.keys(service)[0]?.toLowerCase(),
        ...(service.loadBalancer && {
          serverStatus: Object.fromEntries(
            (service.loadBalancer.servers ?? []).map(({ url }) => [url, down.has(url) ? "DOWN" : "UP"]),
          ),
        }),
      })),
    routers: () =>
      Object.entries(current.routers).map(([name, router]) => ({
        ...router,
        name: `${name}@file`,
        provider: "file",
        status: "enabled",
      })),
    close: () => clearInterval(beat),
  };
}

/** `` Host(`a`) && PathPrefix(`/b`) ``; other matchers match nothing. */
function matches({ rule }: RouterRule, host: string, path: string): boolean {
  return rule.split("&&").every((part) => {
    const [, matcher, value = ""] = /^\s*(Host|PathPrefix)\(`([^`]*)`\)\s*$/.exec(part) ?? [];
    if (matcher === "Host") return host.replace(/:\d+$/, "") === value;
    return matcher === "PathPrefix" && path.startsWith(value);
  });
}

function bare(name: string): string {
  return name.replace(/@file$/, "");
}

async function answers(url: URL): Promise<boolean> {
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(500) });
    return status >= 200 && status < 400;
  } catch {
    return false;
  }
}
